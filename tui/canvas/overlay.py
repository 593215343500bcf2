"""What is drawn over an image, in the terms of labeling; `tui.canvas.strokes` turns it into strokes. Pure values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from core.geometry import Box, Point, Polygon

Line = Literal["plain", "chosen", "dashed"]


@dataclass(frozen=True)
class Outline:
    """One region, image px.

    Attributes:
        tag: its name, shown at its top left; empty for none.
        line: `chosen` is thicker, `dashed` stands for locked regions and for what is only proposed.
        handles: points that can be taken, image px; `marked` is the index of the one that is.
    """

    shape: Box | Polygon
    color: str
    tag: str = ""
    line: Line = "plain"
    handles: tuple[Point, ...] = ()
    marked: int | None = None


@dataclass(frozen=True)
class Path:
    """An open line in progress through image points."""

    points: tuple[Point, ...]
    color: str


@dataclass(frozen=True)
class Grid:
    """The lettered grid over a part of the view, view px.

    A coarse grid is read as on a map: a letter for the column, then one for the row. A fine one is too small for letters: it
    is shown enlarged, with a letter in each cell, row by row.

    Attributes:
        chosen_column: the column whose letter has been typed already; coarse grids only.
    """

    box_px: Box
    columns: int
    rows: int
    is_fine: bool = False
    chosen_column: int | None = None


@dataclass(frozen=True)
class Hint:
    """Letters that choose something, at an image point."""

    text: str
    at_xy: Point
    typed: int = 0


@dataclass(frozen=True)
class Overlay:
    """Everything that lies over an image just now; `still` changes seldom, the rest with every key."""

    still: tuple[Outline, ...] = ()
    moving: tuple[Outline | Path, ...] = ()
    crosshair_xy: Point | None = None
    magnifier: bool = False
    grid: Grid | None = None
    hints: tuple[Hint, ...] = field(default=())
