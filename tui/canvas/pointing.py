"""Pointing by keyboard: a lettered grid that shrinks into the named cell, and arrows whose steps grow while held. Pure.

Everything is in view px. Two letters name a cell of the coarse grid, column then row, as on a map; one more letter at a time
names a part of that cell, down to a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.geometry import Box, Point
from tui.canvas.grid import LETTERS
from tui.canvas.overlay import Grid

FINE = 5
LEAST_CELL_PX = 12.0
LEAST_FINE_PX = 3.0
STEP_PX, SHIFT_PX, LONGEST_STEP_PX = 2.0, 16.0, 24.0
HELD_S = 0.15


@dataclass(frozen=True)
class Pointer:
    """Where the crosshair is, and the grid that lies over the view.

    Attributes:
        boxes: the cells that were named so far, the whole grid first.
        column: the column whose letter was typed; None before.
        is_by_hand: arrows or a mouse moved it since the last letter, so the grid gives way to a magnifier.
        run: arrow presses in quick succession so far, and `at_s` when the last was.
    """

    at: Point
    boxes: tuple[Box, ...] = ()
    column: int | None = None
    is_by_hand: bool = False
    run: int = 0
    at_s: float = 0.0

    @property
    def grid(self) -> Grid | None:
        """What letters name now; None when the last cell is too small."""
        if not self.boxes:
            return None
        box = self.boxes[-1]
        if len(self.boxes) == 1:
            columns, rows = coarse_size(box)
            return Grid(box, columns, rows, chosen_column=self.column)
        fits = min(box.x1 - box.x0, box.y1 - box.y0) >= LEAST_FINE_PX
        return Grid(box, FINE, FINE, is_fine=True) if fits else None

    @property
    def shown_grid(self) -> Grid | None:
        """The grid to draw: none while arrows or a mouse move the crosshair."""
        return None if self.is_by_hand else self.grid


def coarse_size(box: Box) -> tuple[int, int]:
    """Columns and rows of the coarse grid: at most as many as there are letters, and no cell too small to read."""
    return tuple(  # type: ignore[return-value]
        max(1, min(len(LETTERS), int(length // LEAST_CELL_PX))) for length in (box.x1 - box.x0, box.y1 - box.y0)
    )


def begin(area: Box, at: Point | None = None) -> Pointer:
    """A grid over an area of the view, the crosshair in its middle or where it was."""
    middle = ((area.x0 + area.x1) / 2, (area.y0 + area.y1) / 2)
    return Pointer(middle if at is None else at, (area,))


def typed(pointer: Pointer, letter: str) -> Pointer:
    """After a letter; one that names nothing changes nothing."""
    grid, number = pointer.grid, LETTERS.find(letter)
    if grid is None or number < 0 or len(letter) != 1:
        return pointer
    if grid.is_fine:
        row, column = divmod(number, FINE)
        return pointer if row >= FINE else _into(pointer, column, row, (FINE, FINE))
    if pointer.column is None:
        return replace(pointer, column=number, is_by_hand=False) if number < grid.columns else pointer
    return _into(pointer, pointer.column, number, (grid.columns, grid.rows)) if number < grid.rows else pointer


def _into(pointer: Pointer, column: int, row: int, size: tuple[int, int]) -> Pointer:
    box = pointer.boxes[-1]
    wide, high = (box.x1 - box.x0) / size[0], (box.y1 - box.y0) / size[1]
    cell = Box(box.x0 + column * wide, box.y0 + row * high, box.x0 + (column + 1) * wide, box.y0 + (row + 1) * high)
    return Pointer(((cell.x0 + cell.x1) / 2, (cell.y0 + cell.y1) / 2), (*pointer.boxes, cell))


def widened(pointer: Pointer) -> Pointer:
    """One letter back."""
    if pointer.column is not None:
        return replace(pointer, column=None)
    return replace(pointer, boxes=pointer.boxes[:-1]) if len(pointer.boxes) > 1 else pointer


def nudged(pointer: Pointer, direction: tuple[int, int], area: Box, now_s: float, *, far: bool = False) -> Pointer:
    """Moved by an arrow inside an area; held down, the steps grow. `far` is Shift."""
    run = pointer.run + 1 if now_s - pointer.at_s < HELD_S else 0
    step = SHIFT_PX if far else min(LONGEST_STEP_PX, STEP_PX * 2 ** (run // 4))
    x = min(max(pointer.at[0] + direction[0] * step, area.x0), area.x1)
    y = min(max(pointer.at[1] + direction[1] * step, area.y0), area.y1)
    return replace(pointer, at=(x, y), column=None, run=run, at_s=now_s, is_by_hand=True)


def moved_to(pointer: Pointer, at: Point, area: Box) -> Pointer:
    """At a place of the view, as by a mouse."""
    at = min(max(at[0], area.x0), area.x1), min(max(at[1], area.y0), area.y1)
    return replace(pointer, at=at, is_by_hand=True)
