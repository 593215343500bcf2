"""One session's pictures: turns the marks that picture widgets leave in Textual's output into graphics.

A widget fills its cells with a private-use character, its mark. The driver hands all output through `resolve`, which
follows the cursor, learns what every cell of the screen shows, and replaces marks: cells that show the right piece already
become a cursor move, others blanks whose piece is queued. So text elsewhere costs no picture bytes, a dialog clips a
picture exactly, and its closing re-sends only what it had covered.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tui.colors import Color
from tui.picture import kitty
from tui.picture.board import Board
from tui.picture.cursor import RESTORE, SAVE, Cursor, Does, Piece, blank_rows, blanks, forward
from tui.picture.damage import CellRect, rectangles
from tui.picture.pieces import Pieces
from tui.picture.placements import Placements
from tui.picture.sprites import Sprites
from tui.picture.tiles import Tiles
from tui.terminal import Graphics, Terminal

MARKS = 64
SYNC_BEGIN, SYNC_END = "\x1b[?2026h", "\x1b[?2026l"
UNKNOWN = "?"
PRIVATE_USE = range(0xF0000, 0xFFFFE)
_SCROLLS_AT_LAST_ROW = (Graphics.SIXEL, Graphics.ITERM2)

Jobs = list[tuple[str, Iterator[bytes]]]


class Screenful(Protocol):
    """What the stage asks of a picture widget."""

    @property
    def picture(self) -> Pieces | None:
        """What it shows now."""
        ...

    @property
    def origin(self) -> tuple[int, int]:
        """Column and row of its top left cell on the screen."""
        ...


class Stage:
    """What one terminal shows, cell by cell, and the pictures that are on their way to it."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        # Where the marks begin is a secret of the session, so that no file name can hold one.
        self._first = PRIVATE_USE.start + secrets.randbelow(len(PRIVATE_USE) - MARKS)
        self._cursor = Cursor(f"{chr(self._first)}-{chr(self._first + MARKS - 1)}")
        self._views: dict[str, Screenful] = {}
        self._queued: set[str] = set()
        self._placements = Placements()
        self._sprites = Sprites()
        self.on_due: Callable[[], None] = lambda: None
        self._board = Board(terminal.size_cells)
        self._tiles = Tiles(terminal, self._board, self._picture)
        self._closing = b""
        self._blanks = ""

    def resized(self) -> None:
        """The terminal has another size or another font: nothing is known of what it shows."""
        self._board.resize(self.terminal.size_cells)
        self._blanks = ""
        self._closing += self._placements.take_all()
        for mark in self._views:
            self._closing += self._sprites.take(self._number(mark))

    def reset(self) -> None:
        """The screen was cleared: it shows no picture, and kitty has freed them."""
        self._board.clear()
        self._placements.lost()
        self._sprites.lost()
        self._closing, self._blanks = b"", ""

    def focus_in(self) -> None:
        """The window is looked at again; xterm may have dropped pictures meanwhile, so they are sent again."""
        if self.terminal.is_xterm and self.terminal.graphics is Graphics.SIXEL:
            self._tiles.forgotten()
            self._queued.update(self._views)

    def restore(self) -> str:
        """What gives the terminal back the memory that pictures take; for the session's end."""
        return self._placements.forget_all().decode("ascii")

    # Widgets come and go.

    def enter(self, view: Screenful) -> str:
        """Give a widget its mark. Raises RuntimeError when more than 64 pictures are on the screens."""
        for code in range(self._first, self._first + MARKS):
            if chr(code) not in self._views:
                self._views[chr(code)] = view
                return chr(code)
        raise RuntimeError(f"more than {MARKS} pictures on one session's screens")

    def leave(self, mark: str) -> None:
        """A widget is gone."""
        self._views.pop(mark, None)

    def changed(self, mark: str) -> None:
        """A widget's picture shows something else in some cells: send those, at once if the way is free."""
        picture, origin = self._picture(mark)
        if picture is not None:
            self._board.changed(picture, origin)
            self._tiles.changed()
            self._queued.add(mark)
            self.on_due()

    def replaced(self, mark: str, before: Pieces, background: Color) -> bool:
        """A widget shows another picture in place of `before`: cells that show the old one become blank with the next output.

        So no old picture stands beside new words, and nothing is composed anew; False where it has to be, because there
        pictures are text.
        """
        picture, origin = self._picture(mark)
        if picture is None or self.terminal.graphics is Graphics.CELLS:
            return False
        self._blanks += blank_rows(self._board.replaced(picture, origin, before), background)
        self._queued.add(mark)
        return True

    def _picture(self, mark: str) -> tuple[Pieces | None, tuple[int, int]]:
        view = self._views.get(mark)
        return (None, (0, 0)) if view is None else (view.picture, view.origin)

    # Output passes through.

    def resolve(self, text: str) -> str:
        """Replace marks in a piece of terminal output, and take note of everything else that it draws.

        What is blank since it was last called comes first, shown together with the text.
        """
        resolved = "".join([self._resolve(piece) for piece in self._cursor.follow(text)])
        blanks, self._blanks = self._blanks, ""
        if not blanks:
            return resolved
        begin = SYNC_BEGIN if resolved.startswith(SYNC_BEGIN) else ""
        return f"{begin}{blanks}{resolved[len(begin) :]}"

    def _resolve(self, piece: Piece) -> str:
        if piece.does is Does.MARKS:
            return self._resolve_marks(piece)
        if piece.does is Does.CLEAR:
            self.reset()
        elif piece.does is not Does.NOTHING:
            self._board.put_text(piece.column, piece.row, piece.width)
        return piece.text

    def _resolve_marks(self, piece: Piece) -> str:
        """Marks inside their widget's picture become its pieces; others blanks, or question marks if foreign."""
        mark, width = piece.text[0], piece.width
        picture, origin = self._picture(mark)
        if picture is None:
            self._board.put_text(piece.column, piece.row, width)
            return (" " if mark in self._views else UNKNOWN) * width
        part = self._board.visible_part(picture, origin)
        row, column = piece.row - origin[1], piece.column - origin[0]
        start = min(max(column, part.column), column + width)
        end = max(start, min(column + width, part.column + part.columns))
        if not part.row <= row < part.row + part.rows or end == start:
            self._board.put_text(piece.column, piece.row, width)
            return UNKNOWN * width
        self._board.put_text(piece.column, piece.row, start - column)
        self._board.put_text(end + origin[0], piece.row, column + width - end)
        drawn = self._draw_cells(mark, picture, (start, end, row))
        return UNKNOWN * (start - column) + drawn + UNKNOWN * (column + width - end)

    def _draw_cells(self, mark: str, picture: Pieces, cells: tuple[int, int, int]) -> str:
        (start, end, row), origin = cells, self._views[mark].origin
        x, y = start + origin[0], row + origin[1]
        graphics = self.terminal.graphics
        if graphics in _SCROLLS_AT_LAST_ROW and y == self._board.size_cells[1] - 1:
            self._board.put_text(x, y, end - start)
            return " " * (end - start)
        right = self._board.ask(x, y, picture.keys[row, start:end])
        if right.all():
            return forward(end - start)
        if graphics is Graphics.CELLS:
            self._board.drawn(CellRect(x, y, end - start, 1))
            return picture.cell_rows[row].run(start, end)
        run = CellRect(start, row, end - start, 1)
        if graphics is Graphics.KITTY and self._placements.covers(self._number(mark), picture, run, origin):
            self._board.drawn(CellRect(x, y, end - start, 1))
            return "\x1b[0m" + blanks(right)
        self._queued.add(mark)
        return blanks(right)

    def _number(self, mark: str) -> int:
        return ord(mark) - self._first + 1

    # Pictures go out.

    def take_jobs(self) -> Jobs:
        """Pictures that are due: for each a key, under which a newer one replaces it, and its pieces.

        Pieces are made when they are asked for, from what is still wanted then.
        """
        if self.terminal.graphics is Graphics.KITTY:
            self._queued.update(self._stale_placements())
        marks, self._queued = sorted(self._queued), set()
        if self.terminal.graphics is Graphics.KITTY:
            closing = [("", self._close())] if self._closing else []
            return closing + [(mark, self._kitty_pieces(mark)) for mark in marks]
        if self.terminal.graphics is Graphics.CELLS:
            return [(mark, self._cell_pieces(mark)) for mark in marks]
        if marks and self._tiles.has_to_resend(len(marks)):
            marks = sorted(self._views)
        return [(mark, self._tiles.pieces(mark)) for mark in marks]

    def _close(self) -> Iterator[bytes]:
        closing, self._closing = self._closing, b""
        if closing:
            yield closing

    def _stale_placements(self) -> Iterator[str]:
        """Marks of pictures that are placed where not exactly these cells are seen any more."""
        for number in self._placements.numbers:
            mark = chr(self._first + number - 1)
            picture, origin = self._picture(mark)
            if picture is None or not self._placements.is_placed(
                number, picture, self._seen_parts(picture, origin), origin
            ):
                yield mark

    def _seen_parts(self, picture: Pieces, origin: tuple[int, int]) -> list[CellRect]:
        """The rectangles of a picture's cells that nothing lies over."""
        part, shown, waits = self._board.state(picture, origin)
        seen = shown | waits
        if seen.all():
            return [part]
        return [rect.moved(part.column, part.row) for rect in rectangles(seen)]

    def _is_seen(self, picture: Pieces, origin: tuple[int, int]) -> bool:
        _, shown, waits = self._board.state(picture, origin)
        return bool(shown.any() or waits.any())

    def _kitty_pieces(self, mark: str) -> Iterator[bytes]:
        picture, origin = self._picture(mark)
        if picture is not None and self._is_seen(picture, origin):
            yield from self._placements.send(picture)
        if picture is not self._picture(mark)[0]:
            return  # shows another one since; that has its own job
        picture, origin = self._picture(mark)
        if picture is None or not self._is_seen(picture, origin):
            taken = self._sprites.take(self._number(mark)) + self._placements.take(self._number(mark))
            if taken:
                yield taken
            return
        part, _, waits = self._board.state(picture, origin)
        at = part.moved(*origin)
        cells = kitty.open_cells([rect.moved(at.column, at.row) for rect in rectangles(waits)])
        self._mark_drawn(waits, at)
        put = self._placements.put(self._number(mark), picture, self._seen_parts(picture, origin), origin)
        over = b"".join(self._sprites_of(mark, picture, origin))
        if put or over or waits.any():
            yield self._together(put + (cells if waits.any() else b"") + over)

    def _sprites_of(self, mark: str, picture: Pieces, origin: tuple[int, int]) -> Iterator[bytes]:
        number = self._number(mark)
        if not picture.sprites and not self._sprites.is_shown(number):
            return iter(())
        part, shown, waits = self._board.state(picture, origin)
        seen = np.zeros(picture.size_cells[::-1], dtype=np.bool_)
        seen[part.area] = shown | waits
        return self._sprites.update(number, picture, seen, origin)

    def _together(self, data: bytes) -> bytes:
        """Output that leaves the cursor where it was and that the terminal shows in one go, where it can."""
        data = SAVE.encode() + data + RESTORE.encode()
        return SYNC_BEGIN.encode() + data + SYNC_END.encode() if self.terminal.sync_updates else data

    def _cell_pieces(self, mark: str) -> Iterator[bytes]:
        """The text of cells that changed without Textual knowing."""
        picture, origin = self._picture(mark)
        if picture is None:
            return
        part, _, waits = self._board.state(picture, origin)
        runs = []
        for rect in rectangles(waits):
            self._board.drawn(rect.moved(part.column + origin[0], part.row + origin[1]))
            for row in range(rect.row + part.row, rect.row + part.row + rect.rows):
                start = rect.column + part.column
                text = picture.cell_rows[row].run(start, start + rect.columns)
                runs.append(f"\x1b[{row + origin[1] + 1};{start + origin[0] + 1}H{text}".encode())
        if runs:
            yield self._together(b"".join(runs))

    def _mark_drawn(self, waits: NDArray[np.bool_], at: CellRect) -> None:
        for rect in rectangles(waits):
            self._board.drawn(rect.moved(at.column, at.row))
