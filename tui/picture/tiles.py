"""Pictures as opaque tiles, for sixel and iTerm2: which rectangles of cells go out, newest first, and how xterm's memory is kept.

Pieces are made when they are asked for, so what changed while the way was full goes out once, as it is by then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from tui.picture.board import Board
from tui.picture.cursor import RESTORE, SAVE
from tui.picture.damage import CellRect, rectangles
from tui.picture.pieces import ID_SHIFT, Pieces
from tui.terminal import Terminal

XTERM_KEEPS = 14
TILE_PX = 12_000
FEW = 1 / 3

Lookup = Callable[[str], tuple[Pieces | None, tuple[int, int]]]


class Tiles:
    """The tiles that one terminal is sent; `look_up` gives the picture of a mark and where it lies, as they are now."""

    def __init__(self, terminal: Terminal, board: Board, look_up: Lookup) -> None:
        self._terminal, self._board, self._look_up = terminal, board, look_up
        self._drawn_since_resend = 0
        self._changes = 0

    def changed(self) -> None:
        """Cells of a picture changed: pieces that are being sent make room for newer ones."""
        self._changes += 1

    def forgotten(self) -> None:
        """xterm may have dropped pictures: all are sent again when next one is due."""
        self._drawn_since_resend = XTERM_KEEPS

    def has_to_resend(self, due: int) -> bool:
        """True once xterm, which drops its oldest sixel at the seventeenth, must get all that is seen anew; wants that then."""
        if not self._terminal.is_xterm or self._drawn_since_resend + due <= XTERM_KEEPS:
            return False
        self._drawn_since_resend = 0
        self._board.want_again()
        return True

    def pieces(self, mark: str) -> Iterator[bytes]:
        """Whole strips where all of a strip is wanted, then the rectangles of cells that are."""
        picture, _ = self._look_up(mark)
        if picture is None:
            return
        if self._wanted(mark, picture).all(axis=1).any():
            for strip in picture.strips:
                if piece := self._strip(mark, picture, strip):
                    yield piece
        while rects := self._due_rects(mark, picture):
            changes = self._changes
            for rect in rects:
                if (at := self._still_due(mark, picture, rect)) is not None:
                    yield self._draw(at, picture.tile(rect))
                if self._changes != changes:
                    break

    def _wanted(self, mark: str, picture: Pieces) -> NDArray[np.bool_]:
        """(rows, columns) of the picture: cells that wait; none where the widget shows another picture by now."""
        wanted = np.zeros(picture.size_cells[::-1], dtype=np.bool_)
        now, origin = self._look_up(mark)
        if now is picture:
            part, shown, waits = self._board.state(picture, origin)
            wanted[part.area] = waits
            if self._terminal.is_xterm and waits.mean() > FEW and (shown | waits).all():
                wanted[part.area] = True  # one sixel rather than several, where nothing lies over it
        return wanted

    def _strip(self, mark: str, picture: Pieces, strip: tuple[int, int, bytes]) -> bytes:
        top, high, whole = strip
        if not self._wanted(mark, picture)[top : top + high].all():
            return b""
        rect = CellRect(0, top, picture.size_cells[0], high)
        return self._draw(rect.moved(*self._look_up(mark)[1]), whole or picture.tile(rect))

    def _due_rects(self, mark: str, picture: Pieces) -> list[CellRect]:
        """Rectangles that cover what waits now: as few as possible for xterm, else short ones, the newest first."""
        wanted = self._wanted(mark, picture)
        if not wanted.any():
            return []
        if (one := self._as_one(mark, picture, wanted)) is not None:
            return [one]
        if self._terminal.is_xterm:
            return list(rectangles(wanted))
        rects = [part for rect in rectangles(wanted) for part in _shortened(rect, picture)]
        return sorted(rects, key=lambda rect: _newness(rect, picture), reverse=True)

    def _still_due(self, mark: str, picture: Pieces, rect: CellRect) -> CellRect | None:
        """Its cells on the screen while all of a rectangle waits; for xterm's one rectangle, while all of it is seen."""
        now, origin = self._look_up(mark)
        if now is not picture:
            return None
        at = rect.moved(*origin)
        waits = self._board.wanted[at.area] == picture.keys[rect.area]
        if self._terminal.is_xterm:
            waits |= self._board.shown[at.area] >> ID_SHIFT == picture.id
        return at if waits.all() else None

    def _as_one(self, mark: str, picture: Pieces, wanted: NDArray[np.bool_]) -> CellRect | None:
        """For xterm, which keeps few sixels: one rectangle around all that waits, where all of that is seen."""
        if not self._terminal.is_xterm:
            return None
        rows, columns = np.flatnonzero(wanted.any(axis=1)), np.flatnonzero(wanted.any(axis=0))
        rect = CellRect(int(columns[0]), int(rows[0]), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1)
        part, shown, waits = self._board.state(picture, self._look_up(mark)[1])
        seen = np.zeros_like(wanted)
        seen[part.area] = shown | waits
        return rect if seen[rect.area].all() else None

    def _draw(self, at: CellRect, data: bytes) -> bytes:
        """Bytes that draw a tile at its cells and leave the cursor where it was."""
        self._board.drawn(at)
        self._drawn_since_resend += 1
        return f"{SAVE}\x1b[{at.row + 1};{at.column + 1}H".encode() + data + RESTORE.encode()


def _newness(rect: CellRect, picture: Pieces) -> int:
    """Larger where a cell changed later; the same wherever none has changed since the picture was made."""
    return max(int(picture.keys[rect.area].max()), (picture.id << ID_SHIFT) + picture.keys.size)


def _shortened(rect: CellRect, picture: Pieces) -> Iterator[CellRect]:
    """In pieces of so few rows that text may soon pass between them."""
    columns, rows = picture.size_cells
    row_px = rect.columns * (picture.width_px // columns) * (picture.height_px // rows)
    step = max(1, TILE_PX // max(1, row_px))
    for top in range(rect.row, rect.row + rect.rows, step):
        yield rect._replace(row=top, rows=min(step, rect.row + rect.rows - top))
