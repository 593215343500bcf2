"""What a model suggests, and how that places items in the queue. Labels by people are never touched here.

Predictions are kept once an item and model, whoever writes them again. `arrange` puts open items in their place in one
transaction: prelabeled, clustered or manual. Whatever a labeler holds or has answered stays as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, exists, select, update
from sqlalchemy.dialects import postgresql, sqlite

from core.annotation import Answer, Region, SubmittedItem
from core.consensus import match
from core.counts import tally
from core.counts.tally import Count, What
from core.db.tables import ASSIGNMENT, ITEM, MODEL_RUN, PREDICTION, TALLY
from core.ids import AccountId, ItemId, ItemKind, ItemState, ProjectId, Source

BATCH = 500
SAME_IOU = 0.5
OPEN = (ITEM.c.state == ItemState.TODO.value, ITEM.c.open_slots > 0)


@dataclass(frozen=True)
class Suggestion:
    """What a model says of an item.

    Attributes:
        score: how sure it is, 0 to 1.
        answer: what a labeler's draft starts with; empty where nothing is sure enough.
        maybe: regions that may be there, the likeliest first: offered by letters, never drawn unasked.
    """

    item: ItemId
    score: float
    answer: Answer
    maybe: tuple[Region, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The stored form: that of the answer, and `maybe`."""
        body = self.answer.to_json()
        return body | {"maybe": Answer(regions=self.maybe).to_json()["regions"]} if self.maybe else body


@dataclass(frozen=True)
class Place:
    """Where an item is to stand in the queue: smaller priorities come first within a kind.

    Attributes:
        cluster: items of one clustered page share it.
        model: the run whose suggestion is shown; only for prelabeled items.
    """

    item: ItemId
    kind: ItemKind
    priority: int = 0
    cluster: int | None = None
    model: int | None = None


def put(conn: Connection, model: int, found: Sequence[Suggestion]) -> None:
    """Keep a model's predictions; writing them again changes nothing that people said of them."""
    rows = [
        {"item_id": s.item, "model_id": model, "score": s.score, "body": s.to_json()}
        for s in found
    ]  # fmt: skip
    if rows:
        conn.execute(_PUT[conn.dialect.name], rows)


def _put(insert: type[postgresql.Insert] | type[sqlite.Insert]) -> Any:
    statement = insert(PREDICTION)
    return statement.on_conflict_do_update(
        index_elements=["item_id", "model_id"],
        set_={"score": statement.excluded.score, "body": statement.excluded.body},
        where=PREDICTION.c.kept.is_(None),
    )


_PUT = {"sqlite": _put(sqlite.Insert), "postgresql": _put(postgresql.Insert)}


def predicted(conn: Connection, model: int, items: Sequence[ItemId]) -> Mapping[ItemId, Suggestion]:
    """What a model said of these items."""
    rows = conn.execute(select(PREDICTION).where(PREDICTION.c.model_id == model, PREDICTION.c.item_id.in_(items)))
    return {ItemId(r.item_id): Suggestion(ItemId(r.item_id), r.score, Answer.from_json(r.body)) for r in rows}


def shown(conn: Connection, rows: Iterable[Row[Any]]) -> Mapping[ItemId, Suggestion]:
    """The suggestion that each of these item rows is shown with; items of other kinds than prelabeled have none."""
    by_model: dict[int, list[ItemId]] = {}
    for row in rows:
        if row.kind == ItemKind.PRELABELED and row.model_id is not None:
            by_model.setdefault(row.model_id, []).append(ItemId(row.id))
    found: dict[ItemId, Suggestion] = {}
    for model, items in by_model.items():
        found |= predicted(conn, model, items)
    return found


def arrange(
    conn: Connection, project: ProjectId, places: Sequence[Place], *, audit: Sequence[ItemId] = ()
) -> Mapping[ItemKind, int]:
    """Put the project's open items in their places, and all others that are open back to manual; returns how many of a kind.

    Prelabels that came from a file stay until a model has one of its own for the item.

    Args:
        audit: items that join the audit stream, for ever, unless somebody has had them in hand already. Those of the
            stream are never prelabeled or clustered, whatever `places` says.
    """
    wanted = {place.item: place for place in places}
    _join_audit(conn, audit)
    files = set(conn.execute(_FROM_FILES.where(MODEL_RUN.c.project_id == project)).scalars())
    changed: list[dict[str, Any]] = []
    moves: Counter[tuple[int, int]] = Counter()
    kinds: Counter[ItemKind] = Counter()
    for row in conn.execute(_open_rows(conn, project)).all():
        place = wanted.get(ItemId(row.id), Place(ItemId(row.id), ItemKind.MANUAL))
        if row.audit and place.kind is not ItemKind.MANUAL:
            place = Place(place.item, ItemKind.MANUAL)
        elif not row.audit and row.model_id in files and place.kind is not ItemKind.PRELABELED:
            place = Place(place.item, ItemKind.PRELABELED, row.priority, model=row.model_id)
        kinds[place.kind] += 1
        after = (place.kind.value, place.priority, place.cluster, place.model)
        if after != (row.kind, row.priority, row.cluster, row.model_id):
            names = ("kind", "priority", "cluster", "model_id")
            changed.append({"b_item": row.id, **dict(zip(names, after, strict=True))})
            moves[row.kind, place.kind.value] += 1
    if changed:
        conn.execute(_PLACE, changed)
    _count(conn, project, moves)
    return {kind: kinds[kind] for kind in ItemKind}


_FROM_FILES = select(MODEL_RUN.c.id).where(MODEL_RUN.c.kind == "import")


def _join_audit(conn: Connection, items: Sequence[ItemId]) -> None:
    unseen = ~exists().where(ASSIGNMENT.c.item_id == ITEM.c.id)
    for at in range(0, len(items), BATCH):
        conn.execute(update(ITEM).where(ITEM.c.id.in_(items[at : at + BATCH]), *OPEN, unseen).values(audit=1))


def _open_rows(conn: Connection, project: ProjectId) -> Any:
    """Open items that nobody holds or has answered."""
    touched = exists().where(ASSIGNMENT.c.item_id == ITEM.c.id, ASSIGNMENT.c.state.in_([0, 1, 3]))
    query = select(ITEM.c.id, ITEM.c.kind, ITEM.c.priority, ITEM.c.cluster, ITEM.c.model_id, ITEM.c.audit)
    query = query.where(ITEM.c.project_id == project, *OPEN, ITEM.c.gold.is_(None), ITEM.c.defaults.is_(None), ~touched)
    return query.with_for_update(of=ITEM, skip_locked=True) if conn.dialect.name == "postgresql" else query


_PLACE = (
    update(ITEM)
    .where(ITEM.c.id == bindparam("b_item"), *OPEN)
    .values({name: bindparam(name) for name in ("kind", "priority", "cluster", "model_id")})
)


def _count(conn: Connection, project: ProjectId, moves: Mapping[tuple[int, int], int]) -> None:
    counts: Counter[Count] = Counter()
    for (before, after), n in moves.items():
        counts.update(tally.rekinded(ItemKind(before), ItemKind(after), n))
    tally.add(conn, project, counts)


def judged_source(item: SubmittedItem, suggestion: Suggestion | None) -> Source:
    """How an answer came about, given the suggestion that its labeler was shown. Pure."""
    if suggestion is None:
        return item.source
    same = suggestion.answer.to_json() == item.answer.to_json()
    if not suggestion.answer.regions:
        same = set(suggestion.answer.labels) == set(item.answer.labels)
    return Source.PRELABEL_ACCEPTED if same else Source.PRELABEL_CORRECTED


@dataclass(frozen=True)
class Judged:
    """What a labeler made of suggested regions: left as they were, moved or reshaped, taken away; and drew beside them."""

    accepted: int = 0
    corrected: int = 0
    rejected: int = 0
    added: int = 0


def judged_regions(suggested: Answer, answer: Answer) -> Judged:
    """Region by region, a corrected one being one of the same label with which it overlaps by half or more. Pure."""
    if not suggested.regions:
        return Judged(added=len(answer.regions))
    found = match(suggested.regions, answer.regions, SAME_IOU)
    same = sum(suggested.regions[mine] == answer.regions[theirs] for mine, theirs, _ in found)
    missed = len(suggested.regions) - len(found)
    return Judged(same, len(found) - same, missed, len(answer.regions) - len(found))


def kept_part(suggested: Answer, answer: Answer) -> float:
    """The part of a suggestion that proved right, 0 to 1: labels of the image, or regions left where they were. Pure.

    A region that was moved a little is right as long as half of it stays: by the same measure its precision was promised.
    """
    if suggested.regions:
        judged = judged_regions(suggested, answer)
        return (judged.accepted + judged.corrected) / len(suggested.regions)
    if not suggested.labels:
        return float(answer.is_empty)
    return len(set(suggested.labels) & set(answer.labels)) / len(set(suggested.labels))


def judge(
    conn: Connection, models: Mapping[ItemId, int], shown: Mapping[ItemId, Suggestion], items: Sequence[SubmittedItem]
) -> None:
    """Record what labelers made of the suggestions that they were shown."""
    judged = [item for item in items if item.item in shown]
    rows = [
        {"b_item": i.item, "b_model": models[i.item], "kept": kept_part(shown[i.item].answer, i.answer)} for i in judged
    ]
    if rows:
        conn.execute(_JUDGE, rows)
    for item in judged:
        if shown[item.item].answer.regions:
            _count_regions(conn, models[item.item], judged_regions(shown[item.item].answer, item.answer))


def _count_regions(conn: Connection, model: int, found: Judged) -> None:
    project = conn.execute(select(MODEL_RUN.c.project_id).where(MODEL_RUN.c.id == model)).scalar_one()
    counts = {Count(tally.NOBODY, 0, what, model): getattr(found, name) for name, what in REGION_COUNTS.items()}
    tally.add(conn, ProjectId(project), counts)


REGION_COUNTS = {
    "accepted": What.REGION_ACCEPTED, "corrected": What.REGION_CORRECTED,
    "rejected": What.REGION_REJECTED, "added": What.REGION_ADDED,
}  # fmt: skip


def regions_judged(conn: Connection, model: int) -> Judged:
    """What people made of all regions that a model suggested so far, from counts."""
    rows = conn.execute(
        select(TALLY.c.what, TALLY.c.n).where(
            TALLY.c.project_id == select(MODEL_RUN.c.project_id).where(MODEL_RUN.c.id == model).scalar_subquery(),
            TALLY.c.what.in_([what.value for what in REGION_COUNTS.values()]),
            TALLY.c.code == model,
        )
    )
    found = {row.what: int(row.n) for row in rows}
    return Judged(**{name: found.get(what.value, 0) for name, what in REGION_COUNTS.items()})


def proposed(conn: Connection, account: AccountId, item: ItemId) -> tuple[Region, ...]:
    """Regions that a model finds likely on an item in this labeler's hands, the likeliest first; none on audit items."""
    holds = exists().where(ASSIGNMENT.c.item_id == item, ASSIGNMENT.c.account_id == account, ASSIGNMENT.c.state == 0)
    query = select(PREDICTION.c.body).join(ITEM, ITEM.c.id == PREDICTION.c.item_id)
    query = query.where(PREDICTION.c.item_id == item, ITEM.c.audit == 0, ITEM.c.gold.is_(None), holds)
    body = conn.execute(query.order_by(PREDICTION.c.model_id.desc()).limit(1)).scalar_one_or_none()
    return () if body is None else Answer.from_json({"regions": body.get("maybe", ())}).regions


_JUDGE = (
    update(PREDICTION)
    .where(PREDICTION.c.item_id == bindparam("b_item"), PREDICTION.c.model_id == bindparam("b_model"))
    .values(kept=bindparam("kept"))
)


def withdraw(conn: Connection, project: ProjectId, model: int) -> int:
    """Take a model's prelabels that nobody holds out of the queue; their items are served by hand. Returns how many."""
    back = (
        update(ITEM)
        .where(ITEM.c.project_id == project, ITEM.c.kind == ItemKind.PRELABELED.value, ITEM.c.model_id == model, *OPEN)
        .values(kind=ItemKind.MANUAL.value, priority=0, cluster=None, model_id=None)
    )
    gone = conn.execute(back).rowcount
    _count(conn, project, {(ItemKind.PRELABELED.value, ItemKind.MANUAL.value): gone})
    return gone
