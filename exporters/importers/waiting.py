"""Entries that wait on the disk until the rest of their file has been read."""

from __future__ import annotations

import pickle
from tempfile import SpooledTemporaryFile

from exporters.importers.entries import Entry

IN_MEMORY_BYTES = 8 * 1024**2


class Waiting:
    """Put all entries, then take them in the same order; close it in the end."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115 (closed by whoever made it)
        self._left = 0
        self._rewound = False

    def put(self, entry: Entry) -> None:
        """One more."""
        pickle.dump(entry, self._file)
        self._left += 1

    def take(self, most: int) -> list[Entry]:
        """The next ones, up to so many; nothing is put any more."""
        if not self._rewound:
            self._file.seek(0)
            self._rewound = True
        some = min(most, self._left)
        self._left -= some
        return [pickle.load(self._file) for _ in range(some)]  # noqa: S301 (written here, in a file without a name)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
