"""The lettered grid as strokes: read as on a map while its cells are large, enlarged in a corner once they are small. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, product

from tui.canvas.lens import frame_marks, lens_area
from tui.canvas.marks import ACCENT, BLACK, FONT_PX, PAD_PX, WHITE, Lens, Mark, Rule, Tag, edges, text_width
from tui.canvas.overlay import Grid

LENS_WH = (200, 170)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def grid_marks(grid: Grid, view_wh_px: tuple[int, int], cell_wh_px: tuple[int, int]) -> Iterator[Mark]:
    """Dotted lines with letters on them; of a fine grid an enlarged picture with a letter in each cell."""
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
    """Letters of columns along the top and the middle, of rows along both sides and the middle.

    Where there is room they stand beside the grid. Of two that meet one is left out, so that each is still read somewhere.
    """
    names_x, names_y = (list(zip(LETTERS, _middles(lines), strict=False)) for lines in (lines_x, lines_y))
    left, middle, right = _beside(lines_x[0], 8), (lines_x[0] + lines_x[-1]) // 2, lines_x[-1] - 9
    if grid.chosen_column is not None:
        yield from (_letter(name, (middle, y), ACCENT) for name, y in names_y)
        return
    upper = [_letter(name, (x, _beside(lines_y[0], FONT_PX)), BLACK) for name, x in names_x]
    lower = [_letter(name, (x, (lines_y[0] + lines_y[-1]) // 2), BLACK) for name, x in names_x]
    by_side = [[_letter(name, (x, y), ACCENT) for name, y in names_y] for x in (left, middle, right)]
    yield from _apart(upper, by_side[1])
    yield from _apart(lower, by_side[0])
    yield from _apart(by_side[0], upper)
    yield from _apart(by_side[1], lower)
    yield from _apart(by_side[2], (*upper, *lower))


def _beside(edge: int, inside: int) -> int:
    """The middle of letters before an edge of the grid if there is room in the view, else so far inside."""
    room = FONT_PX + PAD_PX
    return edge - room // 2 - 1 if edge >= room + 2 else edge + inside


def _apart(tags: Sequence[Tag], others: Sequence[Tag]) -> Iterator[Tag]:
    """Those tags that lie over none of the others."""
    for tag in tags:
        if not any(
            abs(tag.y - other.y) < tag.area[3] and -tag.area[2] < tag.x - other.x < other.area[2] for other in others
        ):
            yield tag


def _letter(name: str, middle: tuple[int, int], paper: str) -> Tag:
    return Tag(middle[0] - text_width(name) // 2 - PAD_PX, middle[1] - (FONT_PX + PAD_PX) // 2, name, paper)


def _fine_grid(grid: Grid, view_wh_px: tuple[int, int], cell_wh_px: tuple[int, int]) -> Iterator[Mark]:
    box = grid.box_px
    x0, y0, x1, y1 = round(box.x0), round(box.y0), round(box.x1), round(box.y1)
    yield from edges(box, WHITE)
    area = lens_area(((x0 + x1) // 2, (y0 + y1) // 2), view_wh_px, cell_wh_px, LENS_WH)
    if area is None:
        return
    yield Lens(area, (x0, y0, max(1, x1 - x0), max(1, y1 - y0)))
    yield from frame_marks(area)
    middles_x = _middles(_lines(area[0], area[0] + area[2], grid.columns))
    middles_y = _middles(_lines(area[1], area[1] + area[3], grid.rows))
    for name, (y, x) in zip(LETTERS, product(middles_y, middles_x), strict=False):
        yield _letter(name, (x, y), BLACK)
