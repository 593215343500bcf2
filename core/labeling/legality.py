"""Which answers a project takes: its labels, its task type, shapes that are shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from core.annotation import Answer
from core.consensus import Quorum
from core.db.prepared import always, number
from core.db.tables import LABEL_CLASS, PROJECT
from core.geometry import Box, Polygon, invalid_reason
from core.ids import LabelId, ProjectId, TaskType


@dataclass(frozen=True)
class Rules:
    """What an answer must keep to in one project.

    Attributes:
        merged: labels that were merged into others: answers that still use them are taken as meaning those.
    """

    task_type: TaskType
    labels: frozenset[LabelId]
    quorum: Quorum = field(default_factory=Quorum)
    merged: Mapping[LabelId, LabelId] = field(default_factory=dict)


def rules_of(conn: Connection, project: ProjectId) -> Rules:
    """The project's rules for answers; retired labels are not among them."""
    rows = _RULES.all(conn, project=project)
    return Rules(
        TaskType(rows[0].task_type),
        frozenset(LabelId(row.label) for row in rows if row.retired_ms is None),
        Quorum(rows[0].min_labelers, rows[0].max_labelers, float(rows[0].quality.get("iou", 0.5))),
        {LabelId(row.label): LabelId(row.merged_id) for row in rows if row.merged_id is not None},
    )


_RULES = always(
    select(PROJECT.c.task_type, PROJECT.c.min_labelers, PROJECT.c.max_labelers, PROJECT.c.quality)
    .add_columns(LABEL_CLASS.c.id.label("label"), LABEL_CLASS.c.retired_ms, LABEL_CLASS.c.merged_id)
    .outerjoin(LABEL_CLASS, LABEL_CLASS.c.project_id == PROJECT.c.id)
    .where(PROJECT.c.id == number("project"))
)


def illegal_reason(rules: Rules, answer: Answer, size_wh: tuple[int, int]) -> str | None:
    """Why the answer cannot be taken, or None when it can. Pure."""
    used = [*answer.labels, *(region.label for region in answer.regions)]
    if any(label not in rules.labels for label in used):
        return "it has a label that this project does not have"
    if rules.task_type.has_regions:
        return _illegal_regions(rules, answer, size_wh)
    if answer.regions:
        return "this project takes labels of the whole image, not regions"
    if rules.task_type is TaskType.MULTI_CLASS and len(answer.labels) != 1:
        return "it needs exactly one label"
    if not answer.labels or len(set(answer.labels)) != len(answer.labels):
        return "it needs one or more different labels"
    return None


def _illegal_regions(rules: Rules, answer: Answer, size_wh: tuple[int, int]) -> str | None:
    wanted = Box if rules.task_type is TaskType.OBJECT_DETECTION else Polygon
    if answer.labels:
        return "this project takes regions, not labels of the whole image"
    if not all(isinstance(region.shape, wanted) for region in answer.regions):
        return f"this project takes regions of the type {wanted.__name__.lower()} only"
    reasons = (invalid_reason(region.shape, size_wh) for region in answer.regions)
    return next((reason for reason in reasons if reason), None)
