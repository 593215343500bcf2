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
    by_row = _runs(mask)
    for row in range(min(by_row, default=0), max(by_row, default=-2) + 2):
        runs = by_row.get(row, ())
        for start, end in [run for run in growing if run not in runs]:
            top = growing.pop((start, end))
            yield CellRect(start, top, end - start, row - top)
        for run in runs:
            growing.setdefault(run, row)


def _runs(mask: NDArray[np.bool_]) -> dict[int, list[tuple[int, int]]]:
    """The (start, end) of each run of true cells, by row; rows without one are left out."""
    edges = np.zeros((mask.shape[0], mask.shape[1] + 1), dtype=np.bool_)
    edges[:, 0], edges[:, -1] = mask[:, 0], mask[:, -1]
    edges[:, 1:-1] = mask[:, 1:] != mask[:, :-1]
    rows, columns = edges.nonzero()
    found: dict[int, list[tuple[int, int]]] = {}
    for row, start, end in zip(rows[::2].tolist(), columns[::2].tolist(), columns[1::2].tolist(), strict=True):
        found.setdefault(row, []).append((start, end))
    return found
