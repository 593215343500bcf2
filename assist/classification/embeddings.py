"""Embeddings on disk: float16 rows that are only ever appended, each under a key of the content that it was made from.

One folder a backbone, so that weights never mix. Rows go to disk before their keys: after a kill the files are cut back to
the last whole row, and the rest is made again. Several processes may append; a lock on the key file keeps them in turn.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from assist.errors import explained

KEY_BYTES = 16


def content_key(store_url: str, path: str, etag: str) -> bytes:
    """Which content a row stands for: a datastore's etag changes whenever the content does."""
    text = "\0".join((store_url, path, etag))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES).digest()


class EmbeddingStore:
    """The embeddings of one backbone: read through a memory map, appended in batches."""

    def __init__(self, folder: Path, backbone: str, dims: int) -> None:
        self._folder, self.dims = folder / backbone, dims
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise explained(error) from error
        self._rows_path, self._keys_path = self._folder / "rows.f16", self._folder / "keys"
        self._index: dict[bytes, int] = {}
        self._whole = 0
        self.refresh()

    def __len__(self) -> int:
        return len(self._index)

    def __contains__(self, key: bytes) -> bool:
        return key in self._index

    def refresh(self) -> None:
        """See what other processes have appended."""
        if self._rows_on_disk() < self._whole:  # the files were deleted meanwhile
            self._index, self._whole = {}, 0
        if not self._keys_path.exists():
            return
        with self._keys_path.open("rb") as file:
            file.seek(self._whole * KEY_BYTES)
            keys = file.read()
        new = min(len(keys) // KEY_BYTES, self._rows_on_disk() - self._whole)
        self._index |= {keys[n * KEY_BYTES : (n + 1) * KEY_BYTES]: self._whole + n for n in range(new)}
        self._whole += max(0, new)

    def _rows_on_disk(self) -> int:
        return self._rows_path.stat().st_size // (2 * self.dims) if self._rows_path.exists() else 0

    def append(self, keys: Sequence[bytes], rows: NDArray[np.float32]) -> None:
        """Keep embeddings, float32 (N, dims), for good. Raises DiskFull; what was kept before stays whole."""
        if not keys:
            return
        try:
            with self._locked() as (rows_file, keys_file):
                known = min(_size(keys_file) // KEY_BYTES, _size(rows_file) // (2 * self.dims))
                _write_at(rows_file, known * 2 * self.dims, rows.astype(np.float16).tobytes())
                _write_at(keys_file, known * KEY_BYTES, b"".join(keys))
        except OSError as error:
            raise explained(error) from error
        self.refresh()

    @contextmanager
    def _locked(self) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
        with _opened(self._rows_path) as rows_file, _opened(self._keys_path) as keys_file:
            fcntl.flock(keys_file, fcntl.LOCK_EX)
            yield rows_file, keys_file

    def take(self, keys: Sequence[bytes]) -> NDArray[np.float16]:
        """The embeddings of these keys in their order, float16 (N, dims). Raises KeyError for one that is not here."""
        places = np.array([self._index[key] for key in keys], dtype=np.int64)
        if not len(places):
            return np.zeros((0, self.dims), dtype=np.float16)
        mapped = np.memmap(self._rows_path, dtype=np.float16, mode="r", shape=(self._whole, self.dims))
        return np.asarray(mapped[places])


def _opened(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")


def _size(file: IO[bytes]) -> int:
    return os.fstat(file.fileno()).st_size


def _write_at(file: IO[bytes], at: int, data: bytes) -> None:
    """Everything after `at` becomes this data, on disk when it returns."""
    file.truncate(at)
    file.seek(at)
    file.write(data)
    file.flush()
    os.fsync(file.fileno())
