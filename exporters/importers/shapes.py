"""From what a file says of an image to an answer that its project takes, or the reason why there is none. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from shapely import MultiPolygon, make_valid
from shapely import Polygon as Outline
from shapely.geometry.base import BaseGeometry

from core.annotation import Answer, Region
from core.geometry import Box, Point, Polygon, is_self_crossing
from core.ids import LabelId, TaskType
from core.labels import LabelSet
from exporters.importers.entries import Entry, Found, bounds
from exporters.writer import from_fraction

SNAP_PX = 1.0  # tools that count pixels from 1, or round fractions, overshoot an edge by as much


@dataclass
class Naming:
    """A file's label names as the project's labels: as the admin maps them, by path, or by the one label of that name."""

    labels: LabelSet
    mapped: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_path = {label.path: label.id for label in self.labels}
        names = Counter(label.name for label in self.labels)
        self._by_name = {label.name: label.id for label in self.labels if names[label.name] == 1}

    def find(self, name: str) -> LabelId | None:
        """The label meant, or None."""
        wanted = self.mapped.get(name, name)
        return self._by_path.get(wanted, self._by_name.get(wanted))


class NotTaken(Exception):
    """An image's answer cannot be taken; the text says why."""


@dataclass
class Conversion:
    """Turns entries into answers; `notes` counts what was done to them on the way.

    Attributes:
        fit: cut regions off at the image's edges, untangle crossing outlines, leave out what has no area.
    """

    task: TaskType
    naming: Naming
    fit: bool = False
    notes: Counter[str] = field(default_factory=Counter)

    def answer(self, entry: Entry, size_wh: tuple[int, int]) -> Answer:
        """The answer in the project's terms; its legality is judged by who takes it. Raises NotTaken."""
        if entry.size_wh is not None and entry.size_wh != size_wh:
            raise NotTaken(
                f"the file says {entry.size_wh[0]} by {entry.size_wh[1]} px, the image is {size_wh[0]} by {size_wh[1]}"
            )
        if not self.task.has_regions:
            names = dict.fromkeys((*entry.labels, *(found.label for found in entry.regions)))
            return Answer(tuple(dict.fromkeys(self._label(name) for name in names)))
        if entry.labels and not entry.regions:
            raise NotTaken("it has a label of the whole image and no region")
        self.notes["label of a whole image left out"] += len(entry.labels)
        return Answer((), tuple(region for found in entry.regions for region in self._regions(found, size_wh)))

    def _label(self, name: str) -> LabelId:
        label = self.naming.find(name)
        if label is None:
            raise NotTaken(f"the project has no label {name!r}")
        return label

    def _regions(self, found: Found, size_wh: tuple[int, int]) -> Iterator[Region]:
        label = self._label(found.label)
        if self.task is TaskType.OBJECT_DETECTION:
            self.notes["outline taken as its box"] += found.box is None
            box = found.box or bounds(found.rings)
            shapes: list[Box | Polygon | None] = [self._box(_px(box, size_wh, fractions=found.fractions), size_wh)]
        else:
            shapes = list(self._polygons(found, size_wh))
        yield from (Region(label, shape) for shape in shapes if shape is not None)

    def _polygons(self, found: Found, size_wh: tuple[int, int]) -> Iterator[Box | Polygon | None]:
        rings = found.rings
        if not rings and found.box is not None:
            self.notes["box taken as an outline"] += 1
            x0, y0, x1, y1 = found.box
            rings = ((x0, y0, x1, y0, x1, y1, x0, y1),)
        if len(rings) > 1:
            self.notes["thing in pieces taken as a region a piece"] += 1
        for ring in rings:
            yield self._polygon(_px(ring, size_wh, fractions=found.fractions), size_wh)

    def _box(self, at: tuple[float, ...], size_wh: tuple[int, int]) -> Box | None:
        x0, y0, x1, y1 = self._edged(at, size_wh)
        box = Box(x0, y0, x1, y1)
        if self.fit and (x1 <= x0 or y1 <= y0):
            self.notes["region without area left out"] += 1
            return None
        return box

    def _polygon(self, at: tuple[float, ...], size_wh: tuple[int, int]) -> Polygon | None:
        flat = self._edged(at, size_wh)
        points = _without_repeats(tuple(zip(flat[::2], flat[1::2], strict=True)))
        polygon = Polygon(points)
        if not self.fit:
            return polygon
        if polygon.area > 0 and is_self_crossing(polygon):
            self.notes["crossing outline untangled"] += 1
            polygon = untangled(polygon) or Polygon(points[:1] * 3)
        if polygon.area <= 0:
            self.notes["region without area left out"] += 1
            return None
        return polygon

    def _edged(self, flat: tuple[float, ...], size_wh: tuple[int, int]) -> tuple[float, ...]:
        """Numbers inside of the image: those that overshoot by a pixel always, farther ones where they are to fit."""
        most = float("inf") if self.fit else SNAP_PX
        done = []
        for n, value in enumerate(flat):
            edge = min(max(value, 0.0), float(size_wh[n % 2]))
            if edge != value and abs(edge - value) <= most:
                self.notes["coordinate moved to the image's edge"] += 1
                value = edge
            done.append(value)
        return tuple(done)


def _px(flat: tuple[float, ...], size_wh: tuple[int, int], *, fractions: bool) -> tuple[float, ...]:
    return tuple(from_fraction(v, size_wh[n % 2]) for n, v in enumerate(flat)) if fractions else flat


def _without_repeats(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Corners once each: many tools close a ring by its first point, and some write a point twice."""
    kept = tuple(point for n, point in enumerate(points) if point != points[n - 1])
    return kept if len(kept) >= 3 else points


def untangled(polygon: Polygon) -> Polygon | None:
    """The largest piece of a crossing outline, as one that does not cross itself; None where nothing is left."""
    pieces = sorted(_pieces(make_valid(Outline(polygon.points))), key=lambda piece: piece.area)
    if not pieces:
        return None
    corners = tuple((float(x), float(y)) for x, y in pieces[-1].exterior.coords)
    found = Polygon(_without_repeats(corners))
    return None if is_self_crossing(found) else found


def _pieces(shape: BaseGeometry) -> list[Outline]:
    if isinstance(shape, Outline):
        return [shape] if shape.area > 0 else []
    if isinstance(shape, MultiPolygon) or hasattr(shape, "geoms"):
        return [piece for one in shape.geoms for piece in _pieces(one)]
    return []
