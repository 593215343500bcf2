"""A part of the picture enlarged in a corner of the view: the crosshair's surroundings, or whatever else asks for room. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from core.geometry import Box
from tui.canvas.marks import WHITE, Area, Lens, Mark, Rule, edges

MAGNIFIER_WH, MAGNIFIED_SIZE = (120, 120), (20, 20)


def magnifier_marks(at: tuple[int, int], view_wh_px: tuple[int, int], cell_wh_px: tuple[int, int]) -> Iterator[Mark]:
    """The surroundings of the crosshair, enlarged, with a cross of its own."""
    wide, high = MAGNIFIED_SIZE
    area = lens_area(at, view_wh_px, cell_wh_px, MAGNIFIER_WH)
    if area is None:
        return
    yield Lens(area, (at[0] - wide // 2, at[1] - high // 2, wide, high))
    x, y = area[0] + area[2] // 2, area[1] + area[3] // 2
    yield from frame_marks(area)
    yield Rule(x - 8, y, 17, False, WHITE)
    yield Rule(x, y - 8, 17, True, WHITE)


def lens_area(
    at: tuple[int, int], view_wh_px: tuple[int, int], cell_wh_px: tuple[int, int], size: tuple[int, int]
) -> Area | None:
    """Whole cells in the top right corner, or the top left while the crosshair is near that; None without room."""
    wide, high = (-(-length // cell) * cell for length, cell in zip(size, cell_wh_px, strict=True))
    if view_wh_px[0] < 3 * wide or view_wh_px[1] < 2 * high:
        return None
    near = at[0] > view_wh_px[0] - wide - 60 and at[1] < high + 60
    left = cell_wh_px[0] if near else (view_wh_px[0] - wide) // cell_wh_px[0] * cell_wh_px[0] - cell_wh_px[0]
    return left, cell_wh_px[1], wide, high


def frame_marks(area: Area) -> Iterator[Mark]:
    """The frame of a lens."""
    x, y, wide, high = area
    yield from edges(Box(x, y, x + wide - 1, y + high - 1), WHITE)
