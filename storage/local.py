"""A folder of this machine as a datastore. Nothing outside of the folder can be reached, by `..` or by a link."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from storage.base import NoSuchFile, StorageError, StoredFile
from storage.pattern import compile_pattern, fixed_folder

SCHEME = "local:"


class LocalStore:
    """The files below one folder; hidden files and folders are passed over."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        if not self._root.is_dir():
            what = "is a file, not a folder" if self._root.exists() else "does not exist"
            raise StorageError(f"The folder {root} {what}.")

    @property
    def url(self) -> str:
        """`local:` and the folder's absolute path."""
        return f"{SCHEME}{self._root}"

    def list(self, pattern: str) -> Iterator[StoredFile]:
        """Files that match, in path order. Raises StorageError when the pattern's own folder is missing."""
        matches = compile_pattern(pattern)
        start = self._inside(fixed_folder(pattern) or ".")
        if not start.is_dir():
            raise NoSuchFile(f"There is no folder {fixed_folder(pattern)!r} in {self.url}.")
        return (file for file in self._walk(start) if matches(file.path))

    def _walk(self, folder: Path) -> Iterator[StoredFile]:
        try:
            entries = sorted(os.scandir(folder), key=_walk_order)
        except FileNotFoundError:
            return  # gone since its parent was listed
        except OSError as error:
            raise StorageError(f"The folder {folder} cannot be read: {error.strerror}.") from error
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from self._walk(Path(entry.path))
            elif entry.is_file() and self._is_inside(Path(entry.path), is_link=entry.is_symlink()):
                with suppress(FileNotFoundError):  # gone since its folder was listed
                    yield self._stored(Path(entry.path), entry.stat())

    def _is_inside(self, path: Path, *, is_link: bool) -> bool:
        return not is_link or path.resolve().is_relative_to(self._root)

    def _stored(self, path: Path, stat: os.stat_result) -> StoredFile:
        relative = path.relative_to(self._root).as_posix()
        name = relative.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        return StoredFile(name, stat.st_size, f"{stat.st_mtime_ns:x}-{stat.st_size:x}")

    def _inside(self, path: str) -> Path:
        if "\0" not in path:
            full = (self._root / path).resolve()
            if full.is_relative_to(self._root):
                return full
        raise StorageError(f"The path {path!r} leaves the datastore.")

    def head(self, path: str) -> StoredFile:
        """One file's facts. Raises NoSuchFile."""
        full = self._inside(path)
        try:
            return self._stored(full, full.stat())
        except OSError as error:
            raise _explain(path, error) from error

    def get(self, path: str) -> bytes:
        """A file's whole content. Raises NoSuchFile, StorageError."""
        try:
            return self._inside(path).read_bytes()
        except OSError as error:
            raise _explain(path, error) from error

    def get_file(self, path: str, file: Path) -> None:
        """The content into a file of this machine. Raises NoSuchFile, StorageError."""
        try:
            shutil.copyfile(self._inside(path), file)
        except OSError as error:
            raise _explain(path, error) from error

    def get_range(self, path: str, start: int, length: int) -> bytes:
        """At most `length` bytes from `start`, counted from the end when negative."""
        try:
            with self._inside(path).open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size + start if start < 0 else start))
                return file.read(length)
        except OSError as error:
            raise _explain(path, error) from error

    def put(self, path: str, data: bytes) -> StoredFile:
        """Write a file whole or not at all, making its folders."""
        return self._write(path, lambda part: part.write_bytes(data))

    def put_file(self, path: str, file: Path) -> StoredFile:
        """The same from a file of this machine."""
        return self._write(path, lambda part: shutil.copyfile(file, part))

    def _write(self, path: str, fill: Callable[[Path], object]) -> StoredFile:
        full = self._inside(path)
        part = full.with_name(f".{full.name}.{secrets.token_hex(4)}.part")
        try:
            full.parent.mkdir(parents=True, exist_ok=True)
            fill(part)
            part.replace(full)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise _explain(path, error) from error
        return self.head(path)

    def sign(self, path: str, seconds: int) -> str | None:
        """None: a folder has no URLs."""
        return None


def _walk_order(entry: os.DirEntry[str]) -> str:
    """Sort keys that give path order: a folder sorts as its name with the slash."""
    return entry.name + "/" if entry.is_dir(follow_symlinks=False) else entry.name


def _explain(path: str, error: OSError) -> StorageError:
    if isinstance(error, (FileNotFoundError, NotADirectoryError, IsADirectoryError)):
        return NoSuchFile(f"There is no file {path!r} in the datastore.")
    return StorageError(f"The file {path!r} cannot be used: {error.strerror or error}.")
