"""Strokes over a picture of half blocks: ink colours half cells, words are the terminal's own letters."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import numpy as np

from tui.canvas.frame import Frame, half_cells
from tui.canvas.layer import Layer, Slots
from tui.canvas.marks import Mark, Tag
from tui.colors import rgb_of
from tui.picture.cells import CellRow, half_blocks, paint
from tui.picture.damage import CellRect
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
        for block in _blocks(spans):
            changed[block.area] = self._redraw(block)
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

    def _redraw(self, block: CellRect) -> list[list[bool]]:
        """Draw some cells anew; True for each that looks different. The text of the one to their right depends on them."""
        start, end = block.column, block.column + block.columns
        left, right = max(0, start - 1), min(self.size_cells[0], end + 1)
        changed = []
        for row, new in zip(
            range(*block.area[0].indices(self.size_cells[1])), self._part(block, left, right), strict=True
        ):
            old, full = self._rows[row], new.full[start - left : end - left]
            after = old.after[:start] + new.after[start - left :] + old.after[right:]
            self._rows[row] = CellRow(old.full[:start] + full + old.full[end:], after)
            changed.append([a != b for a, b in zip(full, old.full[start:end], strict=True)])
        return changed

    def _part(self, block: CellRect, left: int, right: int) -> Iterator[CellRow]:
        """The rows of a block between two columns, with ink and words."""
        wide, high = self.base.cell_wh_px
        top, bottom = block.row, block.row + block.rows
        here = np.s_[top * high : bottom * high, left * wide : right * wide]
        ink = np.maximum(self.still.ink[here], self.moving.ink[here])
        half = half_cells(ink, (right - left, block.rows), (wide, high))
        small = self._small[2 * top : 2 * bottom, left:right].copy()
        small[half > 0] = self.slots.table[half[half > 0]]
        words = [(self._span_of(word)[0], word) for word in self._moving_words]
        for row, drawn in enumerate(half_blocks(small, truecolor=self._truecolor), start=top):
            for word in (*self._still_words.get(row, ()), *(word for at, word in words if at == row)):
                drawn = self._written(drawn, word, left, right)
            yield drawn

    def _written(self, part: CellRow, word: Tag, left: int, right: int) -> CellRow:
        """With as much of a word as lies between two columns."""
        _, first, end = self._span_of(word)
        letters = word.text[max(0, left - first) : max(0, min(end, right) - first)]
        if not letters:
            return part
        at = max(0, first - left)
        return paint(part, at, letters, rgb_of(word.ink), rgb_of(word.paper), truecolor=self._truecolor)


def _blocks(spans: list[Span]) -> Iterator[CellRect]:
    """One span a row, from the first column of any to the last; rows whose spans are alike together."""
    found: dict[int, tuple[int, int]] = {}
    for row, start, end in spans:
        before = found.get(row, (start, end))
        found[row] = min(before[0], start), max(before[1], end)
    rows = sorted(row for row, (start, end) in found.items() if end > start)
    for _, alike in groupby(enumerate(rows), lambda pair: (pair[1] - pair[0], found[pair[1]])):
        together = [row for _, row in alike]
        start, end = found[together[0]]
        yield CellRect(start, together[0], end - start, len(together))
