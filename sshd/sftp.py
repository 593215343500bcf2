"""SFTP and scp: a folder a project, into which its admins put images and files of labels.

The tree is made up: names are looked up as projects, never as paths of the server, so that there is nothing to climb out of.
See `sshd.transfers` for how a session becomes one of these. What a client sends becomes a file of the datastore once the client has closed it; a connection that breaks closes nothing.
"""

from __future__ import annotations

import logging
import posixpath
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, NoReturn

import asyncssh
from asyncssh.constants import FILEXFER_TYPE_DIRECTORY, FILEXFER_TYPE_REGULAR, FXF_WRITE
from asyncssh.sftp import SFTPAttrs, SFTPName, SFTPServer

from core.db.database import Database
from core.errors import TaglineError
from core.project import projects
from core.roles import Action, allowed
from core.team.people import Account
from sshd.incoming import Incoming, Part, open_incoming
from sshd.limits import Limits
from storage.base import StorageError
from storage.waiting import waited
from tui.text import clean

log = logging.getLogger("tagline.sftp")

PARTIAL = (".part", ".filepart", ".tmp")
WRITE_ONLY = "Files come in here; labels go out by `ssh … export PROJECT`."


class Tree(SFTPServer):
    """What one connection sees and may send."""

    def __init__(self, channel: Any, db: Database, account: Account, held: Path, limits: Limits) -> None:
        super().__init__(channel)
        self._db, self._account, self._held, self._limits = db, account, held, limits
        self._incoming: dict[str, Incoming] = {}
        self._folders: set[str] = set()
        self._waiting: dict[str, Part] = {}
        self.is_cut = False
        self.is_whole: Callable[[], Awaitable[bool]] = _always

    # Where things are.

    @staticmethod
    def _split(path: bytes) -> tuple[str, str]:
        """The project's name and the file's below it; either may be empty."""
        try:
            full = posixpath.normpath("/" + path.decode().lstrip("/"))
        except UnicodeDecodeError:
            raise asyncssh.SFTPNoSuchFile("Names are UTF-8 here") from None
        project, _, name = full.lstrip("/").partition("/")
        return project, name

    async def _project(self, name: str) -> Incoming:
        try:
            if name not in self._incoming:
                found = await open_incoming(self._db, self._account, name, self._held, self._limits)
                self._incoming[name] = found
            return self._incoming[name]
        except (TaglineError, StorageError) as error:
            self._refuse(error)

    def _refuse(self, error: Exception) -> NoReturn:
        """Say why on the side, where OpenSSH's clients show it; what they make of a refusal itself is one word."""
        self.channel.write_stderr(f"{clean(str(error))}\r\n".encode())
        raise asyncssh.SFTPPermissionDenied(str(error)) from None

    async def stat(self, path: bytes) -> SFTPAttrs:
        """A folder for the root, for projects, and for folders in them that hold something; else a file."""
        project, name = self._split(path)
        if not project:
            return _folder()
        incoming = await self._project(project)
        if not name or f"{project}/{name}" in self._folders:
            return _folder()
        waiting = self._waiting.get(f"{project}/{name}")
        if waiting is not None:
            return _file(waiting.bytes)
        for file in await self._listed(incoming):
            if file.path == name:
                return _file(file.bytes)
            if file.path.startswith(f"{name}/"):
                return _folder()
        raise asyncssh.SFTPNoSuchFile("There is no such file")

    async def lstat(self, path: bytes) -> SFTPAttrs:
        """The same: there are no links."""
        return await self.stat(path)

    async def _listed(self, incoming: Incoming) -> list[Any]:
        try:
            return list(await waited(incoming.list))
        except StorageError as error:
            self._refuse(error)

    async def scandir(self, path: bytes) -> AsyncIterator[SFTPName]:
        """Projects in the root; files and folders in a project."""
        for name in (b".", b".."):
            yield SFTPName(name, attrs=_folder())
        project, below = self._split(path)
        if not project:
            for one in await self._names():
                yield SFTPName(one.encode(), attrs=_folder())
            return
        seen: set[str] = set()
        before = f"{below}/" if below else ""
        for file in await self._listed(await self._project(project)):
            if file.path.startswith(before):
                name_, slash, _ = file.path[len(before) :].partition("/")
                if name_ not in seen:
                    seen.add(name_)
                    yield SFTPName(name_.encode(), attrs=_folder() if slash else _file(file.bytes))

    async def _names(self) -> list[str]:
        if not allowed(self._account.role, Action.IMPORT):
            return []
        found = await self._db.read(projects.list_projects, self._account)
        return [one.project.name for one in found if "/" not in one.project.name]

    def realpath(self, path: bytes) -> bytes:
        """The path without dots, from the root."""
        project, name = self._split(path)
        return f"/{project}/{name}".rstrip("/").encode() or b"/"

    # Files in.

    async def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> Part:
        """A place for a new file; nothing is read here."""
        if not pflags & FXF_WRITE:
            self._refuse(TaglineError(WRITE_ONLY))
        project, name = self._split(path)
        if not name:
            self._refuse(TaglineError("Choose a project's folder: files are sent to /PROJECT/."))
        incoming = await self._project(project)
        try:
            part = await incoming.begin(_whole_name(name))
        except (TaglineError, StorageError) as error:
            self._refuse(error)
        if (before := self._waiting.pop(f"{project}/{name}", None)) is not None:
            before.discard()
        self._waiting[f"{project}/{name}"] = part
        return part

    def _key(self, part: object) -> str | None:
        return next((key for key, one in self._waiting.items() if one is part), None)

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """Nothing is read here."""
        raise asyncssh.SFTPPermissionDenied(WRITE_ONLY)

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """One piece of a file."""
        assert isinstance(file_obj, Part)
        key = self._key(file_obj)
        if key is None:
            raise asyncssh.SFTPFailure("Nothing of this file was kept")
        try:
            self._incoming[key.partition("/")[0]].require_bytes(offset + len(data))
        except TaglineError as error:
            self._waiting.pop(key).discard()
            self._refuse(error)
        try:
            await file_obj.write(offset, data)
        except OSError as error:  # a client may close the file all the same
            self._waiting.pop(key).discard()
            log.error("a piece of %r could not be held: %s", key, error)
            self._refuse(TaglineError("The server cannot hold the file just now; nothing of it was kept."))
        return len(data)

    async def close(self, file_obj: object) -> None:
        """The client says that the file is whole; where the connection broke or its sender could not read it, it never was."""
        key = self._key(file_obj)
        if key is None:
            return
        if self.is_cut or not await self.is_whole():
            self._waiting.pop(key).discard()
        elif not key.endswith(PARTIAL):
            await self._finish(key)

    async def _finish(self, key: str) -> None:
        part = self._waiting.pop(key)
        project, _, part.name = key.partition("/")
        try:
            done = await self._incoming[project].finish(part)
        except (TaglineError, StorageError) as error:
            self._refuse(error)
        log.info("%s sent %r to %r: %s", self._account.name, part.name, project, done)

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Some clients send a file under another name and rename it once it is whole; nothing else is renamed."""
        old, new = "/".join(self._split(oldpath)), "/".join(self._split(newpath))
        if old not in self._waiting or old.partition("/")[0] != new.partition("/")[0]:
            self._refuse(TaglineError("Files that are here already keep their names."))
        self._waiting[new] = self._waiting.pop(old)
        if not new.endswith(PARTIAL):
            await self._finish(new)

    posix_rename = rename

    async def remove(self, path: bytes) -> None:
        """Only what is not whole yet can be taken back: images may have been labeled."""
        part = self._waiting.pop("/".join(self._split(path)), None)
        if part is None:
            self._refuse(TaglineError("Files that are here already are removed in the datastore, not here."))
        part.discard()

    async def mkdir(self, path: bytes, attrs: SFTPAttrs) -> None:
        """A folder is there once a file is in it; until then it is remembered."""
        project, name = self._split(path)
        await self._project(project)
        self._folders.add(f"{project}/{name}")

    def rmdir(self, path: bytes) -> None:
        """Forget a folder that nothing was put into."""
        self._folders.discard("/".join(self._split(path)))

    def setstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Times and permissions of the sender mean nothing here."""

    def lsetstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """The same."""

    def fsetstat(self, file_obj: object, attrs: SFTPAttrs) -> None:
        """The same."""

    def fsync(self, file_obj: object) -> None:
        """A file is on disk once it is closed."""

    def fstat(self, file_obj: object) -> SFTPAttrs:
        """How much there is of a file."""
        assert isinstance(file_obj, Part)
        return _file(file_obj.bytes)

    def readlink(self, path: bytes) -> bytes:
        """There are no links."""
        raise asyncssh.SFTPNoSuchFile("There are no links here")

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        """There are no links."""
        raise asyncssh.SFTPPermissionDenied("There are no links here")

    link = symlink

    def statvfs(self, path: bytes) -> Any:
        """Nothing is told of the server's disk."""
        raise asyncssh.SFTPOpUnsupported("How full the disk is, is not told")

    def fstatvfs(self, file_obj: object) -> Any:
        """The same."""
        raise asyncssh.SFTPOpUnsupported("How full the disk is, is not told")

    def exit(self) -> None:
        """Whatever was not whole is gone."""
        for part in self._waiting.values():
            part.discard()
        self._waiting.clear()


async def _always() -> bool:
    return True


def _whole_name(name: str) -> str:
    """The name that a file will have once it is whole."""
    for ending in PARTIAL:
        name = name.removesuffix(ending)
    return name


def _folder() -> SFTPAttrs:
    mode = stat.S_IFDIR | 0o700
    return SFTPAttrs(type=FILEXFER_TYPE_DIRECTORY, permissions=mode, size=0, uid=0, gid=0, atime=0, mtime=0)


def _file(size: int) -> SFTPAttrs:
    mode = stat.S_IFREG | 0o600
    return SFTPAttrs(type=FILEXFER_TYPE_REGULAR, permissions=mode, size=size, uid=0, gid=0, atime=0, mtime=0)
