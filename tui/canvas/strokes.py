"""An overlay in a viewport as strokes: outlines with their names, lines in progress, letters on regions, the crosshair. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from core.geometry import Polygon
from tui.canvas.grid import grid_marks
from tui.canvas.lens import magnifier_marks
from tui.canvas.marks import ACCENT, FONT_PX, PAD_PX, WHITE, Mark, Rule, Spot, Stroke, Tag, edges, px, text_width
from tui.canvas.overlay import Hint, Outline, Overlay, Path
from tui.canvas.viewport import Viewport

ARM, GAP, RULER = 13, 3, 9
HANDLE, MARKED = 7, 11


def still_marks(overlay: Overlay, viewport: Viewport) -> tuple[Mark, ...]:
    """Strokes of what changes seldom, in the order in which they are drawn."""
    return tuple(mark for outline in overlay.still for mark in _outline(outline, viewport))


def moving_marks(overlay: Overlay, viewport: Viewport, cell_wh_px: tuple[int, int]) -> tuple[Mark, ...]:
    """Strokes of what changes with every key, in the order in which they are drawn."""
    return tuple(_moving(overlay, viewport, cell_wh_px))


def _moving(overlay: Overlay, viewport: Viewport, cell_wh_px: tuple[int, int]) -> Iterator[Mark]:
    if overlay.grid is not None:
        yield from grid_marks(overlay.grid, viewport.view_wh_px, cell_wh_px)
    for drawn in overlay.moving:
        yield from _path(drawn, viewport) if isinstance(drawn, Path) else _outline(drawn, viewport)
    yield from _spread([_hint(hint, viewport) for hint in overlay.hints], viewport.view_wh_px[1])
    if overlay.crosshair_xy is not None:
        at = px(viewport.to_view(overlay.crosshair_xy))
        yield from _crosshair(at, viewport.view_wh_px)
        if overlay.magnifier:
            yield from magnifier_marks(at, viewport.view_wh_px, cell_wh_px)


def _outline(outline: Outline, viewport: Viewport) -> Iterator[Mark]:
    shape, style = outline.shape, outline.line
    if isinstance(shape, Polygon):
        points = tuple(px(viewport.to_view(point)) for point in shape.points)
        if len(points) > 1:
            yield Stroke(points, outline.color, style)
    else:
        yield from edges(viewport.box_to_view(shape), outline.color, style)
    for n, handle in enumerate(outline.handles):
        x, y = px(viewport.to_view(handle))
        chosen = n == outline.marked
        yield Spot(x, y, MARKED if chosen else HANDLE, ACCENT if chosen else WHITE)
    bounds = viewport.box_to_view(shape.bounds)
    if outline.tag and bounds.x1 > 0 and bounds.y1 > 0:  # beyond the near edges its name would stand at the edge
        yield _tag(px((bounds.x0, bounds.y0)), outline.tag, outline.color)


def _tag(corner: tuple[int, int], text: str, color: str) -> Tag:
    """Above the region, or inside it where there is no room."""
    above = corner[1] - FONT_PX - PAD_PX - 2
    return Tag(max(0, corner[0] - 1), above if above >= 0 else max(0, corner[1] + 2), text, color)


def _path(path: Path, viewport: Viewport) -> Iterator[Mark]:
    points = tuple(px(viewport.to_view(point)) for point in path.points)
    if len(points) > 1:
        yield Stroke(points, path.color, closed=False)
    for x, y in points:
        yield Spot(x, y, HANDLE, path.color)


def _hint(hint: Hint, viewport: Viewport) -> Tag:
    x, y = px(viewport.to_view(hint.at_xy))
    text = hint.text[hint.typed :]
    wide, high = viewport.view_wh_px
    left = x - text_width(text) // 2 - PAD_PX
    return Tag(min(max(0, left), wide - 20), min(max(0, y - FONT_PX // 2), high - FONT_PX - PAD_PX), text, ACCENT)


def _spread(tags: list[Tag], high: int) -> Iterator[Tag]:
    """Tags that would hide one another, one below the other as far as there is room."""
    taken: set[tuple[int, int]] = set()
    for tag in tags:
        step = tag.area[3] + 1
        lower = (replace(tag, y=y) for y in range(tag.y, high - step, step))
        free = next((placed for placed in lower if taken.isdisjoint(_squares(placed, step))), tag)
        taken.update(_squares(free, step))
        yield free


def _squares(tag: Tag, side: int) -> list[tuple[int, int]]:
    """The squares of a net that a tag lies on."""
    x, y, wide, high = tag.area
    columns, rows = range(x // side, (x + wide - 1) // side + 1), range(y // side, (y + high - 1) // side + 1)
    return [(column, row) for column in columns for row in rows]


def _crosshair(at: tuple[int, int], view_wh_px: tuple[int, int]) -> Iterator[Mark]:
    """A cross with an open middle, and rulers on the edges, which find it again at a glance."""
    x, y = at
    for sign in (-1, 1):
        start = GAP if sign > 0 else -GAP - ARM + 1
        yield Rule(x + start, y, ARM, False, WHITE)
        yield Rule(x, y + start, ARM, True, WHITE)
    yield Rule(x, 0, RULER, True, ACCENT, is_ruler=True)
    yield Rule(0, y, RULER, False, ACCENT, is_ruler=True)
    yield Rule(x, view_wh_px[1] - RULER, RULER, True, ACCENT, is_ruler=True)
    yield Rule(view_wh_px[0] - RULER, y, RULER, False, ACCENT, is_ruler=True)
