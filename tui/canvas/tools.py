"""The region tools as values: which one is in hand, the points placed so far, and what a further point or arrow makes. Pure.

Points are image px. A tool hands back a finished shape; whether it may be drawn is `core.region_edits`' to say.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from math import dist

from core.curves import rounded
from core.geometry import HANDLES, Box, Point, Polygon, box_between, handle_points, is_inside, moved, resized

Shape = Box | Polygon


class Tool(StrEnum):
    """What is in hand; the value is the word in the header."""

    CHOOSE = "choose"
    RECTANGLE = "rectangle"
    TEMPLATE = "template box"
    EXTREME = "extreme points"
    POLYGON = "polygon"
    ROUND = "round polygon"
    MOVE = "move/resize"
    POINTS = "points"

    @property
    def wants_points(self) -> bool:
        """True for tools that draw: they point at the image."""
        return self in (Tool.RECTANGLE, Tool.TEMPLATE, Tool.EXTREME, Tool.POLYGON, Tool.ROUND)

    @property
    def is_polygon(self) -> bool:
        """True for tools that take points until Enter."""
        return self in (Tool.POLYGON, Tool.ROUND)


@dataclass(frozen=True)
class Hand:
    """The tool in hand.

    Attributes:
        points: placed so far.
        part: for move/resize an index of `HANDLES`, for points the vertex.
        template_wh: size of the last box, px.
    """

    tool: Tool = Tool.CHOOSE
    points: tuple[Point, ...] = ()
    part: int = 0
    template_wh: tuple[float, float] = (50.0, 50.0)

    def taking(self, tool: Tool) -> Hand:
        """Another tool, nothing placed; a polygon begun with straight lines goes on with round ones, and back."""
        kept = self.points if self.tool.is_polygon and tool.is_polygon else ()
        return replace(self, tool=tool, points=kept, part=0)

    def emptied(self) -> Hand:
        """The same tool, nothing placed."""
        return replace(self, points=())

    def drawn(self, shape: Shape) -> Hand:
        """After a shape was drawn: ready for the next; a box's size is the next template's."""
        bounds = shape.bounds
        return replace(self, points=(), template_wh=(bounds.x1 - bounds.x0, bounds.y1 - bounds.y0))


def place(hand: Hand, at: Point, size_wh: tuple[int, int]) -> tuple[Hand, Shape | None]:
    """Put a point down; the finished shape, or None while more points are wanted."""
    points = (*hand.points, at)
    match hand.tool:
        case Tool.RECTANGLE if len(points) == 2:
            return hand, box_between(*points)
        case Tool.TEMPLATE:
            return hand, template_at(hand, at, size_wh)
        case Tool.EXTREME if len(points) == 4:
            return hand, Polygon(points).bounds
    return replace(hand, points=points), None


def template_at(hand: Hand, at: Point, size_wh: tuple[int, int]) -> Shape:
    """The template box around a point, inside the image."""
    wide, high = (min(length, float(most)) for length, most in zip(hand.template_wh, size_wh, strict=True))
    box = Box(at[0] - wide / 2, at[1] - high / 2, at[0] + wide / 2, at[1] + high / 2)
    return moved(box, 0.0, 0.0, size_wh)


def closed(hand: Hand, size_wh: tuple[int, int]) -> Shape | None:
    """The polygon of the points placed, if that is what is being drawn."""
    if not hand.tool.is_polygon or not hand.points:
        return None
    return rounded(hand.points, size_wh) if hand.tool is Tool.ROUND else Polygon(hand.points)


def taken_back(hand: Hand) -> Hand:
    """Without the last point."""
    return replace(hand, points=hand.points[:-1])


def preview(hand: Hand, at: Point, size_wh: tuple[int, int]) -> Shape | tuple[Point, ...] | None:
    """What would be drawn with the next point at the crosshair: a shape, or an open line."""
    match hand.tool:
        case Tool.RECTANGLE if hand.points:
            return box_between(hand.points[0], at)
        case Tool.TEMPLATE:
            return template_at(hand, at, size_wh)
        case Tool.EXTREME if hand.points:
            return Polygon((*hand.points, at)).bounds
        case Tool.ROUND if len(hand.points) > 1 and at not in hand.points:
            return rounded((*hand.points, at), size_wh)
        case Tool.POLYGON | Tool.ROUND if hand.points:
            return (*hand.points, at)
    return None


def parts(hand: Hand, shape: Shape) -> tuple[Point, ...]:
    """The handles to show on the chosen region while it is moved or its points are changed."""
    if hand.tool is Tool.POINTS and isinstance(shape, Polygon):
        return shape.points
    if hand.tool is Tool.MOVE and isinstance(shape, Box):
        return handle_points(shape)
    return ()


def part_at(hand: Hand, shape: Shape, xy: Point, reach_px: float) -> int | None:
    """The part of the chosen shape under a pointer, image px: a handle or point near it, else the whole around it."""
    handles = parts(hand, shape)
    is_whole = hand.tool is Tool.MOVE and is_inside(shape, xy)
    if is_whole:  # a small region keeps a middle that can be taken
        bounds = shape.bounds
        reach_px = min(reach_px, (bounds.x1 - bounds.x0) / 4, (bounds.y1 - bounds.y0) / 4)
    near = {n: dist(at, xy) for n, at in enumerate(handles) if dist(at, xy) <= reach_px}
    if near:
        return min(near, key=near.__getitem__) + (hand.tool is Tool.MOVE)
    return 0 if is_whole else None


def next_part(hand: Hand, shape: Shape, step: int) -> Hand:
    """The next or previous handle or point."""
    count = len(shape.points) if isinstance(shape, Polygon) else len(HANDLES)
    if hand.tool is Tool.MOVE and isinstance(shape, Polygon):
        count = 1
    return replace(hand, part=(hand.part + step) % count)


def marked_part(hand: Hand) -> int | None:
    """Which of `parts` the arrows move; None for the whole."""
    if hand.tool is Tool.POINTS:
        return hand.part
    return hand.part - 1 if hand.tool is Tool.MOVE and hand.part else None


def pushed(hand: Hand, shape: Shape, dx: float, dy: float, size_wh: tuple[int, int]) -> Shape:
    """The chosen shape after an arrow: the whole, an edge, a corner or a point moved by so many px."""
    if hand.tool is Tool.POINTS and isinstance(shape, Polygon):
        n = hand.part % len(shape.points)
        x, y = shape.points[n]
        point = (min(max(x + dx, 0.0), float(size_wh[0])), min(max(y + dy, 0.0), float(size_wh[1])))
        return Polygon((*shape.points[:n], point, *shape.points[n + 1 :]))
    if isinstance(shape, Box) and hand.part:
        return resized(shape, HANDLES[hand.part], dx, dy, size_wh)
    return moved(shape, dx, dy, size_wh)


def with_point(hand: Hand, shape: Polygon) -> tuple[Hand, Polygon]:
    """A point more, half-way to the next; it is the marked one then."""
    n = hand.part % len(shape.points)
    (x0, y0), (x1, y1) = shape.points[n], shape.points[(n + 1) % len(shape.points)]
    points = (*shape.points[: n + 1], ((x0 + x1) / 2, (y0 + y1) / 2), *shape.points[n + 1 :])
    return replace(hand, part=n + 1), Polygon(points)


def without_point(hand: Hand, shape: Polygon) -> tuple[Hand, Polygon]:
    """The marked point gone."""
    n = hand.part % len(shape.points)
    return replace(hand, part=max(0, n - 1)), Polygon((*shape.points[:n], *shape.points[n + 1 :]))


def fitted(shape: Shape, *, as_polygon: bool) -> Shape:
    """The shape as the project stores it: boxes become polygons where it takes polygons."""
    if as_polygon and isinstance(shape, Box):
        return Polygon(((shape.x0, shape.y0), (shape.x1, shape.y0), (shape.x1, shape.y1), (shape.x0, shape.y1)))
    return shape
