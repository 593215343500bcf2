"""What an item's current answer is. The only place that moves items in and out of the labeled set.

A `Change` says how an item stood and how it is to stand; `write` makes the item, the label index and the counts agree.
The caller has locked the item's row and records the event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, update

from core.annotation import Answer
from core.counts import tally
from core.counts.tally import NOBODY, Count, What
from core.db.prepared import INSERT, Prepared, always, number
from core.db.tables import ITEM, ITEM_LABEL
from core.ids import AccountId, ItemId, ItemKind, ItemState, LabelId, ProjectId, Source

_NONE: frozenset[LabelId] = frozenset()


@dataclass(frozen=True)
class Standing:
    """How an item stands.

    Attributes:
        answer: the current answer; None unless the item is labeled.
        found_under: the labels under which the data page finds it: its answer's, or those of conflicting answers.
        slots: how many more labelers may be given it now.
        decided_ms: when it was decided; a later decision has a later time, so that it tells versions apart.
    """

    state: ItemState
    answer: Answer | None = None
    found_under: frozenset[LabelId] = _NONE
    slots: int = 0
    decided_ms: int | None = None


@dataclass(frozen=True)
class Change:
    """One item from one standing to another; `reviewer` is set where a reviewer decided."""

    item: ItemId
    kind: ItemKind
    before: Standing
    after: Standing
    source: Source | None = None
    reviewer: AccountId | None = None
    reviewed: bool = False


def labeled(answer: Answer) -> Standing:
    """The standing of an item with this current answer."""
    return Standing(ItemState.LABELED, answer, answer.label_set)


def label_uses(answer: Answer | None) -> tuple[LabelId, ...]:
    """Every label that an answer uses, once a use: regions count each."""
    return () if answer is None else (*answer.labels, *(region.label for region in answer.regions))


def write(
    conn: Connection, project: ProjectId, changes: Sequence[Change], *, now_ms: int, by: AccountId = NOBODY
) -> Counter[Count]:
    """Write items and the label index; returns the changes of counts, for the caller to add with its own in one go."""
    if not changes:
        return Counter()
    _SET_ITEM.many(conn, [_item_values(change, now_ms) for change in changes])
    _write_index(conn, project, changes)
    counts: Counter[Count] = Counter()
    moves = Counter((change.kind, change.before.state, change.after.state) for change in changes)
    for (kind, before, after), n in moves.items():
        counts.update(tally.moved(by, kind, before, after, n))
    for change in changes:
        for label in label_uses(change.after.answer):
            counts[Count(by, 0, What.LABEL, label)] += 1
        for label in label_uses(change.before.answer):
            counts[Count(by, 0, What.LABEL, label)] -= 1
    return counts


_SET_ITEM = always(
    update(ITEM)
    .where(ITEM.c.id == number("b_item"))
    .values(
        state=bindparam("state"),
        answer=bindparam("answer"),
        open_slots=bindparam("open_slots"),
        decided_ms=bindparam("decided_ms"),
        source=bindparam("source"),
        reviewed_ms=bindparam("reviewed_ms"),
        reviewer_id=bindparam("reviewer_id"),
    )
)


def _item_values(change: Change, now_ms: int) -> dict[str, object]:
    after = change.after
    return {
        "b_item": change.item,
        "state": after.state.value,
        "answer": None if after.answer is None else after.answer.to_json(),
        "open_slots": after.slots,
        "decided_ms": None if after.state is ItemState.TODO else max(now_ms, (change.before.decided_ms or 0) + 1),
        "source": change.source.value if change.source is not None and after.answer is not None else None,
        "reviewed_ms": now_ms if change.reviewed else None,
        "reviewer_id": change.reviewer,
    }


def _write_index(conn: Connection, project: ProjectId, changes: Sequence[Change]) -> None:
    gone = [(label, c.item) for c in changes for label in c.before.found_under - c.after.found_under]
    new = [(label, c.item) for c in changes for label in c.after.found_under - c.before.found_under]
    _UNINDEX.many(conn, [{"b_project": project, "b_label": label, "b_item": item} for label, item in gone])
    _INDEX.many(conn, [{"project_id": project, "label_id": label, "item_id": item} for label, item in new])


_UNINDEX = always(
    delete(ITEM_LABEL).where(
        ITEM_LABEL.c.project_id == number("b_project"),
        ITEM_LABEL.c.label_id == number("b_label"),
        ITEM_LABEL.c.item_id == number("b_item"),
    )
)
_INDEX = Prepared(
    lambda engine: (
        INSERT[engine](ITEM_LABEL)
        .values({name: number(name) for name in ("project_id", "label_id", "item_id")})
        .on_conflict_do_nothing()
        .inline()
    )
)
