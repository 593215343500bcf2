"""Where the pieces of a large file lie, by what they belong to, so that each group is read when its turn comes."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterator
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Piece(NamedTuple):
    """One piece: its number or line, for messages, and where its bytes are."""

    number: int
    start: int
    length: int

    def read(self, file: BinaryIO) -> bytes:
        """Its bytes."""
        file.seek(self.start)
        return file.read(self.length)


class Pieces:
    """Takes all pieces, then gives them back by group, each group in the file's order; 28 bytes of memory a piece.

    A group is known by a hash of 64 bits of its key, which nobody can foresee.
    """

    def __init__(self) -> None:
        self._groups, self._starts = array("q"), array("Q")
        self._numbers, self._lengths = array("I"), array("I")
        self._order: NDArray[np.uint32] = np.zeros(0, np.uint32)

    def add(self, key: Hashable, piece: Piece) -> None:
        """One more piece of a group."""
        self._groups.append(hash(repr(key)))
        self._numbers.append(piece.number)
        self._starts.append(piece.start)
        self._lengths.append(piece.length)

    def __len__(self) -> int:
        return len(self._starts)

    def at(self, number: int) -> Piece:
        """The piece that was added as this one, from 0."""
        return Piece(self._numbers[number], self._starts[number], self._lengths[number])

    def sort(self) -> None:
        """Nothing is added any more."""
        groups = self._sorted()
        self._order = np.argsort(groups, kind="stable").astype(np.uint32)
        self._groups = array("q", groups[self._order].tobytes())

    def of(self, key: Hashable) -> list[Piece]:
        """The pieces of one group."""
        group = hash(repr(key))
        first = bisect_left(self._groups, group)
        return self._between(first, bisect_right(self._groups, group, first))

    def _between(self, first: int, end: int) -> list[Piece]:
        return [self.at(n) for n in self._order[first:end].tolist()]

    def groups(self) -> Iterator[list[Piece]]:
        """Every group, in the order of their first pieces."""
        firsts = np.flatnonzero(self._begins())
        ends = np.append(firsts[1:], len(self._groups))
        for n in np.argsort(self._order[firsts], kind="stable"):
            yield self._between(int(firsts[n]), int(ends[n]))

    def first_outside(self, others: Pieces) -> Piece | None:
        """The first piece whose group the others lack."""
        mine, theirs = self._sorted(), others._sorted()
        firsts = np.flatnonzero(self._begins())
        outside = firsts[~np.isin(mine[firsts], theirs[others._begins()])]
        return self.at(min(int(self._order[n]) for n in outside)) if len(outside) else None

    def first_double(self) -> Piece | None:
        """The first piece that is not the first of its group."""
        places = self._order[~self._begins()]
        return self.at(int(places.min())) if len(places) else None

    def _sorted(self) -> NDArray[np.int64]:
        return np.frombuffer(self._groups, np.int64) if self._groups else np.zeros(0, np.int64)

    def _begins(self) -> NDArray[np.bool_]:
        groups = self._sorted()
        return np.append(np.ones(min(1, len(groups)), np.bool_), groups[1:] != groups[:-1])
