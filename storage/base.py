"""What a datastore is: a flat namespace of files, read whole or in part. Calls block; run them in worker threads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class StorageError(Exception):
    """A datastore cannot do what was asked; the text may be shown to a person."""


class NoSuchFile(StorageError):
    """There is no file at that path."""


class Unreachable(StorageError):
    """The datastore does not answer just now; says nothing about the file that was asked for."""


class UnreadableImage(StorageError):
    """The bytes are no image that can be shown; the text is the reason."""


@dataclass(frozen=True)
class StoredFile:
    """One file as a listing gives it. `etag` changes whenever the content does."""

    path: str
    bytes: int
    etag: str


class Store(Protocol):
    """A datastore. Paths use `/`, are relative to its root and never leave it."""

    @property
    def url(self) -> str:
        """How the datastore is written down, without secrets; `storage.open_store` reads it."""
        ...

    def list(self, pattern: str) -> Iterator[StoredFile]:
        """Files that match a path pattern (see `storage.pattern`), in path order.

        Raises:
            StorageError: the root is missing or cannot be read.
        """
        ...

    def head(self, path: str) -> StoredFile:
        """One file's facts. Raises NoSuchFile."""
        ...

    def get(self, path: str) -> bytes:
        """A file's whole content. Raises NoSuchFile, StorageError."""
        ...

    def get_file(self, path: str, file: Path) -> None:
        """The content into a file of this machine, as it may be too large for memory. Raises NoSuchFile, StorageError."""
        ...

    def get_range(self, path: str, start: int, length: int) -> bytes:
        """At most `length` bytes from offset `start`; a negative start counts from the end. Raises NoSuchFile."""
        ...

    def put(self, path: str, data: bytes) -> StoredFile:
        """Write a file whole or not at all."""
        ...

    def put_file(self, path: str, file: Path) -> StoredFile:
        """The same from a file of this machine, which may be too large for memory."""
        ...

    def sign(self, path: str, seconds: int) -> str | None:
        """A URL by which anyone can read the file for a while, or None where the store has no such thing."""
        ...
