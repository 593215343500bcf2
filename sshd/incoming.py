"""Files on their way in, whether by SFTP, scp or `data import FILE`: held in a folder of the server until they are whole.

Only a whole file reaches the datastore, where it is written whole or not at all; what was cut off leaves nothing.
"""

from __future__ import annotations

import asyncio
import builtins
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from core.db.database import Database
from core.errors import BadInput
from core.intake.uploads import add_upload, open_uploads, refused_path, require_room, upload_folder
from core.project.projects import Project
from core.team.people import Account
from sshd.limits import Limits
from storage import open_store
from storage.base import NoSuchFile, Store, StoredFile
from storage.waiting import waited

MB = 1024 * 1024


@dataclass
class Part:
    """One file of which not everything may be there yet, in a file without a name: whatever ends us, it is gone."""

    name: str
    file: IO[bytes]
    bytes: int = 0
    writing: int = 0
    still: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self, offset: int, data: builtins.bytes) -> None:
        """Write a piece; pieces may come in any order."""
        self.writing += 1
        self.still.clear()
        try:
            await asyncio.to_thread(os.pwrite, self.file.fileno(), data, offset)
            self.bytes = max(self.bytes, offset + len(data))
        finally:
            self.writing -= 1
            if not self.writing:
                self.still.set()

    async def settle(self) -> None:
        """Wait for the pieces that are being written."""
        while self.writing:
            await self.still.wait()

    def content(self) -> builtins.bytes:
        """Everything that was written."""
        self.file.seek(0)
        return self.file.read()

    def discard(self) -> None:
        """Leave nothing of it."""
        self.file.close()


@dataclass
class Incoming:
    """One project's uploads, as one person may send them."""

    db: Database
    by: Account
    project: Project
    store: Store
    folder: str
    held: Path
    limits: Limits
    used: int = 0

    def path_of(self, name: str) -> str:
        """Where in the datastore a file of this name is kept."""
        return f"{self.folder}/{name}" if self.folder else name

    def list(self) -> list[StoredFile]:
        """What lies there, named below the folder. Raises StorageError."""
        before = f"{self.folder}/" if self.folder else ""
        try:
            files = self.store.list(f"{before}**")
            return [StoredFile(one.path.removeprefix(before), one.bytes, one.etag) for one in files]
        except NoSuchFile:
            return []

    async def begin(self, name: str) -> Part:
        """A place for a new file. Raises BadInput where the name is not taken or there is no room."""
        await self.require(name, 0)
        return await asyncio.to_thread(self._part, name)

    async def require(self, name: str, size: int) -> None:
        """Raises BadInput where a file of this name or size is not taken; Forbidden where the account may not any more."""
        if reason := refused_path(self.project.pattern, self.path_of(name)):
            raise BadInput(f"{name} was not taken: {reason}.")
        await self.db.read(open_uploads, self.by, self.project.name)
        await self.db.read(require_room, self.project)
        self.require_bytes(size)

    def _part(self, name: str) -> Part:
        self.held.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Part(name, TemporaryFile(dir=self.held))

    def require_bytes(self, size: int) -> None:
        """Raises BadInput where a file of this size is too large, or too much for the project."""
        if size > self.limits.upload_mb * MB:
            raise BadInput(f"A file may have {self.limits.upload_mb:,} MB; nothing of this one was kept.")
        if self.used + size > self.limits.uploads_project_mb * MB:
            raise BadInput(
                f"{self.project.name} may hold {self.limits.uploads_project_mb:,} MB of uploads, and that is used up; nothing of "
                "this file was kept."
            )

    async def finish(self, part: Part) -> str:
        """Take a whole file in; see `take`."""
        try:
            await part.settle()
            data = await asyncio.to_thread(part.content)
        finally:
            await asyncio.to_thread(part.discard)
        return await self.take(part.name, data)

    async def take(self, name: str, data: builtins.bytes) -> str:
        """Put a file into the datastore and make an item of it; says what was done, in a few words.

        Raises:
            BadInput: it is empty, or another file of that name is there; nothing was kept.
            StorageError: the datastore cannot take it; nothing was kept.
        """
        if not data:
            raise BadInput(f"{name} is empty; nothing was kept.")
        stored, is_new = await waited(lambda: self._put(name, data))
        self.used += stored.bytes if is_new else 0
        now_ms = time.time_ns() // 1_000_000
        item = await add_upload(self.db, self.by, self.project, self.store, stored, now_ms=now_ms)
        if item is not None and item.reason is not None:
            return f"unreadable: {item.reason}"
        return "added" if is_new else "there already"

    def _put(self, name: str, data: builtins.bytes) -> tuple[StoredFile, bool]:
        path = self.path_of(name)
        try:
            there = self.store.head(path)
        except NoSuchFile:
            return self.store.put(path, data), True
        if there.bytes != len(data) or self.store.get(path) != data:
            raise BadInput(
                f"{self.project.name} has another file of the name {name!r}; send this one under another name."
            )
        return there, False


async def open_incoming(db: Database, by: Account, name: str, held: Path, limits: Limits) -> Incoming:
    """The uploads of the project of that name. Raises NotFound, Forbidden, BadInput, StorageError."""
    project = await db.read(open_uploads, by, name)
    folder = upload_folder(project.pattern)
    store = await waited(lambda: open_store(project.datastore))
    incoming = Incoming(db, by, project, store, folder, held, limits)
    incoming.used = await waited(lambda: _used(incoming))
    return incoming


def _used(incoming: Incoming) -> int:
    try:
        return sum(file.bytes for file in incoming.list()) if incoming.folder else 0
    except OSError:
        return 0
