"""Follows the cursor through the output that Textual makes, and names what each piece of it does to the screen. Pure.

It knows the sequences that Textual sends; an unknown one is taken to draw nothing and to leave the cursor where it is.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len

from tui.colors import Color
from tui.picture.damage import CellRect

_CSI = re.compile(r"\x1b\[([0-9;:]*)([A-HJKXdf`])")
SAVE, RESTORE = "\x1b7", "\x1b8"
_CLEARS = re.compile(r"\x1b\[[23]J|\x1b\[\?1049[hl]|\x1bc")
_MOVES = {"A": (0, -1), "B": (0, 1), "C": (1, 0), "D": (-1, 0), "E": (0, 1), "F": (0, -1)}


class Does(Enum):
    """What a piece of output does."""

    NOTHING = 0
    TEXT = 1
    MARKS = 2
    ERASE = 3
    CLEAR = 4


@dataclass(slots=True)
class Piece:
    """A piece of output: `width` cells from (column, row) on are text, marks or erased."""

    text: str
    does: Does
    column: int = 0
    row: int = 0
    width: int = 0


class Cursor:
    """Where the cursor is, from (0, 0) on; `marks` is a class of characters that stand for pictures."""

    def __init__(self, marks: str) -> None:
        self.column = self.row = 0
        self._saved = (0, 0)
        self._token = re.compile(
            "(?P<escape>\x1b\\[[0-?]*[ -/]*[@-~]|\x1b[_P\\]^X][^\x1b\x07]*(?:\x1b\\\\|\x07)|\x1b[ -/]*[0-~])"
            f"|(?P<marks>(?P<one>[{marks}])(?P=one)*)"
            f"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f]+|\x1b)|(?P<text>[^\x00-\x1f\x7f{marks}]+)"
        )

    def follow(self, output: str) -> Iterator[Piece]:
        """The pieces of some output, in order; the cursor moves as they are taken."""
        for match in self._token.finditer(output):
            token = match.group(0)
            if match["escape"] is not None:
                yield self._escape(token)
            elif match["control"] is not None:
                self._control(token)
                yield Piece(token, Does.NOTHING)
            else:
                marks = match["marks"] is not None
                width = len(token) if marks else cell_len(token)
                yield Piece(token, Does.MARKS if marks else Does.TEXT, self.column, self.row, width)
                self.column += width

    def _escape(self, token: str) -> Piece:
        if _CLEARS.fullmatch(token):
            return Piece(token, Does.CLEAR)
        if token == SAVE:
            self._saved = (self.column, self.row)
        elif token == RESTORE:
            self.column, self.row = self._saved
        elif match := _CSI.fullmatch(token):
            numbers = [int(number) if number.isdigit() else 0 for number in match[1].split(";")]
            return self._csi(token, match[2], numbers)
        return Piece(token, Does.NOTHING)

    def _csi(self, token: str, final: str, numbers: list[int]) -> Piece:
        count = max(1, numbers[0])
        if final in "Hf":
            self.row, self.column = count - 1, max(1, numbers[1] if len(numbers) > 1 else 1) - 1
        elif final in _MOVES:
            right, down = _MOVES[final]
            self.row = max(0, self.row + down * count)
            self.column = 0 if final in "EF" else max(0, self.column + right * count)
        elif final == "d":
            self.row = count - 1
        elif final in "G`":
            self.column = count - 1
        elif final in "JKX":
            return self._erase(token, final, numbers[0])
        return Piece(token, Does.NOTHING)

    def _erase(self, token: str, final: str, number: int) -> Piece:
        """A part of the line; erasing a part of the screen is taken to clear all of it."""
        if final == "J":
            return Piece(token, Does.CLEAR)
        if final == "X":
            return Piece(token, Does.ERASE, self.column, self.row, max(1, number))
        start = self.column if number == 0 else 0
        width = self.column + 1 if number == 1 else 1 << 15
        return Piece(token, Does.ERASE, start, self.row, width)

    def _control(self, token: str) -> None:
        for character in token:
            if character == "\n":
                self.row += 1
            elif character == "\r":
                self.column = 0
            elif character == "\b":
                self.column = max(0, self.column - 1)


def forward(columns: int) -> str:
    """Move right over cells that stay as they are."""
    return f"\x1b[{columns}C"


def blanks(kept: NDArray[np.bool_]) -> str:
    """Cursor moves over the cells to keep, spaces over the others."""
    edges = [0, *(np.flatnonzero(np.diff(kept)) + 1).tolist(), len(kept)]
    return "".join(
        forward(end - start) if kept[start] else " " * (end - start) for start, end in itertools.pairwise(edges)
    )


def blank_rows(rects: Iterable[CellRect], background: Color) -> str:
    """Rectangles of the screen in one colour, the cursor left where it is. Spaces: not every terminal erases in a colour."""
    rows = [
        f"\x1b[{rect.row + n + 1};{rect.column + 1}H{' ' * rect.columns}" for rect in rects for n in range(rect.rows)
    ]
    return "".join([SAVE, "\x1b[0;48;2;{};{};{}m".format(*background), *rows, RESTORE]) if rows else ""
