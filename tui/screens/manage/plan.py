"""A project that is being thought out: what was typed so far, read into what core makes of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.errors import BadInput
from core.ids import TaskType
from core.labels import expand_paths
from core.project.projects import DEFAULT_MAX_ITEMS, MAX_MAX_ITEMS, NewProject, check_new
from core.team.people import Account
from tui.widgets import reading

TYPES: tuple[tuple[TaskType, str, str], ...] = (
    (TaskType.MULTI_CLASS, "Multi-class", "one label an image"),
    (TaskType.MULTI_LABEL, "Multi-label", "one or more labels an image"),
    (TaskType.OBJECT_DETECTION, "Object detection", "boxes around objects"),
    (TaskType.INSTANCE_SEGMENTATION, "Instance segmentation", "polygons around objects"),
)


@dataclass
class Plan:
    """The answers of the wizard, each as it was typed."""

    name: str = ""
    task_type: TaskType = TaskType.MULTI_CLASS
    where: str = ""
    pattern: str = "**"
    images: str = ""
    refresh: str = "never"
    most: str = f"{DEFAULT_MAX_ITEMS:,}"
    labels: str = ""
    instructions: str = ""
    labelers: str = "1"
    iou: str = "50%"
    gold: str = "0%"
    assist: bool = False
    members: tuple[Account, ...] = field(default=())

    @property
    def datastore(self) -> str:
        """The URL of what was typed; a bare path is a folder of the server."""
        where = self.where.strip()
        return f"local:{where}" if where.startswith("/") else where

    @property
    def paths(self) -> tuple[str, ...]:
        """The labels, one a line. Raises BadInput."""
        return read_labels(self.labels)

    def new_project(self) -> NewProject:
        """What core makes. Raises BadInput."""
        return NewProject(
            self.name, self.task_type, self.datastore, self.paths, self.pattern.strip() or "**",
            instructions=self.instructions, max_items=read_most(self.most),
        )  # fmt: skip

    def changes(self) -> Mapping[str, Any]:
        """The settings that the project gets at once, by core's names. Raises BadInput."""
        least, most = reading.read_range(self.labelers)
        found: dict[str, Any] = {
            "refresh_every_s": reading.read_span_s(self.refresh), "min_labelers": least, "max_labelers": most,
            "least_iou": reading.read_share(self.iou), "gold_rate": reading.read_share(self.gold),
        }  # fmt: skip
        return found | ({"assist": {"on": True}} if self.assist else {})


def check_name(name: str) -> None:
    """Refuse a name that no project can have. Raises BadInput."""
    check_new(NewProject(name, TaskType.MULTI_CLASS, "", ("any",)))


def read_most(text: str) -> int:
    """The largest number of images. Raises BadInput."""
    n = reading.read_count(text)
    if not 1 <= n <= MAX_MAX_ITEMS:
        raise BadInput(f"1 to {MAX_MAX_ITEMS:,} images are possible.")
    return n


def read_labels(text: str) -> tuple[str, ...]:
    """Paths from lines, with their parents. Raises BadInput for none, a repeat, or a path that cannot be."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise BadInput("A project needs at least one label: one a line, such as cat or Animal/Cat.")
    for n, line in enumerate(lines):
        if line in lines[:n]:
            raise BadInput(f"The label {line!r} is named twice.")
    return expand_paths(lines)


def summary(plan: Plan) -> Iterator[tuple[str, str]]:
    """What will be made, line by line."""
    words = {kind: word for kind, word, _ in TYPES}
    least, most = reading.read_range(plan.labelers)
    told = plan.instructions.strip().splitlines()
    yield "Name", plan.name
    yield "Task type", f"{words[plan.task_type]}; neither it nor the data can change later"
    yield "Data", f"{plan.datastore}   {plan.pattern.strip() or '**'}"
    yield "Images", plan.images or "not looked at"
    yield "New files", f"{_looked(plan.refresh)}; at most {plan.most} images"
    yield "Labels", f"{len(plan.paths)}: {', '.join(plan.paths)}"
    yield "Instructions", told[0] if told else "none"
    yield (
        "Quality",
        f"{_asked(least, most)}; {plan.gold} gold images"
        + (f"; regions agree from {plan.iou}" if plan.task_type.has_regions else ""),
    )
    yield "ML assist", "on" if plan.assist else "off"
    yield "Members", ", ".join(account.name for account in plan.members) or "nobody yet; admins see it all the same"


def _looked(text: str) -> str:
    seconds = reading.read_span_s(text)
    return f"looked for every {reading.show_span_s(seconds)}" if seconds else "not looked for"


def _asked(least: int, most: int) -> str:
    if most == 1:
        return "one labeler an image"
    return f"{reading.show_range(least, most)} labelers an image"
