"""Values that wait on the disk, in a file without a name, once they are more than a few megabytes."""

from __future__ import annotations

import pickle
from tempfile import SpooledTemporaryFile
from typing import Any
from weakref import finalize

IN_MEMORY_BYTES = 8 * 1024**2


class Spool:
    """Put values, read them by where they lie; the file ends with the object, or when it is closed."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115 (closed with the object)
        self._end = 0
        self.close = finalize(self, self._file.close)

    def put(self, value: object) -> int:
        """One more; returns where it lies."""
        if self._file.tell() != self._end:
            self._file.seek(self._end)
        start = self._end
        pickle.dump(value, self._file)
        self._end = self._file.tell()
        return start

    def read(self, start: int) -> tuple[Any, int]:
        """The value that lies there, and where the next one does."""
        self._file.seek(start)
        return pickle.load(self._file), self._file.tell()  # noqa: S301 (written here, in a file without a name)
