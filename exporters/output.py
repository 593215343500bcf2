"""Where an export's files go: a folder or one zip. Every file is counted and hashed on its way."""

from __future__ import annotations

import hashlib
import io
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO

SUMS = "SHA256SUMS"
# The same bytes for the same labels: a zip entry carries no clock.
ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def safe_name(path: str) -> str:
    """A relative path that stays inside its folder on any system; the name is otherwise kept."""
    parts = ["_" if part in (".", "..") else part for part in path.replace("\\", "_").split("/") if part]
    return "/".join("".join(c if c.isprintable() and c != ":" else "_" for c in part) for part in parts) or "_"


class Counted(io.RawIOBase):
    """A binary file that counts and hashes what is written to it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.bytes, self._digest = file, 0, hashlib.sha256()

    def writable(self) -> bool:
        """It is for writing only."""
        return True

    def write(self, data: object) -> int:
        """Write all of `data`."""
        view = memoryview(data)  # type: ignore[arg-type]
        self._file.write(view)
        self._digest.update(view)
        self.bytes += view.nbytes
        return view.nbytes

    def tell(self) -> int:
        """How much has been written."""
        return self.bytes

    @property
    def sha256(self) -> str:
        """The hash of what was written so far."""
        return self._digest.hexdigest()


class Output(ABC):
    """Files by name, one open at a time; `files`, `bytes` and, of the last one, `sha256` are what was written."""

    def __init__(self) -> None:
        self.files = self.bytes = 0
        self.sha256 = ""
        self._sums: IO[bytes] = TemporaryFile()  # noqa: SIM115 - it lives as long as the export

    @abstractmethod
    def _open(self, name: str) -> AbstractContextManager[IO[bytes]]: ...

    @contextmanager
    def open(self, name: str) -> Iterator[Counted]:
        """A new file to write to; the caller's name is made safe."""
        name = safe_name(name)
        with self._open(name) as file:
            counted = Counted(file)
            yield counted
        self.files, self.bytes, self.sha256 = self.files + 1, self.bytes + counted.bytes, counted.sha256
        self._sums.write(f"{counted.sha256}  {name}\n".encode())

    def put(self, name: str, data: bytes) -> None:
        """Write one file whole."""
        with self.open(name) as file:
            file.write(data)

    def put_sums(self) -> None:
        """Write the hashes of all files so far, as `sha256sum -c` reads them."""
        self._sums.seek(0)
        with self.open(SUMS) as file:
            while piece := self._sums.read(1 << 20):
                file.write(piece)

    def close(self) -> None:
        """Finish."""
        self._sums.close()

    def __enter__(self) -> Output:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class FolderOutput(Output):
    """Files below a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._made: set[Path] = set()

    def _open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        path = self._folder / name
        if path.parent not in self._made:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(path.parent)
        return path.open("wb")


class ZipOutput(Output):
    """Files in one zip; large archives are fine (zip64)."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1)

    def _open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        info = zipfile.ZipInfo(name, ZIP_TIME)
        info.compress_type = zipfile.ZIP_STORED if name.lower().endswith((".jpg", ".jpeg", ".png")) else 8
        info.external_attr = 0o644 << 16
        return self._zip.open(info, "w", force_zip64=True)

    def close(self) -> None:
        """Write the directory of the zip."""
        self._zip.close()
        super().close()
