"""Files that labels come in: one file, a folder, or a zip. Nothing is read unbounded.

Of a zip's entries only what is read by places, one large document, is unpacked: into a nameless file that ends with its use.
"""

from __future__ import annotations

import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO, TypeVar, cast

import orjson

from exporters.importers.entries import BadFile, fail

MOST_FILES = 2_000_000
MOST_BYTES = 2 * 1024**3
MANIFEST = "manifest.json"  # stands beside what Tagline exports as a zip
SMALL_BYTES = 64 * 1024**2  # one of many files: an image's labels
NEWLINE = b"\n"
ZIP_TROUBLE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError, ValueError)
T = TypeVar("T")


@dataclass(frozen=True)
class LabelFile:
    """One file of labels, read when it is needed; `name` is its path inside of the folder or zip."""

    name: str
    size: int
    _open: Callable[[], IO[bytes]]

    def read(self) -> bytes:
        """The content of a small file. Raises BadFile."""
        with self._opened(SMALL_BYTES) as file:
            return self._guarded(file.read)

    @contextmanager
    def stream(self) -> Iterator[BinaryIO]:
        """The content as a file that is read from anywhere, for what may be too large for memory. Raises BadFile."""
        with self._opened(MOST_BYTES) as file:
            if not isinstance(file, zipfile.ZipExtFile):
                yield cast("BinaryIO", file)
                return
            with TemporaryFile() as copy:
                self._guarded(lambda: shutil.copyfileobj(file, copy))
                copy.seek(0)
                yield cast("BinaryIO", copy)

    def head(self, length: int) -> bytes:
        """The first bytes. Raises BadFile."""
        with self._opened(MOST_BYTES) as file:
            return self._guarded(lambda: file.read(length))

    def _opened(self, most: int) -> IO[bytes]:
        if self.size > most:
            fail(self.name, f"{self.size:,} bytes are too many; {most:,} are the most")
        return self._guarded(self._open)

    def _guarded(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except ZIP_TROUBLE as error:
            raise BadFile(f"{self.name} cannot be read: {_why(error)}. Nothing was imported.") from error

    def text(self) -> str:
        """The content as UTF-8 text. Raises BadFile."""
        data = self.read()
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            fail(f"{self.name}, line {data[: error.start].count(NEWLINE) + 1}", "this is no UTF-8 text")

    def json(self) -> Any:
        """The content as JSON. Raises BadFile."""
        data = self.read().removeprefix(b"\xef\xbb\xbf")
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError as error:
            fail(f"{self.name}, line {error.lineno}, column {error.colno}", f"this is no JSON: {error.msg}")


@contextmanager
def open_files(path: Path) -> Iterator[Sequence[LabelFile]]:
    """The files of labels at a path, in the order of their names; open as long as the block runs. Raises BadFile."""
    if path.is_dir():
        yield _in_folder(path)
        return
    try:
        size = path.stat().st_size
        packed = zipfile.is_zipfile(path)
    except OSError as error:
        raise BadFile(f"The file {path} cannot be read: {error.strerror}.") from error
    if not packed:
        yield [LabelFile(path.name, size, _opening(path))]
        return
    try:
        archive = zipfile.ZipFile(path)
    except ZIP_TROUBLE as error:
        raise BadFile(f"{path.name} is no zip that can be read: {_why(error)}. Nothing was imported.") from error
    with archive:
        yield _in_zip(archive, path.name)


def _in_folder(folder: Path) -> list[LabelFile]:
    found = sorted(one for one in folder.rglob("*") if one.is_file() and not one.is_symlink())
    return [LabelFile(one.relative_to(folder).as_posix(), one.stat().st_size, _opening(one)) for one in found]


def _opening(path: Path) -> Callable[[], IO[bytes]]:
    return lambda: path.open("rb")


def _in_zip(archive: zipfile.ZipFile, name: str) -> list[LabelFile]:
    infos = [info for info in archive.infolist() if not info.is_dir()]
    if len(infos) > MOST_FILES:
        fail(name, f"{len(infos):,} files are too many; {MOST_FILES:,} are the most")
    infos.sort(key=lambda info: info.filename)
    return [LabelFile(info.filename, info.file_size, partial(archive.open, info)) for info in infos]


def _why(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def with_ending(files: Sequence[LabelFile], *endings: str) -> list[LabelFile]:
    """Those whose name ends so, in any letter case; a manifest and macOS's own files in zips are passed over."""
    return [file for file in files if file.name.lower().endswith(endings) and not _is_litter(file.name)]


def _is_litter(name: str) -> bool:
    return name == MANIFEST or any(part.startswith(("._", "__MACOSX")) for part in name.split("/"))


def the_one(files: Sequence[LabelFile], ending: str) -> LabelFile:
    """The only file with this ending, or the only file there is. Raises BadFile."""
    found = list(files) if len(files) == 1 else with_ending(files, ending)
    if len(found) != 1:
        raise BadFile(f"There are {len(found)} files that end in {ending} where one is needed. Nothing was imported.")
    return found[0]
