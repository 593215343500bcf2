"""Items as they are stored, for reading in bulk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Connection, Text, cast, func, select

from core.annotation import Answer
from core.counts.progress import label_counts
from core.db.tables import ITEM, LABEL_CLASS
from core.ids import ItemId, ItemState, LabelId, ProjectId
from core.labels import LabelClass
from core.project.projects import label_classes

_LABELED = int(ItemState.LABELED)


class StoredItem(NamedTuple):
    """One item with its current answer as stored text, which is read where it is needed: there may be 500,000.

    Attributes:
        width, height: of the upright image in px; 0 for a file that could never be read.
        state: an `ItemState`.
        raw: the answer's JSON, or None where the item has none.
    """

    item: ItemId
    path: str
    width: int
    height: int
    state: int
    raw: str | None
    decided_ms: int | None

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in px of the upright image."""
        return self.width, self.height

    @property
    def body(self) -> dict[str, Any] | None:
        """The stored form of the current answer, or None where the item is not labeled."""
        if self.raw is None or self.state != _LABELED:
            return None
        body: dict[str, Any] = orjson.loads(self.raw)
        return body

    @property
    def answer(self) -> Answer:
        """The current answer; an empty one where the item is not labeled."""
        body = self.body
        return Answer() if body is None else Answer.from_json(body)


def item_counts(conn: Connection, project: ProjectId) -> Mapping[ItemState, int]:
    """Items by state, counted over the rows themselves, as a check on the tally."""
    rows = conn.execute(select(ITEM.c.state, func.count()).where(ITEM.c.project_id == project).group_by(ITEM.c.state))
    return {ItemState(state): n for state, n in rows}


def annotation_count(conn: Connection, project: ProjectId) -> int:
    """How many labels and regions the current answers hold, counted by the database itself."""
    of = _length_postgresql if conn.dialect.name == "postgresql" else _length_sqlite
    total = func.sum(func.coalesce(of("labels"), 0) + func.coalesce(of("regions"), 0))
    query = select(total).where(ITEM.c.project_id == project, ITEM.c.state == ItemState.LABELED.value)
    return int(conn.execute(query).scalar_one() or 0)


def _length_sqlite(part: str) -> ColumnElement[int]:
    return func.json_array_length(ITEM.c.answer, f"$.{part}")


def _length_postgresql(part: str) -> ColumnElement[int]:
    return func.json_array_length(ITEM.c.answer.op("->")(part))


def items_after(
    conn: Connection, project: ProjectId, after: ItemId, limit: int, *, labeled_only: bool
) -> tuple[StoredItem, ...]:
    """Up to `limit` items with ids over `after`, in id order."""
    query = select(
        ITEM.c.id, ITEM.c.path, ITEM.c.width, ITEM.c.height, ITEM.c.state, cast(ITEM.c.answer, Text), ITEM.c.decided_ms
    ).where(ITEM.c.project_id == project, ITEM.c.id > after)
    if labeled_only:
        query = query.where(ITEM.c.state == ItemState.LABELED.value)
    return tuple(map(StoredItem._make, conn.execute(query.order_by(ITEM.c.id).limit(limit))))


def labels_in_use(conn: Connection, project: ProjectId) -> tuple[LabelClass, ...]:
    """The project's labels in their order, and after them the retired ones that current answers still have."""
    current = label_classes(conn, project)
    used = {label for label, n in label_counts(conn, project).items() if n > 0} - {label.id for label in current}
    rows = conn.execute(select(LABEL_CLASS).where(LABEL_CLASS.c.id.in_(used)).order_by(LABEL_CLASS.c.position))
    retired = (
        LabelClass(LabelId(r.id), r.name, r.path, r.position, r.color, LabelId(r.parent_id) if r.parent_id else None)
        for r in rows
    )
    return (*current, *retired)
