"""What one terminal that speaks kitty's protocol holds: the data of pictures, and where they are placed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tui.picture import kitty
from tui.picture.damage import CellRect
from tui.picture.pieces import Pieces

# Terminals drop pictures beyond 320 MB by themselves and do not say so; half of that is safe.
HOLD_BYTES = 160 * 1024 * 1024
PARTS = 64


class _Placed(NamedTuple):
    picture_id: int
    at: CellRect
    part: CellRect


class Placements:
    """What is placed is known by a number that the caller chooses, one for each picture widget; it may be in parts."""

    def __init__(self) -> None:
        self._held: dict[int, int] = {}
        self._placed: dict[int, tuple[_Placed, ...]] = {}
        self._sending: tuple[int, Iterator[bytes]] | None = None

    @property
    def numbers(self) -> tuple[int, ...]:
        """The placements that are on the screen."""
        return tuple(self._placed)

    def covers(self, number: int, picture: Pieces, cells: CellRect, origin: tuple[int, int]) -> bool:
        """True when these cells of this picture are placed where they belong."""
        return any(
            old.picture_id == picture.id and old.at == old.part.moved(*origin) and old.part.holds(cells)
            for old in self._placed.get(number, ())
        )

    def is_placed(self, number: int, picture: Pieces, parts: Sequence[CellRect], origin: tuple[int, int]) -> bool:
        """True when exactly these parts of this picture are placed there."""
        return self._placed.get(number, ()) == _placed(picture, parts, origin)

    def send(self, picture: Pieces) -> Iterator[bytes]:
        """Pieces that bring a picture's data to the terminal, if it does not hold it yet.

        Given up half-way, it goes on where it stopped when the same picture is sent again; another picture ends it first.
        """
        if picture.id not in self._held:
            if self._sending is not None and self._sending[0] != picture.id:
                yield kitty.BREAK_OFF
                self._sending = None
            if self._sending is None:
                self._sending = (picture.id, kitty.transmit(picture.id, picture.png))
            pieces = self._sending[1]
            while (piece := next(pieces, None)) is not None:  # "yield from" would close it together with this generator
                yield piece
            self._sending = None
        self._held.pop(picture.id, None)
        self._held[picture.id] = picture.width_px * picture.height_px * 4  # newest last

    def put(self, number: int, picture: Pieces, parts: Sequence[CellRect], origin: tuple[int, int]) -> bytes:
        """Place parts of a picture; what this number stood for before is taken away in the same breath."""
        new, old = _placed(picture, parts, origin), self._placed.get(number, ())
        if old == new:
            return b""
        self._placed[number] = new
        sequences = [
            kitty.unplace(before.picture_id, number * PARTS + n)
            for n, before in enumerate(old)
            if n >= len(new) or before.picture_id != picture.id
        ]
        for n, (_, at, part) in enumerate(new):
            if n >= len(old) or old[n] != new[n]:
                sequences.append(kitty.place(picture.id, number * PARTS + n, at, _crop_px(picture, part)))
        return b"".join(sequences) + self._forget_old()

    def take(self, number: int) -> bytes:
        """Take a picture away, if it is placed."""
        parts = self._placed.pop(number, ())
        return b"".join(kitty.unplace(old.picture_id, number * PARTS + n) for n, old in enumerate(parts))

    def take_all(self) -> bytes:
        """Take all placements away."""
        return b"".join(self.take(number) for number in self.numbers)

    def lost(self) -> None:
        """The terminal has dropped everything."""
        self._held.clear()
        self._placed.clear()
        self._sending = None

    def _forget_old(self) -> bytes:
        placed = {old.picture_id for parts in self._placed.values() for old in parts}
        sequences = []
        for number in [number for number in self._held if number not in placed]:
            if sum(self._held.values()) <= HOLD_BYTES:
                break
            del self._held[number]
            sequences.append(kitty.forget(number))
        return b"".join(sequences)

    def forget_all(self) -> bytes:
        """Free every picture's data."""
        sequences = b"".join(kitty.forget(number) for number in self._held)
        self.lost()
        return sequences


def _placed(picture: Pieces, parts: Sequence[CellRect], origin: tuple[int, int]) -> tuple[_Placed, ...]:
    return tuple(_Placed(picture.id, part.moved(*origin), part) for part in parts[:PARTS])


def _crop_px(picture: Pieces, part: CellRect) -> tuple[int, int, int, int] | None:
    """The part in px of the picture; None for the whole picture."""
    columns, rows = picture.size_cells
    if part == (0, 0, columns, rows):
        return None
    wide, high = picture.width_px // columns, picture.height_px // rows
    return part.column * wide, part.row * high, part.columns * wide, part.rows * high
