"""Boxes and polygons in absolute pixels of the upright original image: area, IoU, validity. Pure; no image, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """Axis-aligned box, xyxy in px; x1 and y1 are the far edges, so the width is x1 - x0."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def area(self) -> float:
        """Area in px²."""
        return max(0.0, self.x1 - self.x0) * max(0.0, self.y1 - self.y0)

    @property
    def bounds(self) -> Box:
        """The box itself, so that boxes and polygons can be asked alike."""
        return self


@dataclass(frozen=True)
class Polygon:
    """One closed ring of at least three points in px; the last point joins the first."""

    points: tuple[Point, ...]

    @property
    def area(self) -> float:
        """Area in px² by the shoelace formula."""
        ring = (*self.points, self.points[0])
        return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairwise(ring))) / 2

    @property
    def bounds(self) -> Box:
        """The smallest box that holds every point."""
        xs, ys = [x for x, _ in self.points], [y for _, y in self.points]
        return Box(min(xs), min(ys), max(xs), max(ys))


def box_iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    overlap = Box(max(a.x0, b.x0), max(a.y0, b.y0), min(a.x1, b.x1), min(a.y1, b.y1)).area
    union = a.area + b.area - overlap
    return overlap / union if union > 0 else 0.0


def invalid_reason(shape: Box | Polygon, size_wh: tuple[int, int]) -> str | None:
    """Why the shape may not be stored on an image of this size, or None when it may."""
    bounds = shape.bounds if isinstance(shape, Box) or shape.points else Box(0, 0, 0, 0)
    width, height = size_wh
    if isinstance(shape, Polygon):
        if len(set(shape.points)) < 3:
            return "a polygon needs at least three different points"
        if is_self_crossing(shape):
            return "the polygon's edges cross each other"
    if shape.area <= 0:
        return "the region has no area"
    if bounds.x0 < 0 or bounds.y0 < 0 or bounds.x1 > width or bounds.y1 > height:
        return f"the region leaves the image, which is {width} by {height} px"
    return None


def is_self_crossing(polygon: Polygon) -> bool:
    """True when two edges of the ring that do not share a corner touch or cross."""
    ring, count = polygon.points, len(polygon.points)
    edges = [(n, ring[n], ring[(n + 1) % count]) for n in range(count)]
    edges.sort(key=lambda edge: min(edge[1][0], edge[2][0]))
    reached: list[tuple[int, Point, Point]] = []  # from left to right, only edges that the next one can still meet
    for n, a, b in edges:
        left = min(a[0], b[0])
        reached = [edge for edge in reached if max(edge[1][0], edge[2][0]) >= left]
        if any((n - m) % count not in (1, count - 1) and _touch(a, b, c, d) for m, c, d in reached):
            return True
        reached.append((n, a, b))
    return False


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _within(a: Point, b: Point, c: Point) -> bool:
    return min(a[0], b[0]) <= c[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= c[1] <= max(a[1], b[1])


def _touch(a: Point, b: Point, c: Point, d: Point) -> bool:
    turns = (_turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b))
    if turns[0] * turns[1] < 0 and turns[2] * turns[3] < 0:
        return True
    spans = ((a, b, c), (a, b, d), (c, d, a), (c, d, b))
    return any(turn == 0 and _within(*span) for turn, span in zip(turns, spans, strict=True))


def moved(shape: Box | Polygon, dx: float, dy: float, size_wh: tuple[int, int]) -> Box | Polygon:
    """The shape elsewhere, stopped by the image's edges, its size kept."""
    bounds = shape.bounds
    dx = min(max(dx, -bounds.x0), size_wh[0] - bounds.x1)
    dy = min(max(dy, -bounds.y0), size_wh[1] - bounds.y1)
    if isinstance(shape, Box):
        return Box(shape.x0 + dx, shape.y0 + dy, shape.x1 + dx, shape.y1 + dy)
    return Polygon(tuple((x + dx, y + dy) for x, y in shape.points))


def box_between(a: Point, b: Point) -> Box:
    """The box with these two opposite corners."""
    return Box(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))


HANDLES = ("whole", "left", "top", "right", "bottom", "top left", "top right", "bottom right", "bottom left")


def handle_points(box: Box) -> tuple[Point, ...]:
    """Where the eight handles of a box are, in the order of `HANDLES` without the whole."""
    middle_x, middle_y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    return (
        (box.x0, middle_y), (middle_x, box.y0), (box.x1, middle_y), (middle_x, box.y1),
        (box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1),
    )  # fmt: skip


def resized(box: Box, handle: str, dx: float, dy: float, size_wh: tuple[int, int]) -> Box:
    """The box with one edge or corner moved, inside the image; edges do not pass each other."""
    x0, y0, x1, y1 = box.x0, box.y0, box.x1, box.y1
    if "left" in handle:
        x0 = min(max(0.0, x0 + dx), x1)
    if "right" in handle:
        x1 = max(min(float(size_wh[0]), x1 + dx), x0)
    if "top" in handle:
        y0 = min(max(0.0, y0 + dy), y1)
    if "bottom" in handle:
        y1 = max(min(float(size_wh[1]), y1 + dy), y0)
    return Box(x0, y0, x1, y1)


def distance_to_edge(shape: Box | Polygon, xy: Point) -> float:
    """How far a point is from a shape's outline, px."""
    ring = _ring(shape)
    return min(_segment_distance(xy, a, b) for a, b in pairwise((*ring, ring[0])))


def _ring(shape: Box | Polygon) -> tuple[Point, ...]:
    if isinstance(shape, Polygon):
        return shape.points
    return (shape.x0, shape.y0), (shape.x1, shape.y0), (shape.x1, shape.y1), (shape.x0, shape.y1)


def _segment_distance(p: Point, a: Point, b: Point) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    t = 0.0 if length == 0 else min(1.0, max(0.0, ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length))
    return float(((p[0] - a[0] - t * dx) ** 2 + (p[1] - a[1] - t * dy) ** 2) ** 0.5)


def is_inside(shape: Box | Polygon, xy: Point) -> bool:
    """True when a point lies in a shape, by the even-odd rule."""
    ring = _ring(shape)
    inside = False
    for (x0, y0), (x1, y1) in pairwise((*ring, ring[0])):
        if (y0 > xy[1]) != (y1 > xy[1]) and xy[0] < (x1 - x0) * (xy[1] - y0) / (y1 - y0) + x0:
            inside = not inside
    return inside


def shape_to_json(shape: Box | Polygon) -> dict[str, Any]:
    """The stored form of a shape; inverse of `shape_from_json`."""
    if isinstance(shape, Box):
        return {"box": [shape.x0, shape.y0, shape.x1, shape.y1]}
    return {"polygon": [list(point) for point in shape.points]}


def shape_from_json(body: Mapping[str, Any]) -> Box | Polygon:
    """Read the stored form of a shape."""
    if "box" in body:
        return Box(*(float(v) for v in body["box"]))
    return Polygon(tuple((float(x), float(y)) for x, y in body["polygon"]))
