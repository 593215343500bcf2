"""Ids and closed vocabularies that every room shares. Pure: no I/O, no logic."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import NewType

ProjectId = NewType("ProjectId", int)
ItemId = NewType("ItemId", int)
AccountId = NewType("AccountId", int)
LabelId = NewType("LabelId", int)


class TaskType(StrEnum):
    """What labelers make of an item; fixed for a project's life."""

    MULTI_CLASS = "multi-class"
    MULTI_LABEL = "multi-label"
    OBJECT_DETECTION = "object-detection"
    INSTANCE_SEGMENTATION = "instance-segmentation"

    @property
    def has_regions(self) -> bool:
        """True where answers are boxes or polygons rather than labels of the whole image."""
        return self in (TaskType.OBJECT_DETECTION, TaskType.INSTANCE_SEGMENTATION)


class ProjectState(StrEnum):
    """Life of a project: initializing → running ⇄ paused, → deleted."""

    INITIALIZING = "initializing"
    RUNNING = "running"
    PAUSED = "paused"
    DELETED = "deleted"


class Role(StrEnum):
    """What an account may do; see `core.roles`."""

    ADMIN = "admin"
    LEAD = "lead"
    LABELER = "labeler"


class ItemState(IntEnum):
    """Where an item stands. Leases are not a state of the item: they are assignment rows."""

    TODO = 0
    LABELED = 1
    SKIPPED = 2
    NEEDS_REVIEW = 3
    UNREADABLE = 4
    MISSING = 5


class ItemKind(IntEnum):
    """How an item is served; smaller kinds are served first (see `core.labeling.queue`)."""

    PRELABELED = 0
    CLUSTERED = 1
    MANUAL = 2


class AssignmentState(IntEnum):
    """Where one labeler's hold on one item stands."""

    LEASED = 0
    SUBMITTED = 1
    SKIPPED = 2
    REJECTED = 3
    EXPIRED = 4


class Source(StrEnum):
    """How a submitted answer came about."""

    MANUAL = "manual"
    PRELABEL_ACCEPTED = "prelabel-accepted"
    PRELABEL_CORRECTED = "prelabel-corrected"
    IMPORTED = "imported"
