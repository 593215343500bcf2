"""Labels by people that a model confidently disagrees with: a list for reviewers, nothing more. No label is changed by it.

A doubt is about the answer that the model saw: once that is reviewed or decided anew, the doubt is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from core.annotation import Answer
from core.db.tables import DOUBT, ITEM
from core.ids import ItemId, ProjectId

BATCH = 500


@dataclass(frozen=True)
class Doubt:
    """What a model that has not learned from an item would say of it, and how sure it is, 0 to 1."""

    item: ItemId
    sure: float
    answer: Answer


def replace(conn: Connection, project: ProjectId, model: int, found: Sequence[Doubt]) -> None:
    """Put a model's doubts in the place of an older one's; items that nobody has decided are left out."""
    conn.execute(delete(DOUBT).where(DOUBT.c.project_id == project))
    for at in range(0, len(found), BATCH):
        some = {doubt.item: doubt for doubt in found[at : at + BATCH]}
        query = select(ITEM.c.id, ITEM.c.decided_ms).where(ITEM.c.project_id == project, ITEM.c.id.in_(list(some)))
        rows = conn.execute(query.where(ITEM.c.decided_ms.is_not(None))).all()
        values = [_row(project, model, some[ItemId(row.id)], row.decided_ms) for row in rows]
        if values:
            conn.execute(insert(DOUBT), values)


def _row(project: ProjectId, model: int, doubt: Doubt, decided_ms: int) -> dict[str, Any]:
    return {
        "project_id": project, "item_id": doubt.item, "model_id": model, "sure": doubt.sure,
        "body": doubt.answer.to_json(), "decided_ms": decided_ms,
    }  # fmt: skip


def of_items(conn: Connection, items: Sequence[int]) -> dict[tuple[int, int], Doubt]:
    """Doubts about these items, by item and the time of the decision that they are about."""
    rows = conn.execute(select(DOUBT).where(DOUBT.c.item_id.in_(items)))
    return {
        (row.item_id, row.decided_ms): Doubt(ItemId(row.item_id), row.sure, Answer.from_json(row.body)) for row in rows
    }
