"""The read model: labeled items as exporters need them. The only module here that reads core."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy import Connection

from core.annotation import Answer
from core.database import Database
from core.ids import ItemId, ItemState, ProjectId
from core.items import StoredItem, item_counts, items_after
from core.labels import LabelSet
from core.projects import Project, get_project, label_classes

BATCH = 2000


@dataclass(frozen=True)
class Labeled:
    """A project's export as it begins: what it is, its labels, and how many items the database says there are."""

    project: Project
    labels: LabelSet
    items: int


def open_export(conn: Connection, name: str, *, all_items: bool) -> Labeled:
    """The facts that an export begins with. Raises NotFound."""
    project = get_project(conn, name)
    counts = item_counts(conn, project.id)
    wanted = sum(counts.values()) if all_items else counts.get(ItemState.LABELED, 0)
    return Labeled(project, LabelSet(label_classes(conn, project.id)), wanted)


async def labeled_items(db: Database, project: ProjectId, *, all_items: bool) -> AsyncIterator[StoredItem]:
    """Items in the order of their ids, read in batches; unlabeled ones too where all are wanted."""
    after = ItemId(0)
    while batch := await db.read(items_after, project, after, BATCH, labeled_only=not all_items):
        for item in batch:
            yield item
        after = batch[-1].item


__all__ = ["Answer", "Labeled", "StoredItem", "labeled_items", "open_export"]
