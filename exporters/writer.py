"""What every format is: a writer that takes items in batches, in a worker thread, and counts what it wrote."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from core.annotation import Answer
from core.errors import BadInput
from core.geometry import Box, Polygon
from core.ids import ItemState, TaskType
from exporters.items import Labeled, StoredItem
from exporters.output import Output


class Writer(ABC):
    """Writes one export. `images` and `written` (annotations) are checked against the database at the end."""

    def __init__(self, begun: Labeled, output: Output) -> None:
        self.begun, self.output = begun, output
        self.paths = begun.paths
        self.images = self.written = 0

    @abstractmethod
    def add(self, items: Sequence[StoredItem]) -> None:
        """Write the next items."""

    @abstractmethod
    def finish(self) -> None:
        """Write what comes last."""

    def close(self) -> None:  # noqa: B027 - most writers hold nothing open
        """Let go of what is open, finished or not."""

    def counted(self, items: Sequence[StoredItem]) -> Iterator[tuple[StoredItem, Answer]]:
        """Items with their answers, counted as written."""
        for item in items:
            answer = item.answer
            self.images += 1
            self.written += len(answer.labels) + len(answer.regions)
            yield item, answer


@dataclass(frozen=True)
class Format:
    """One way to write labels.

    Attributes:
        file: the name of the one file, or None where there are many.
        ending: what the ending of a download is.
    """

    name: str
    summary: str
    file: str | None
    writer: Callable[[Labeled, Output], Writer]
    ending: str

    @property
    def is_single(self) -> bool:
        """True where the export is one file."""
        return self.file is not None


def needs_regions(begun: Labeled, format: str) -> None:
    """Raises BadInput for a project whose answers are labels of whole images."""
    if not begun.project.task_type.has_regions:
        raise BadInput(
            f"{format} holds regions, and {begun.project.name!r} is {begun.project.task_type}: export it as folders, csv, "
            "jsonl, parquet or coco instead."
        )


def needs_labels(begun: Labeled, format: str) -> None:
    """Raises BadInput for a project whose answers are regions."""
    if begun.project.task_type.has_regions:
        raise BadInput(
            f"{format} holds one or more labels an image, and {begun.project.name!r} is {begun.project.task_type}: export it "
            "as coco, yolo, voc, jsonl, csv or parquet instead."
        )


def is_multi_class(begun: Labeled) -> bool:
    """True where an image has exactly one label."""
    return begun.project.task_type is TaskType.MULTI_CLASS


def px(value: float) -> float:
    """A coordinate as formats of fractions keep it: to a ten-thousandth of a pixel, so that it comes back exactly."""
    return round(value, 4)


def fraction(value_px: float, size_px: int) -> float:
    """A coordinate as a fraction of the image's width or height, fine enough to come back exactly."""
    return round(px(value_px) / size_px, 10)


def from_fraction(value: float, size_px: int) -> float:
    """A fraction of the image's width or height as a coordinate; inverse of `fraction`."""
    return px(value * size_px)


def flat(shape: Box | Polygon) -> list[float]:
    """A shape's numbers: xyxy of a box, x and y by turns of a polygon's points."""
    if isinstance(shape, Box):
        return [shape.x0, shape.y0, shape.x1, shape.y1]
    return [value for point in shape.points for value in point]


def store_url(datastore: str) -> str:
    """How the reference's files name a datastore: `AmlDatastore://NAME/`."""
    name = datastore.rstrip("/").replace("\\", "/").rpartition("/")[2].rpartition(":")[2]
    return f"AmlDatastore://{name or 'datastore'}/"


def state_name(item: StoredItem) -> str:
    """An item's state as tables write it, such as `labeled` or `needs-review`."""
    return ItemState(item.state).name.lower().replace("_", "-")
