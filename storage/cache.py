"""Copies of a distant datastore's files on this machine, within a bound of bytes; several processes may share the folder."""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import threading
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path

log = logging.getLogger("tagline.storage")

FOLDER_ENV = "TAGLINE_CACHE"
LIMIT_BYTES = 2 * 1024**3
SWEEPS_PER_LIMIT = 16


def default_folder() -> Path:
    """`TAGLINE_CACHE`, or the platform's place for what can be fetched again."""
    given = os.environ.get(FOLDER_ENV)
    return Path(given) if given else user_cache_path("tagline") / "files"


class Cache:
    """Files by path and etag: a changed file has another name here, so a stale one is never given out.

    A file that cannot be kept is not kept; that is never an error, for the datastore has it.
    """

    def __init__(self, folder: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self._folder, self._limit = folder, limit_bytes
        self._slack = limit_bytes // SWEEPS_PER_LIMIT
        self._unswept = self._slack
        self._lock = threading.Lock()

    def _path(self, store_url: str, path: str, etag: str) -> Path:
        digest = hashlib.sha256("\0".join((store_url, path, etag)).encode("utf-8", "surrogatepass")).hexdigest()
        return self._folder / digest[:2] / digest

    def get(self, store_url: str, path: str, etag: str) -> bytes | None:
        """The copy of exactly that content, or None."""
        file = self._path(store_url, path, etag)
        try:
            data = file.read_bytes()
            os.utime(file)
        except OSError:
            return None
        return data

    def put(self, store_url: str, path: str, etag: str, data: bytes) -> None:
        """Keep a copy, whole or not at all; the longest unused make room."""
        if len(data) > self._slack:
            return
        with self._lock:
            self._unswept += len(data)
            if self._unswept > self._slack:
                self._sweep(self._limit - self._slack - len(data))
                self._unswept = len(data)
        file = self._path(store_url, path, etag)
        part = file.with_name(f"{file.name}.{secrets.token_hex(4)}.part")
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            part.write_bytes(data)
            part.replace(file)
        except OSError as error:
            log.warning("a file could not be kept in %s: %s", self._folder, error.strerror)
            with suppress(OSError):
                part.unlink()

    def _sweep(self, keep_bytes: int) -> None:
        """Delete the longest unused until no more than that is left."""
        found = sorted(self._files(), reverse=True)
        used = 0
        for _, size, file in found:
            used += size
            if used > keep_bytes:
                file.unlink(missing_ok=True)

    def _files(self) -> list[tuple[int, int, Path]]:
        found: list[tuple[int, int, Path]] = []
        for file in self._folder.glob("??/*"):
            with suppress(FileNotFoundError):  # another process swept it
                stat = file.stat()
                found.append((stat.st_mtime_ns, stat.st_size, file))
        return found
