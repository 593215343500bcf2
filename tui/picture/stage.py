"""One session's pictures: turns the marks that picture widgets leave in Textual's output into graphics.

A widget fills its cells with a private-use character, its mark. The driver hands all output through `resolve`, which follows
the cursor, learns what every cell of the screen shows, and replaces marks: cells that show the right piece already become a
cursor move, others blanks whose piece is queued. So text elsewhere costs no picture bytes, a dialog clips a picture exactly,
and its closing re-sends only what it had covered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len

from tui.picture import kitty
from tui.picture.damage import CellRect, rectangles
from tui.picture.prepare import Prepared
from tui.terminal import Graphics, Terminal

FIRST_MARK = 0xF0000
MARKS = 64
XTERM_KEEPS = 14
KITTY_KEEPS = 32
_ID_SHIFT = 20
_TOKEN = re.compile(
    "\x1b\\[(?P<row>\\d+);(?P<column>\\d+)H"
    "|(?P<clear>\x1b\\[2J|\x1b\\[\\?1049[hl])"
    "|(?P<escape>\x1b\\[[0-9;:?<>=]*[ -/]*[@-~]|\x1b[_P\\]][^\x1b\x07]*(?:\x1b\\\\|\x07)|\x1b[^\\[_P\\]])"
    f"|(?P<mark>(?P<one>[{chr(FIRST_MARK)}-{chr(FIRST_MARK + MARKS - 1)}])(?P=one)*)"
    f"|(?P<control>[\x00-\x1a]+)|(?P<text>[^\x1b\x00-\x1a{chr(FIRST_MARK)}-{chr(FIRST_MARK + MARKS - 1)}]+)"
)


class Screenful(Protocol):
    """What the stage asks of a picture widget."""

    @property
    def picture(self) -> Prepared | None:
        """What it shows now."""
        ...

    @property
    def origin(self) -> tuple[int, int]:
        """Column and row of its top left cell on the screen."""
        ...


class Stage:
    """What one terminal shows, cell by cell, and the pictures that are on their way to it."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._views: dict[str, Screenful] = {}
        self._pictures: dict[int, Prepared] = {}
        self._queued: set[str] = set()
        self._sent_whole = 0
        self._transmitted: list[int] = []
        self._placed: dict[str, tuple[int, CellRect]] = {}
        self.resized()

    def resized(self) -> None:
        """The terminal has another size: nothing is known of what it shows."""
        columns, rows = self._terminal.size_cells
        self._shown: NDArray[np.int64] = np.zeros((rows, columns), dtype=np.int64)
        self._wanted: NDArray[np.int64] = np.zeros((rows, columns), dtype=np.int64)
        self._x = self._y = 0

    def reset(self) -> None:
        """The screen was cleared: it shows no picture."""
        self._shown[:] = 0
        self._wanted[:] = 0

    def focus_in(self) -> None:
        """The window is looked at again; xterm may have dropped pictures meanwhile, so they are sent again."""
        if self._terminal.is_xterm and self._terminal.graphics is Graphics.SIXEL:
            self._sent_whole = 0
            self._shown[:] = 0

    # Widgets come and go.

    def enter(self, view: Screenful) -> str:
        """Give a widget its mark. Raises RuntimeError when more than 64 pictures are on the screens."""
        for code in range(FIRST_MARK, FIRST_MARK + MARKS):
            if chr(code) not in self._views:
                self._views[chr(code)] = view
                return chr(code)
        raise RuntimeError(f"more than {MARKS} pictures on one session's screens")

    def leave(self, mark: str) -> None:
        """A widget is gone."""
        self._views.pop(mark, None)
        self._queued.add(mark) if mark in self._placed else None

    # Output passes through.

    def resolve(self, text: str) -> str:
        """Replace marks in a piece of terminal output, and take note of everything else that it draws."""
        if not self._views and not self._shown.any():
            return text
        return "".join(self._resolve(match) for match in _TOKEN.finditer(text))

    def _resolve(self, match: re.Match[str]) -> str:
        token = match.group(0)
        if match["row"] is not None:
            self._y, self._x = int(match["row"]) - 1, int(match["column"]) - 1
        elif match["clear"] is not None:
            self.reset()
        elif match["mark"] is not None:
            return self._resolve_mark(match["one"], len(token))
        elif match["text"] is not None:
            self._overwrite(cell_len(token))
        elif match["control"] is not None and "\n" in token:
            self._y, self._x = self._y + token.count("\n"), 0
        return token

    def _overwrite(self, width: int) -> None:
        if 0 <= self._y < self._shown.shape[0]:
            self._shown[self._y, self._x : self._x + width] = 0
            self._wanted[self._y, self._x : self._x + width] = 0
        self._x += width

    def _resolve_mark(self, mark: str, width: int) -> str:
        keys = self._keys(mark, width)
        if keys is None:
            self._overwrite(width)
            return " " * width
        here = np.s_[self._y, self._x : self._x + width]
        right = self._shown[here] == keys
        self._x += width
        if right.all():
            return f"\x1b[{width}C"
        self._shown[here] = np.where(right, keys, 0)
        self._wanted[here] = np.where(right, 0, keys)
        self._queued.add(mark)
        blank = "\x1b[49m" if self._terminal.graphics is Graphics.KITTY else ""
        return blank + _blanks(right)

    def _keys(self, mark: str, width: int) -> NDArray[np.int64] | None:
        """For each cell of a run of marks, the number of the piece that belongs there; None where no picture does."""
        view = self._views.get(mark)
        picture = None if view is None else view.picture
        if view is None or picture is None:
            return None
        column, row = self._x - view.origin[0], self._y - view.origin[1]
        columns, rows = picture.size_cells
        last_row = self._shown.shape[0] - 1
        if not (0 <= column and column + width <= columns and 0 <= row < rows and self._y < last_row):
            return None
        if self._x + width > self._shown.shape[1]:
            return None
        self._pictures[picture.id] = picture
        first = (picture.id << _ID_SHIFT) + row * columns + column
        return np.arange(first, first + width, dtype=np.int64)

    # Pictures go out.

    def take_jobs(self) -> list[tuple[str, Iterator[bytes]]]:
        """Pictures that are due: for each a key, under which a newer one replaces it, and its pieces.

        Pieces are made when they are asked for, from what is still wanted then.
        """
        self._forget_pictures()
        marks, self._queued = sorted(self._queued), set()
        if not marks:
            return []
        if self._terminal.graphics is Graphics.KITTY:
            return [(mark, self._kitty_pieces(mark)) for mark in marks]
        if self._terminal.is_xterm and self._sent_whole + len(marks) > XTERM_KEEPS:
            return self._resend_all()
        return [(mark, self._tile_pieces(mark)) for mark in marks]

    def _resend_all(self) -> list[tuple[str, Iterator[bytes]]]:
        """xterm drops its oldest picture at the seventeenth: before that, all that is visible is drawn anew."""
        self._sent_whole = 0
        self._wanted = np.where(self._shown != 0, self._shown, self._wanted)
        self._shown[:] = 0
        return [(mark, self._tile_pieces(mark)) for mark, view in self._views.items() if view.picture is not None]

    def _forget_pictures(self) -> None:
        if len(self._pictures) > MARKS:
            ids = set(np.unique(self._shown >> _ID_SHIFT)) | set(np.unique(self._wanted >> _ID_SHIFT))
            self._pictures = {number: picture for number, picture in self._pictures.items() if number in ids}

    def _tile_pieces(self, mark: str) -> Iterator[bytes]:
        view = self._views.get(mark)
        picture = None if view is None else view.picture
        if view is None or picture is None:
            return
        column, row = view.origin
        columns, rows = picture.size_cells
        area = np.s_[row : row + rows, column : column + columns]
        for top, high, whole in picture.strips:
            wanted = (self._wanted[area] >> _ID_SHIFT) == picture.id
            strip = wanted[top : top + high]
            if not strip.any():
                continue
            if strip.all() and strip.shape == (high, columns):
                yield self._put(CellRect(column, row + top, columns, high), whole)
                continue
            for rect in list(rectangles(strip)):
                data = picture.tile(rect.column, top + rect.row, rect.columns, rect.rows)
                yield self._put(rect._replace(column=column + rect.column, row=row + top + rect.row), data)

    def _put(self, rect: CellRect, data: bytes) -> bytes:
        """Bytes that draw a tile at its cells and leave the cursor where it was."""
        area = np.s_[rect.row : rect.row + rect.rows, rect.column : rect.column + rect.columns]
        self._shown[area] = self._wanted[area]
        self._wanted[area] = 0
        self._sent_whole += 1
        return b"\x1b7\x1b[%d;%dH%b\x1b8" % (rect.row + 1, rect.column + 1, data)

    def _kitty_pieces(self, mark: str) -> Iterator[bytes]:
        view = self._views.get(mark)
        picture = None if view is None else view.picture
        placement = ord(mark) - FIRST_MARK + 1
        if view is None or picture is None:
            if mark in self._placed:
                yield kitty.unplace(self._placed.pop(mark)[0], placement)
            return
        rect = CellRect(*view.origin, *picture.size_cells)
        if picture.id not in self._transmitted:
            yield from kitty.transmit(picture.id, picture.png)
            self._transmitted.append(picture.id)
        if self._placed.get(mark) != (picture.id, rect):
            old = self._placed.get(mark)
            if old is not None and old[0] != picture.id:
                yield kitty.unplace(old[0], placement)
            yield kitty.place(picture.id, placement, rect.column, rect.row, picture.size_cells)
            self._placed[mark] = (picture.id, rect)
        area = np.s_[rect.row : rect.row + rect.rows, rect.column : rect.column + rect.columns]
        mine = (self._wanted[area] >> _ID_SHIFT) == picture.id
        self._shown[area][mine] = self._wanted[area][mine]
        self._wanted[area][mine] = 0
        yield from self._forget_transmitted()

    def _forget_transmitted(self) -> Iterator[bytes]:
        placed = {number for number, _ in self._placed.values()}
        while len(self._transmitted) > KITTY_KEEPS:
            oldest = next((number for number in self._transmitted if number not in placed), None)
            if oldest is None:
                return
            self._transmitted.remove(oldest)
            yield kitty.forget(oldest)


def _blanks(right: NDArray[np.bool_]) -> str:
    """Cursor moves over cells that show the right piece, spaces over the others."""
    edges = [0, *(np.flatnonzero(np.diff(right)) + 1).tolist(), len(right)]
    return "".join(
        f"\x1b[{end - start}C" if right[start] else " " * (end - start)
        for start, end in zip(edges, edges[1:], strict=False)
    )
