"""The read model: labeled items as exporters need them. Exporters read core through this module only."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from core.ids import ItemState, LabelId
from core.labels import LabelSet
from core.project.projects import Project, get_project
from core.transfer.items import StoredItem, annotation_count, item_counts, items_after, labels_in_use

BATCH = 2000


@dataclass(frozen=True)
class Labeled:
    """A project's export as it begins: what it is, its labels, and what the database says that there is to write."""

    project: Project
    labels: LabelSet
    items: int
    annotations: int
    all_items: bool
    made_ms: int

    @property
    def paths(self) -> dict[LabelId, str]:
        """Label paths by id."""
        return {label.id: label.path for label in self.labels}


def open_export(conn: Connection, name: str, *, all_items: bool, now_ms: int) -> Labeled:
    """The facts that an export begins with. Raises NotFound."""
    project = get_project(conn, name)
    counts = item_counts(conn, project.id)
    wanted = sum(counts.values()) if all_items else counts.get(ItemState.LABELED, 0)
    labels = LabelSet(labels_in_use(conn, project.id))
    return Labeled(project, labels, wanted, annotation_count(conn, project.id), all_items, now_ms)


__all__ = ["BATCH", "Labeled", "StoredItem", "items_after", "open_export"]
