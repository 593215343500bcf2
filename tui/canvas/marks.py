"""An overlay in a viewport as strokes in view px: few kinds, each of which every way of sending pictures can draw. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise, product
from typing import Literal

from PIL import ImageFont

from core.geometry import Box, Point, Polygon
from tui.canvas.overlay import Grid, Hint, Outline, Overlay, Path
from tui.canvas.viewport import Viewport
from tui.widgets.tile import ink_on

BLACK, WHITE, ACCENT = "#000000", "#ffffff", "#ffca57"
PROFILES = {"plain": "kcck", "chosen": "kcccck", "dashed": "kck", "thin": "k"}
DASHES = {"dashed": (6, 4), "thin": (2, 6)}
ARM, GAP, RULER = 13, 3, 9
HANDLE, MARKED = 7, 11
FONT_PX = 13
PAD_PX = 3
MAGNIFIER_WH, MAGNIFIED_SIZE = (120, 120), (20, 20)
LENS_WH = (200, 170)
LETTERS = "abcdefghijklmnopqrstuvwxyz"
Area = tuple[int, int, int, int]
Style = Literal["plain", "chosen", "dashed", "thin"]


@dataclass(frozen=True)
class Rule:
    """A straight line along an axis with a dark edge on both sides; (x, y) is the middle of its beginning."""

    x: int
    y: int
    length: int
    vertical: bool
    color: str
    style: Style = "plain"
    is_ruler: bool = False

    @property
    def profile(self) -> str:
        """Across the line: `k` is dark, `c` the colour."""
        return PROFILES[self.style]

    @property
    def area(self) -> Area:
        """x, y, width, height."""
        thick = len(self.profile)
        if self.vertical:
            return self.x - thick // 2, self.y, thick, self.length
        return self.x, self.y - thick // 2, self.length, thick


@dataclass(frozen=True)
class Stroke:
    """A line through points, each (x, y)."""

    points: tuple[tuple[int, int], ...]
    color: str
    style: Style = "plain"
    closed: bool = True

    @property
    def area(self) -> Area:
        """x, y, width, height, its thickness included."""
        xs, ys = [x for x, _ in self.points], [y for _, y in self.points]
        edge = len(PROFILES[self.style]) // 2 + 1
        return min(xs) - edge, min(ys) - edge, max(xs) - min(xs) + 2 * edge + 1, max(ys) - min(ys) + 2 * edge + 1


@dataclass(frozen=True)
class Spot:
    """A small square with a dark edge, around its middle."""

    x: int
    y: int
    size: int
    color: str

    @property
    def area(self) -> Area:
        """x, y, width, height."""
        return self.x - self.size // 2, self.y - self.size // 2, self.size, self.size


@dataclass(frozen=True)
class Tag:
    """Words on a paper of their own; (x, y) is the top left."""

    x: int
    y: int
    text: str
    paper: str

    @property
    def ink(self) -> str:
        """Black or white."""
        return ink_on(self.paper)

    @property
    def area(self) -> Area:
        """x, y, width, height."""
        return self.x, self.y, text_width(self.text) + 2 * PAD_PX, FONT_PX + PAD_PX


@dataclass(frozen=True)
class Lens:
    """A part of the picture enlarged; `area` and `source` are (x, y, width, height) in view px."""

    area: Area
    source: Area


Mark = Rule | Stroke | Spot | Tag | Lens


@cache
def font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The face of tags: the one that Pillow carries."""
    return ImageFont.load_default(FONT_PX - 1)


@cache
def text_width(text: str) -> int:
    """Its width in px."""
    return int(font().getlength(text) + 0.999)


def still_marks(overlay: Overlay, viewport: Viewport) -> tuple[Mark, ...]:
    """Strokes of what changes seldom, in the order in which they are drawn."""
    return tuple(mark for outline in overlay.still for mark in _outline(outline, viewport))


def moving_marks(overlay: Overlay, viewport: Viewport, cell_wh_px: tuple[int, int]) -> tuple[Mark, ...]:
    """Strokes of what changes with every key, in the order in which they are drawn."""
    return tuple(_moving(overlay, viewport, cell_wh_px))


def _moving(overlay: Overlay, viewport: Viewport, cell_wh_px: tuple[int, int]) -> Iterator[Mark]:
    if overlay.grid is not None:
        yield from _grid(overlay.grid, viewport.view_wh_px, cell_wh_px)
    for drawn in overlay.moving:
        yield from _path(drawn, viewport) if isinstance(drawn, Path) else _outline(drawn, viewport)
    yield from _spread([_hint(hint, viewport) for hint in overlay.hints], viewport.view_wh_px[1])
    if overlay.crosshair_xy is not None:
        at = _px(viewport.to_view(overlay.crosshair_xy))
        yield from _crosshair(at, viewport.view_wh_px)
        if overlay.magnifier:
            yield from _magnifier(at, viewport.view_wh_px, cell_wh_px)


def _px(xy: Point) -> tuple[int, int]:
    return round(xy[0]), round(xy[1])


def _outline(outline: Outline, viewport: Viewport) -> Iterator[Mark]:
    shape, style = outline.shape, outline.line
    if isinstance(shape, Polygon):
        points = tuple(_px(viewport.to_view(point)) for point in shape.points)
        if len(points) > 1:
            yield Stroke(points, outline.color, style)
    else:
        yield from _edges(viewport.box_to_view(shape), outline.color, style)
    for n, handle in enumerate(outline.handles):
        x, y = _px(viewport.to_view(handle))
        chosen = n == outline.marked
        yield Spot(x, y, MARKED if chosen else HANDLE, ACCENT if chosen else WHITE)
    if outline.tag:
        bounds = viewport.box_to_view(shape.bounds)
        yield _tag(_px((bounds.x0, bounds.y0)), outline.tag, outline.color)


def _edges(box: Box, color: str, style: Style) -> Iterator[Mark]:
    x0, y0 = _px((box.x0, box.y0))
    x1, y1 = _px((box.x1, box.y1))
    yield Rule(x0, y0, x1 - x0 + 1, False, color, style)
    yield Rule(x0, y1, x1 - x0 + 1, False, color, style)
    yield Rule(x0, y0, y1 - y0 + 1, True, color, style)
    yield Rule(x1, y0, y1 - y0 + 1, True, color, style)


def _tag(corner: tuple[int, int], text: str, color: str) -> Tag:
    """Above the region, or inside it where there is no room."""
    above = corner[1] - FONT_PX - PAD_PX - 2
    return Tag(max(0, corner[0] - 1), above if above >= 0 else max(0, corner[1] + 2), text, color)


def _path(path: Path, viewport: Viewport) -> Iterator[Mark]:
    points = tuple(_px(viewport.to_view(point)) for point in path.points)
    if len(points) > 1:
        yield Stroke(points, path.color, closed=False)
    for x, y in points:
        yield Spot(x, y, HANDLE, path.color)


def _hint(hint: Hint, viewport: Viewport) -> Tag:
    x, y = _px(viewport.to_view(hint.at_xy))
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


def _magnifier(at: tuple[int, int], view_wh_px: tuple[int, int], cell_wh_px: tuple[int, int]) -> Iterator[Mark]:
    """The surroundings of the crosshair, enlarged, with a cross of its own."""
    wide, high = MAGNIFIED_SIZE
    area = _lens_area(at, view_wh_px, cell_wh_px, MAGNIFIER_WH)
    if area is None:
        return
    yield Lens(area, (at[0] - wide // 2, at[1] - high // 2, wide, high))
    x, y = area[0] + area[2] // 2, area[1] + area[3] // 2
    yield from _frame(area)
    yield Rule(x - 8, y, 17, False, WHITE)
    yield Rule(x, y - 8, 17, True, WHITE)


def _lens_area(
    at: tuple[int, int], view_wh_px: tuple[int, int], cell_wh_px: tuple[int, int], size: tuple[int, int]
) -> Area | None:
    """Whole cells in the top right corner, or the top left while the crosshair is near that; None without room."""
    wide, high = (-(-length // cell) * cell for length, cell in zip(size, cell_wh_px, strict=True))
    if view_wh_px[0] < 3 * wide or view_wh_px[1] < 2 * high:
        return None
    near = at[0] > view_wh_px[0] - wide - 60 and at[1] < high + 60
    left = cell_wh_px[0] if near else (view_wh_px[0] - wide) // cell_wh_px[0] * cell_wh_px[0] - cell_wh_px[0]
    return left, cell_wh_px[1], wide, high


def _frame(area: Area) -> Iterator[Mark]:
    x, y, wide, high = area
    yield from _edges(Box(x, y, x + wide - 1, y + high - 1), WHITE, "plain")


def _grid(grid: Grid, view_wh_px: tuple[int, int], cell_wh_px: tuple[int, int]) -> Iterator[Mark]:
    if grid.is_fine:
        yield from _fine_grid(grid, view_wh_px, cell_wh_px)
        return
    lines_x = _lines(grid.box_px.x0, grid.box_px.x1, grid.columns)
    lines_y = _lines(grid.box_px.y0, grid.box_px.y1, grid.rows)
    if grid.chosen_column is not None:
        lines_x = lines_x[grid.chosen_column : grid.chosen_column + 2]
    for x in lines_x:
        yield Rule(x, lines_y[0], lines_y[-1] - lines_y[0] + 1, True, WHITE, "thin")
    for y in lines_y:
        yield Rule(lines_x[0], y, lines_x[-1] - lines_x[0] + 1, False, WHITE, "thin")
    yield from _letters(grid, lines_x, lines_y)


def _lines(start: float, end: float, count: int) -> list[int]:
    return [round(start + (end - start) * n / count) for n in range(count + 1)]


def _middles(lines: list[int]) -> list[int]:
    return [(a + b) // 2 for a, b in pairwise(lines)]


def _letters(grid: Grid, lines_x: list[int], lines_y: list[int]) -> Iterator[Mark]:
    """Letters of columns along the top and the middle, of rows along both sides and the middle."""
    left, right, top = lines_x[0], lines_x[-1], lines_y[0]
    if grid.chosen_column is None:
        for name, x in zip(LETTERS, _middles(lines_x), strict=False):
            for y in (top + FONT_PX, (top + lines_y[-1]) // 2):
                yield _letter(name, (x, y), BLACK)
    sides = ((left + right) // 2,) if grid.chosen_column is not None else (left + 8, (left + right) // 2, right - 9)
    for name, y in zip(LETTERS, _middles(lines_y), strict=False):
        for x in sides:
            yield _letter(name, (x, y), ACCENT)


def _letter(name: str, middle: tuple[int, int], paper: str) -> Tag:
    return Tag(middle[0] - text_width(name) // 2 - PAD_PX, middle[1] - (FONT_PX + PAD_PX) // 2, name, paper)


def _fine_grid(grid: Grid, view_wh_px: tuple[int, int], cell_wh_px: tuple[int, int]) -> Iterator[Mark]:
    box = grid.box_px
    x0, y0, x1, y1 = round(box.x0), round(box.y0), round(box.x1), round(box.y1)
    yield from _edges(box, WHITE, "plain")
    area = _lens_area(((x0 + x1) // 2, (y0 + y1) // 2), view_wh_px, cell_wh_px, LENS_WH)
    if area is None:
        return
    yield Lens(area, (x0, y0, max(1, x1 - x0), max(1, y1 - y0)))
    yield from _frame(area)
    middles_x = _middles(_lines(area[0], area[0] + area[2], grid.columns))
    middles_y = _middles(_lines(area[1], area[1] + area[3], grid.rows))
    for name, (y, x) in zip(LETTERS, product(middles_y, middles_x), strict=False):
        yield _letter(name, (x, y), BLACK)
