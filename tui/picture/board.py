"""What each cell of a screen shows: text, or which piece of which picture. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tui.picture.damage import CellRect, rectangles
from tui.picture.pieces import ID_SHIFT, Keys, Pieces

TEXT = 0


class Board:
    """`shown`: what the terminal draws in each cell. `wanted`: the piece that a cell waits for, TEXT where none."""

    def __init__(self, size_cells: tuple[int, int]) -> None:
        self.resize(size_cells)

    def resize(self, size_cells: tuple[int, int]) -> None:
        """Another size: nothing is known of what is shown."""
        columns, rows = size_cells
        self.shown: Keys = np.zeros((rows, columns), dtype=np.int64)
        self.wanted: Keys = np.zeros((rows, columns), dtype=np.int64)

    @property
    def size_cells(self) -> tuple[int, int]:
        """Columns and rows."""
        return self.shown.shape[1], self.shown.shape[0]

    def clear(self) -> None:
        """All cells show text."""
        self.shown[:] = TEXT
        self.wanted[:] = TEXT

    def put_text(self, column: int, row: int, width: int) -> None:
        """Text went over `width` cells; what hangs over the screen's edge counts for nothing."""
        if 0 <= row < self.shown.shape[0]:
            self.shown[row, column : column + width] = TEXT
            self.wanted[row, column : column + width] = TEXT

    def ask(self, column: int, row: int, keys: Keys) -> NDArray[np.bool_]:
        """Want pieces in a part of a row; True where the right one is there already. The others become blank."""
        here = np.s_[row, column : column + len(keys)]
        right: NDArray[np.bool_] = self.shown[here] == keys
        self.wanted[here] = np.where(right, self.wanted[here], keys)
        self.shown[here] = np.where(right, keys, TEXT)
        return right

    def drawn(self, rect: CellRect) -> None:
        """What was wanted in a rectangle is there now."""
        area = rect.area
        done = self.wanted[area] != TEXT
        self.shown[area] = np.where(done, self.wanted[area], self.shown[area])
        self.wanted[area] = TEXT

    def want_again(self) -> None:
        """Want every piece that is shown, without taking it for lost."""
        self.wanted = np.where(self.shown != TEXT, self.shown, self.wanted)

    def changed(self, picture: Pieces, origin: tuple[int, int]) -> None:
        """A picture on the screen has other pieces in some cells: want those where it is seen."""
        part = self.visible_part(picture, origin)
        keys, area = picture.keys[part.area], part.moved(*origin).area
        shown, wanted = self.shown[area], self.wanted[area]
        is_seen = (shown >> ID_SHIFT == picture.id) | (wanted >> ID_SHIFT == picture.id)
        self.wanted[area] = np.where(is_seen, np.where(shown == keys, TEXT, keys), wanted)

    def replaced(self, picture: Pieces, origin: tuple[int, int], before: Pieces) -> list[CellRect]:
        """Another picture is wanted wherever the one `before` is seen; the cells that showed that are text from now on.

        Returns:
            Those cells of the screen.
        """
        part = self.visible_part(picture, origin)
        at = part.moved(*origin)
        shown, wanted = self.shown[at.area], self.wanted[at.area]
        was_shown = shown >> ID_SHIFT == before.id
        is_wanted = was_shown | (wanted >> ID_SHIFT == before.id)
        self.wanted[at.area] = np.where(is_wanted, picture.keys[part.area], wanted)
        self.shown[at.area] = np.where(was_shown, TEXT, shown)
        return [rect.moved(at.column, at.row) for rect in rectangles(was_shown)]

    def visible_part(self, picture: Pieces, origin: tuple[int, int]) -> CellRect:
        """The part of a picture with its top left cell at `origin` that lies on the screen, in the picture's cells."""
        (columns, rows), (wide, high) = picture.size_cells, self.size_cells
        left, top = max(0, -origin[0]), max(0, -origin[1])
        right, bottom = min(columns, wide - origin[0]), min(rows, high - origin[1])
        return CellRect(left, top, max(0, right - left), max(0, bottom - top))

    def state(self, picture: Pieces, origin: tuple[int, int]) -> tuple[CellRect, NDArray[np.bool_], NDArray[np.bool_]]:
        """The part of a picture that lies on the screen; in it, which cells show it, and which wait for their piece."""
        part = self.visible_part(picture, origin)
        keys = picture.keys[part.area]
        on_screen = part.moved(*origin).area
        return part, self.shown[on_screen] >> ID_SHIFT == picture.id, self.wanted[on_screen] == keys
