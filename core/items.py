"""Items as they are stored, for reading in bulk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from core.annotation import Answer
from core.ids import ItemId, ItemState, ProjectId
from core.tables import ITEM


@dataclass(frozen=True)
class StoredItem:
    """One item with its current answer; `size_wh` is (0, 0) for a file that could never be read."""

    item: ItemId
    path: str
    size_wh: tuple[int, int]
    state: ItemState
    answer: Answer
    decided_ms: int | None


def item_counts(conn: Connection, project: ProjectId) -> Mapping[ItemState, int]:
    """Items by state, counted over the rows themselves, as a check on the tally."""
    rows = conn.execute(select(ITEM.c.state, func.count()).where(ITEM.c.project_id == project).group_by(ITEM.c.state))
    return {ItemState(state): n for state, n in rows}


def items_after(
    conn: Connection, project: ProjectId, after: ItemId, limit: int, *, labeled_only: bool
) -> tuple[StoredItem, ...]:
    """Up to `limit` items with ids over `after`, in id order."""
    query = select(
        ITEM.c.id, ITEM.c.path, ITEM.c.width, ITEM.c.height, ITEM.c.state, ITEM.c.answer, ITEM.c.decided_ms
    ).where(ITEM.c.project_id == project, ITEM.c.id > after)
    if labeled_only:
        query = query.where(ITEM.c.state == ItemState.LABELED.value)
    return tuple(
        StoredItem(
            ItemId(row.id),
            row.path,
            (row.width, row.height),
            ItemState(row.state),
            Answer.from_json(row.answer) if row.answer and row.state == ItemState.LABELED else Answer(),
            row.decided_ms,
        )
        for row in conn.execute(query.order_by(ITEM.c.id).limit(limit))
    )
