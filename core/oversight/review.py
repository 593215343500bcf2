"""What reviewers do with answers: approve, correct, reject with a comment, resolve a conflict; many items at once.

Each call is one transaction. An item whose answer changed since the reviewer saw it is refused by name, the others go through.
What a reviewer decided is closed to its labeler; what was rejected goes back to that labeler first, with the comment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select, update

from core.annotation import Answer, Receipt
from core.consensus import classes_of
from core.counts import tally
from core.counts.tally import Count, What
from core.db.tables import ACCOUNT, ASSIGNMENT, EVENT, IS_SUBMITTED, ITEM, PROJECT
from core.errors import BadInput, NotFound
from core.ids import AccountId, AssignmentState, ItemId, ItemKind, ItemState, ProjectId, Source
from core.labeling import decisions
from core.labeling.decisions import Change, Standing, labeled
from core.labeling.legality import illegal_reason, rules_of
from core.labeling.settling import answers_of, leases_of
from core.roles import Action
from core.team import audit
from core.team.access import actor, require_in
from core.team.audit import Happening
from core.team.people import Account

MOST = 5000
CHANGED = "its answer changed since you saw it; look at it again"
IS_GOLD = "it is a gold item; take it out of the gold items first"
NOT_LABELED = "it has no answer to review"


@dataclass(frozen=True)
class OneAnswer:
    """What one labeler said of an item; `state` says whether it counts now."""

    account: AccountId
    name: str
    state: AssignmentState
    answer: Answer
    source: Source | None
    comment: str
    submitted_ms: int | None
    active_ms: int


@dataclass(frozen=True)
class Past:
    """One event of an item's history."""

    at_ms: int
    what: str
    name: str
    body: Mapping[str, Any]


def answers(conn: Connection, by: Account, project: ProjectId, item: ItemId) -> tuple[OneAnswer, ...]:
    """Every labeler's answer to an item, side by side, in the order in which they came. Raises Forbidden."""
    require_in(conn, project, by, Action.REVIEW)
    rows = conn.execute(
        select(ASSIGNMENT, ACCOUNT.c.name)
        .join(ACCOUNT, ACCOUNT.c.id == ASSIGNMENT.c.account_id)
        .where(ASSIGNMENT.c.item_id == item, ASSIGNMENT.c.project_id == project, ASSIGNMENT.c.body.is_not(None))
        .order_by(ASSIGNMENT.c.submitted_ms, ASSIGNMENT.c.account_id)
    )
    return tuple(
        OneAnswer(
            AccountId(r.account_id), r.name, AssignmentState(r.state), Answer.from_json(r.body),
            Source(r.source) if r.source else None, r.comment, r.submitted_ms, r.active_ms,
        )
        for r in rows
    )  # fmt: skip


def history(conn: Connection, by: Account, project: ProjectId, item: ItemId) -> tuple[Past, ...]:
    """Everything that happened to an item, oldest first. Raises Forbidden."""
    require_in(conn, project, by, Action.REVIEW)
    rows = conn.execute(
        select(EVENT.c.at_ms, EVENT.c.what, ACCOUNT.c.name, EVENT.c.body)
        .outerjoin(ACCOUNT, ACCOUNT.c.id == EVENT.c.account_id)
        .where(EVENT.c.item_id == item, EVENT.c.project_id == project)
        .order_by(EVENT.c.id)
    )
    return tuple(Past(row.at_ms, row.what, row.name or "", row.body) for row in rows)


def approve(conn: Connection, by: Account, project: ProjectId, seen: Mapping[ItemId, int], *, now_ms: int) -> Receipt:
    """Confirm the answers of labeled items.

    Args:
        seen: the stamp of each item's answer as the reviewer saw it (`Browsed.stamp_ms`).
    """
    rows = _opened(conn, by, project, list(seen))
    refused = _refusals(rows, seen, lambda row: None if row.state == ItemState.LABELED else NOT_LABELED)
    taken = [item for item in seen if item not in refused]
    if taken:
        values = {"reviewed_ms": now_ms, "reviewer_id": actor(by)}
        conn.execute(update(ITEM).where(ITEM.c.id.in_(taken)).values(values))
    _record(conn, by, project, "item-approved", {item: {} for item in taken}, now_ms=now_ms)
    return Receipt(tuple(taken), refused)


def correct(
    conn: Connection,
    by: Account,
    project: ProjectId,
    answers_seen: Mapping[ItemId, tuple[int, Answer]],
    *,
    now_ms: int,
    what: str = "item-corrected",
) -> Receipt:
    """Put the reviewer's own answer in place; also what resolves a conflict. What labelers said stays in the history."""
    rows = _opened(conn, by, project, list(answers_seen))
    rules = rules_of(conn, project)
    wanted = {item: answer.relabeled(rules.merged) for item, (_, answer) in answers_seen.items()}

    def illegal(row: Row[Any]) -> str | None:
        if row.state not in (ItemState.LABELED, ItemState.NEEDS_REVIEW, ItemState.SKIPPED):
            return NOT_LABELED
        return illegal_reason(rules, wanted[ItemId(row.id)], (row.width, row.height))

    refused = _refusals(rows, {item: stamp for item, (stamp, _) in answers_seen.items()}, illegal)
    taken = [item for item in wanted if item not in refused]
    before = standings(conn, [rows[item] for item in taken])
    changes = [
        Change(
            item, ItemKind(rows[item].kind), before[item], labeled(wanted[item]),
            Source(rows[item].source or Source.MANUAL), reviewer=actor(by), reviewed=True,
        )
        for item in taken
    ]  # fmt: skip
    counts = decisions.write(conn, project, changes, now_ms=now_ms)
    counts.update(_per_labeler(conn, taken, What.CORRECTED))
    tally.add(conn, project, counts)
    bodies = {item: {"before": rows[item].answer, "answer": wanted[item].to_json()} for item in taken}
    _record(conn, by, project, what, bodies, now_ms=now_ms)
    return Receipt(tuple(taken), refused)


def resolve(
    conn: Connection, by: Account, project: ProjectId, item: ItemId, stamp_ms: int, chosen: AccountId, *, now_ms: int
) -> Receipt:
    """Settle a conflict by taking one labeler's answer. Raises NotFound when that labeler has none."""
    found = {one.account: one for one in answers(conn, by, project, item) if one.state is AssignmentState.SUBMITTED}
    if chosen not in found:
        raise NotFound("That labeler has no answer to this item.")
    seen = {item: (stamp_ms, found[chosen].answer)}
    return correct(conn, by, project, seen, now_ms=now_ms, what="item-resolved")


def reject(
    conn: Connection, by: Account, project: ProjectId, seen: Mapping[ItemId, int], comment: str, *, now_ms: int
) -> Receipt:
    """Take answers out of the current set and ask for them again, first of whoever gave them, with the comment.

    Raises:
        BadInput: no comment; a labeler must be told why.
    """
    if not comment.strip():
        raise BadInput("Say in a few words why: the labeler reads it when the image comes back.")
    rows = _opened(conn, by, project, list(seen))
    decided = (ItemState.LABELED, ItemState.NEEDS_REVIEW, ItemState.SKIPPED)
    refused = _refusals(rows, seen, lambda row: None if row.state in decided else NOT_LABELED)
    taken = [item for item in seen if item not in refused]
    before = standings(conn, [rows[item] for item in taken])
    slots = conn.execute(select(PROJECT.c.min_labelers).where(PROJECT.c.id == project)).scalar_one()
    leases = leases_of(conn, taken)
    changes = [
        Change(
            item, ItemKind(rows[item].kind), before[item], Standing(ItemState.TODO, slots=max(0, slots - leases[item]))
        )
        for item in taken
    ]
    counts = decisions.write(conn, project, changes, now_ms=now_ms)
    counts.update(_per_labeler(conn, taken, What.REJECTED))
    _send_back(conn, taken, comment.strip())
    tally.add(conn, project, counts)
    bodies = {item: {"before": rows[item].answer, "comment": comment.strip()} for item in taken}
    _record(conn, by, project, "item-rejected", bodies, now_ms=now_ms)
    return Receipt(tuple(taken), refused)


def _send_back(conn: Connection, items: Sequence[ItemId], comment: str) -> None:
    """Each labeler of these items gets their answer back as a draft, with the comment; who skipped is asked again."""
    rows = conn.execute(select(ASSIGNMENT).where(ASSIGNMENT.c.item_id.in_(items), IS_SUBMITTED)).all()
    for row in rows:
        draft = {"answer": row.body, "selected": False, "focused": False}
        conn.execute(
            update(ASSIGNMENT)
            .where(ASSIGNMENT.c.item_id == row.item_id, ASSIGNMENT.c.account_id == row.account_id)
            .values(
                state=AssignmentState.REJECTED.value, token=row.token + 1, version=row.version + 1,
                body=None, draft=draft, comment=comment,
            )
        )  # fmt: skip
    skipped = (ASSIGNMENT.c.item_id.in_(items), ASSIGNMENT.c.state == AssignmentState.SKIPPED.value)
    conn.execute(
        update(ASSIGNMENT)
        .where(*skipped)
        .values(
            state=AssignmentState.REJECTED.value, token=ASSIGNMENT.c.token + 1, comment=comment,
            version=ASSIGNMENT.c.version + 1,
        )
    )  # fmt: skip


def _opened(conn: Connection, by: Account, project: ProjectId, items: Sequence[ItemId]) -> dict[ItemId, Row[Any]]:
    """The items' rows, locked with their answers in the order in which labelers lock them; only for who may review."""
    require_in(conn, project, by, Action.REVIEW)
    if len(items) > MOST:
        raise BadInput(f"{len(items):,} items are too many at once; {MOST:,} are the most.")
    query = select(ITEM).where(ITEM.c.project_id == project, ITEM.c.id.in_(items)).order_by(ITEM.c.id)
    if conn.dialect.name == "postgresql":
        theirs = select(ASSIGNMENT.c.item_id).where(ASSIGNMENT.c.item_id.in_(items)).order_by(ASSIGNMENT.c.item_id)
        conn.execute(theirs.with_for_update())
        query = query.with_for_update()
    return {ItemId(row.id): row for row in conn.execute(query)}


def _refusals(
    rows: Mapping[ItemId, Row[Any]], seen: Mapping[ItemId, int], judge: Callable[[Row[Any]], str | None]
) -> dict[ItemId, str]:
    """Why each item is refused, for those that are. Pure."""
    found: dict[ItemId, str] = {}
    for item, stamp_ms in seen.items():
        row = rows.get(item)
        reason = _refusal(row, stamp_ms) or (judge(row) if row is not None else None)
        if reason:
            found[item] = reason
    return found


def _refusal(row: Row[Any] | None, stamp_ms: int) -> str | None:
    if row is None:
        return "it is no item of this project"
    if row.gold is not None:
        return IS_GOLD
    return None if (row.decided_ms or 0) == stamp_ms else CHANGED


def standings(conn: Connection, rows: Sequence[Row[Any]]) -> dict[ItemId, Standing]:
    """How the items of these locked rows stand."""
    conflicts = [ItemId(row.id) for row in rows if row.state == ItemState.NEEDS_REVIEW]
    given = answers_of(conn, conflicts) if conflicts else {}
    found = {}
    for row in rows:
        item, answer = ItemId(row.id), Answer.from_json(row.answer) if row.answer else None
        under = answer.label_set if answer is not None else classes_of(given.get(item, ()))
        found[item] = Standing(ItemState(row.state), answer, under, row.open_slots, row.decided_ms)
    return found


def _per_labeler(conn: Connection, items: Sequence[ItemId], what: What) -> Counter[Count]:
    """One count for each answer of these items, under whoever gave it."""
    rows = conn.execute(select(ASSIGNMENT.c.account_id).where(ASSIGNMENT.c.item_id.in_(items), IS_SUBMITTED)).scalars()
    return Counter(Count(AccountId(account), 0, what) for account in rows)


def _record(
    conn: Connection,
    by: Account,
    project: ProjectId,
    what: str,
    bodies: Mapping[ItemId, dict[str, Any]],
    *,
    now_ms: int,
) -> None:
    happenings = [Happening(what, actor(by), project, item, body) for item, body in bodies.items()]
    audit.record(conn, happenings, now_ms=now_ms)
