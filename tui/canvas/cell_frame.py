"""Strokes over a picture of half blocks: ink colours half cells, words are the terminal's own letters."""

from __future__ import annotations

import numpy as np

from tui.canvas.frame import Frame, half_cells
from tui.canvas.layer import Slots, rgb_of
from tui.canvas.marks import Area, Mark, Tag
from tui.picture.cells import CellRow, half_blocks, paint
from tui.picture.prepare import Prepared


class CellFrame(Frame):
    """For terminals without graphics."""

    def __init__(self, base: Prepared, slots: Slots, *, truecolor: bool) -> None:
        super().__init__(base, slots)
        assert base.pixels is not None, "a frame of cells needs a picture for cells"
        self._small = base.pixels
        self._rows = list(base.cell_rows)
        self._truecolor = truecolor
        self._still_words: dict[int, list[Tag]] = {}
        self._moving_words: tuple[Tag, ...] = ()
        self._still_marks: tuple[Mark, ...] = ()

    @property
    def cell_rows(self) -> tuple[CellRow, ...]:
        """The text of each row, strokes included."""
        return tuple(self._rows)

    def show(self, still: tuple[Mark, ...], moving: tuple[Mark, ...]) -> bool:
        """Draw these strokes; cells whose text differs get new keys."""
        areas = [*self._show_still(still), *self.moving.update(tuple(m for m in moving if not isinstance(m, Tag)))]
        words = tuple(mark for mark in moving if isinstance(mark, Tag))
        areas += [mark.area for mark in set(words) ^ set(self._moving_words)]
        self._moving_words = words
        rows = sorted({row for area in areas for row in self._rows_of(area)})
        changed = np.zeros(self.size_cells[::-1], dtype=np.bool_)
        for row in rows:
            new = self._row(row)
            old = self._rows[row]
            changed[row] = [a != b for a, b in zip(new.full, old.full, strict=True)]
            self._rows[row] = new
        return self._renew(changed)

    def _show_still(self, still: tuple[Mark, ...]) -> list[Area]:
        if still == self._still_marks:
            return []
        words = [mark for mark in still if isinstance(mark, Tag)]
        before = {mark for marks in self._still_words.values() for mark in marks}
        self._still_marks, self._still_words = still, {}
        for word in words:
            self._still_words.setdefault(self._row_of(word), []).append(word)
        lines = tuple(mark for mark in still if not isinstance(mark, Tag))
        return [*self.still.update(lines), *(mark.area for mark in set(words) ^ before)]

    def _row_of(self, word: Tag) -> int:
        return (word.y + word.area[3] // 2) // self.base.cell_wh_px[1]

    def _rows_of(self, area: tuple[int, int, int, int]) -> range:
        high = self.base.cell_wh_px[1]
        return range(max(0, area[1] // high), min(self.size_cells[1], -(-(area[1] + area[3]) // high)))

    def _row(self, row: int) -> CellRow:
        high = self.base.cell_wh_px[1]
        small = self._small[2 * row : 2 * row + 2].copy()
        ink = np.maximum(self.still.ink[row * high : (row + 1) * high], self.moving.ink[row * high : (row + 1) * high])
        half = half_cells(ink, (self.size_cells[0], 1), self.base.cell_wh_px)
        small[half > 0] = self.slots.table[half[half > 0]]
        drawn = half_blocks(small, truecolor=self._truecolor)[0]
        for word in (*self._still_words.get(row, ()), *(w for w in self._moving_words if self._row_of(w) == row)):
            drawn = self._written(drawn, word)
        return drawn

    def _written(self, row: CellRow, word: Tag) -> CellRow:
        first = max(0, word.x // self.base.cell_wh_px[0])
        letters = word.text[: max(0, self.size_cells[0] - first)]
        return paint(row, first, letters, rgb_of(word.ink), rgb_of(word.paper), truecolor=self._truecolor)
