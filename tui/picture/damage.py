"""Which rectangles of cells cover a mask, so that each goes out as one tile. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class CellRect(NamedTuple):
    """A rectangle of cells."""

    column: int
    row: int
    columns: int
    rows: int

    @property
    def area(self) -> tuple[slice, slice]:
        """Its rows and columns as an index into an array of cells."""
        return slice(self.row, self.row + self.rows), slice(self.column, self.column + self.columns)

    def holds(self, other: CellRect) -> bool:
        """True when the other lies inside."""
        return (
            self.column <= other.column
            and self.row <= other.row
            and other.column + other.columns <= self.column + self.columns
            and other.row + other.rows <= self.row + self.rows
        )

    def moved(self, columns: int, rows: int) -> CellRect:
        """The same rectangle elsewhere."""
        return self._replace(column=self.column + columns, row=self.row + rows)


def rectangles(mask: NDArray[np.bool_]) -> Iterator[CellRect]:
    """Rectangles that cover exactly the true cells of a (rows, columns) mask, without overlap."""
    growing: dict[tuple[int, int], int] = {}
    for row in range(mask.shape[0] + 1):
        runs = _runs(mask[row]) if row < mask.shape[0] else []
        for start, end in [run for run in growing if run not in runs]:
            top = growing.pop((start, end))
            yield CellRect(start, top, end - start, row - top)
        for run in runs:
            growing.setdefault(run, row)


def _runs(line: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(line.astype(np.int8), prepend=0, append=0))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
