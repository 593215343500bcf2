"""Strokes over a picture of half blocks: ink colours half cells, words are the terminal's own letters."""

from __future__ import annotations

import numpy as np

from tui.canvas.frame import Frame, half_cells
from tui.canvas.layer import Layer, Slots, rgb_of
from tui.canvas.marks import Mark, Tag
from tui.picture.cells import CellRow, half_blocks, paint
from tui.picture.prepare import Prepared

Span = tuple[int, int, int]
"""Row, first column, and the column after the last."""


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
        spans = [*self._show_still(still), *self._lines(self.moving, moving)]
        words = tuple(mark for mark in moving if isinstance(mark, Tag))
        spans += [self._span_of(word) for word in set(words) ^ set(self._moving_words)]
        self._moving_words = words
        changed = np.zeros(self.size_cells[::-1], dtype=np.bool_)
        for row, start, end in _joined(spans):
            changed[row, start:end] = self._redraw(row, start, end)
        return self._renew(changed)

    def _show_still(self, still: tuple[Mark, ...]) -> list[Span]:
        if still == self._still_marks:
            return []
        words = [mark for mark in still if isinstance(mark, Tag)]
        before = {mark for marks in self._still_words.values() for mark in marks}
        self._still_marks, self._still_words = still, {}
        for word in words:
            self._still_words.setdefault(self._span_of(word)[0], []).append(word)
        return [*self._lines(self.still, still), *(self._span_of(mark) for mark in set(words) ^ before)]

    def _lines(self, layer: Layer, marks: tuple[Mark, ...]) -> list[Span]:
        """Where ink changes when these strokes are shown; words are the terminal's to draw."""
        areas = layer.update(tuple(mark for mark in marks if not isinstance(mark, Tag)))
        rects = [self._cells_of(area) for area in areas]
        return [
            (row, rect.column, rect.column + rect.columns)
            for rect in rects
            for row in range(rect.row, rect.row + rect.rows)
        ]

    def _span_of(self, word: Tag) -> Span:
        row = min(self.size_cells[1] - 1, max(0, (word.y + word.area[3] // 2) // self.base.cell_wh_px[1]))
        first = max(0, word.x // self.base.cell_wh_px[0])
        return row, first, min(self.size_cells[0], first + len(word.text))

    def _redraw(self, row: int, start: int, end: int) -> list[bool]:
        """Draw some cells of a row anew; True for each that looks different. The next cell's text depends on the last."""
        left, right = max(0, start - 1), min(self.size_cells[0], end + 1)
        new, old = self._part(row, left, right), self._rows[row]
        full = new.full[start - left : end - left]
        self._rows[row] = CellRow(
            old.full[:start] + full + old.full[end:], old.after[:start] + new.after[start - left :] + old.after[right:]
        )
        return [a != b for a, b in zip(full, old.full[start:end], strict=True)]

    def _part(self, row: int, left: int, right: int) -> CellRow:
        """Some cells of a row with ink and words."""
        wide, high = self.base.cell_wh_px
        here = np.s_[row * high : (row + 1) * high, left * wide : right * wide]
        half = half_cells(np.maximum(self.still.ink[here], self.moving.ink[here]), (right - left, 1), (wide, high))
        small = self._small[2 * row : 2 * row + 2, left:right].copy()
        small[half > 0] = self.slots.table[half[half > 0]]
        drawn = half_blocks(small, truecolor=self._truecolor)[0]
        moving = [word for word in self._moving_words if self._span_of(word)[0] == row]
        for word in (*self._still_words.get(row, ()), *moving):
            drawn = self._written(drawn, word, left, right)
        return drawn

    def _written(self, part: CellRow, word: Tag, left: int, right: int) -> CellRow:
        """With as much of a word as lies between two columns."""
        _, first, end = self._span_of(word)
        letters = word.text[max(0, left - first) : max(0, min(end, right) - first)]
        if not letters:
            return part
        at = max(0, first - left)
        return paint(part, at, letters, rgb_of(word.ink), rgb_of(word.paper), truecolor=self._truecolor)


def _joined(spans: list[Span]) -> list[Span]:
    """One span a row, from the first column of any to the last."""
    found: dict[int, tuple[int, int]] = {}
    for row, start, end in spans:
        before = found.get(row, (start, end))
        found[row] = min(before[0], start), max(before[1], end)
    return [(row, start, end) for row, (start, end) in sorted(found.items()) if end > start]
