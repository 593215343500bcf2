"""Pictures for terminals without graphics: half blocks, two pixels a cell, as ready-made text. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tui.colors import Color

RGB = NDArray[np.uint8]
HALF_BLOCK = "\N{UPPER HALF BLOCK}"
RESET = "\x1b[0m"
_CUBE = np.array([0, 95, 135, 175, 215, 255])
_GREYS = np.arange(8, 248, 10)


@dataclass(frozen=True, slots=True)
class CellRow:
    """One row of cells: `full` draws a cell by itself, `after` draws it after the one to its left."""

    full: tuple[str, ...]
    after: tuple[str, ...]

    def run(self, start: int, end: int) -> str:
        """The text that draws some neighbouring cells and leaves no colour behind."""
        return f"{self.full[start]}{''.join(self.after[start + 1 : end])}{RESET}"


def half_blocks(pixels: RGB, *, truecolor: bool) -> tuple[CellRow, ...]:
    """Rows of cells from uint8 (rows * 2, columns, 3); in 24-bit colours or in the 256 that most terminals have."""
    colors = pixels.astype(np.int64) @ (65536, 256, 1) if truecolor else nearest_of_256(pixels)
    names = {color: _name(color, truecolor=truecolor) for color in np.unique(colors).tolist()}
    return tuple(
        _row([names[color] for color in upper], [names[color] for color in lower])
        for upper, lower in zip(colors[::2].tolist(), colors[1::2].tolist(), strict=True)
    )


def paint(row: CellRow, first: int, letters: str, ink: Color, paper: Color, *, truecolor: bool) -> CellRow:
    """A row with letters written over some of its cells."""
    colors = np.array([ink, paper], dtype=np.uint8)
    codes = (colors.astype(np.int64) @ (65536, 256, 1) if truecolor else nearest_of_256(colors)).tolist()
    style = f"\x1b[3{_name(codes[0], truecolor=truecolor)};4{_name(codes[1], truecolor=truecolor)}m"
    full, after = list(row.full), list(row.after)
    for n, letter in enumerate(letters, start=first):
        full[n] = after[n] = f"{style}{letter}"
    end = first + len(letters)
    if end < len(full):
        after[end] = full[end]
    return CellRow(tuple(full), tuple(after))


def _name(color: int, *, truecolor: bool) -> str:
    return f"8;2;{color >> 16};{color >> 8 & 255};{color & 255}" if truecolor else f"8;5;{color}"


def _row(upper: list[str], lower: list[str]) -> CellRow:
    full = tuple(f"\x1b[3{above};4{below}m{HALF_BLOCK}" for above, below in zip(upper, lower, strict=True))
    after = [full[0]]
    for column in range(1, len(full)):
        same_above, same_below = upper[column] == upper[column - 1], lower[column] == lower[column - 1]
        if same_above and same_below:
            after.append(HALF_BLOCK)
        elif same_above:
            after.append(f"\x1b[4{lower[column]}m{HALF_BLOCK}")
        elif same_below:
            after.append(f"\x1b[3{upper[column]}m{HALF_BLOCK}")
        else:
            after.append(full[column])
    return CellRow(full, tuple(after))


def nearest_of_256(pixels: RGB) -> NDArray[np.int64]:
    """The nearest colour of the 256-colour palette's cube and greys, for uint8 (..., 3)."""
    values = pixels.astype(np.int64)
    steps = np.abs(values[..., None] - _CUBE).argmin(axis=-1)
    grey = np.abs(values.mean(axis=-1)[..., None] - _GREYS).argmin(axis=-1)
    to_cube = ((values - _CUBE[steps]) ** 2).sum(axis=-1)
    to_grey = ((values - _GREYS[grey][..., None]) ** 2).sum(axis=-1)
    nearest: NDArray[np.int64] = np.where(to_grey < to_cube, 232 + grey, 16 + steps @ (36, 6, 1))
    return nearest
