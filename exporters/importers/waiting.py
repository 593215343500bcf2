"""Entries that wait on the disk until the rest of their file has been read."""

from __future__ import annotations

from exporters.importers.entries import Entry
from exporters.importers.spool import Spool


class Waiting:
    """Put all entries, then take them in the same order; close it in the end."""

    def __init__(self) -> None:
        self._spool = Spool()
        self._left = self._next = 0

    def put(self, entry: Entry) -> None:
        """One more."""
        self._spool.put(entry)
        self._left += 1

    def take(self, most: int) -> list[Entry]:
        """The next ones, up to so many; nothing is put any more."""
        some: list[Entry] = []
        while self._left and len(some) < most:
            entry, self._next = self._spool.read(self._next)
            self._left -= 1
            some.append(entry)
        return some

    def close(self) -> None:
        """Let go of the file."""
        self._spool.close()
