"""A server as operators start it, a project of real photos, and labelers who type over real SSH and read their screens."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh
import psutil
import pyghostty

from core.db.database import Database
from core.ids import ProjectId, Role, TaskType
from core.intake.ingest import import_files
from core.project import projects
from core.project.projects import NewProject
from core.team import people
from core.team.people import KeyLine
from sshd.demo import PHOTOS
from storage import open_store
from tests.ssh.client import APPLE, Profile

LABELS = ("one", "two", "three", "four", "five")
PROJECT = "Team"
START_S = 60.0
WAIT_S = 30.0


class Gone(Exception):
    """The connection ended."""


@dataclass
class Team:
    """A project and the private keys of the people who label it."""

    db: Database
    project: ProjectId
    keys: dict[str, asyncssh.SSHKey]


async def make_team(
    db: Database, folder: Path, *, labelers: int, items: int, lease_s: int = 900, photos: Path = PHOTOS / "signs"
) -> Team:
    """A running multi-class project of so many photos (the demo's, linked under many names), and its labelers."""
    store = open_store(f"local:{link_photos(folder, items, photos)}")
    new = NewProject(PROJECT, TaskType.MULTI_CLASS, store.url, LABELS, seed=7, lease_s=lease_s)
    project = await db.write(projects.create_project, new, by=None, now_ms=0)
    await import_files(db, project.id, store, by=None, now_ms=lambda: 0)
    keys: dict[str, asyncssh.SSHKey] = {}
    for n in range(labelers):
        key = keys[f"labeler{n}"] = asyncssh.generate_private_key("ssh-ed25519")
        line = KeyLine(key.get_fingerprint(), key.export_public_key().decode().strip())
        account = await db.write(people.add_account, f"labeler{n}", Role.LABELER, keys=[line], by=None, now_ms=0)
        await db.write(people.add_member, project.id, account.id, Role.LABELER, by=None, now_ms=0)
        await db.write(people.remember, project.id, account, instructions_seen_ms=1)
    return Team(db, project.id, keys)


def link_photos(folder: Path, items: int, photos: Path) -> Path:
    """A folder with so many files, each a link to, or else a copy of, one of the photos."""
    found, target = sorted(photos.rglob("*.jpg")), folder / "photos"
    target.mkdir()
    for n in range(items):
        photo = found[n % len(found)]
        try:
            os.link(photo, target / f"{n:05}.jpg")
        except OSError:
            (target / f"{n:05}.jpg").write_bytes(photo.read_bytes())
    return target


def free_port() -> int:
    """A port of the loopback address that nothing listens on."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


class Server:
    """A running `tagline serve`."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self.port = process, port

    def front_ends(self) -> list[psutil.Process]:
        """The processes that labelers talk to."""
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if "sshd.front_end" in " ".join(_cmdline(child))]

    def kill_one(self, choose: Callable[[list[psutil.Process]], psutil.Process]) -> bool:
        """`kill -9` of a front end; False while none is there."""
        alive = self.front_ends()
        if alive:
            choose(alive).kill()
        return bool(alive)


def _cmdline(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


@asynccontextmanager
async def served(data_dir: Path, database_url: str, front_ends: int) -> AsyncIterator[Server]:
    """`tagline serve` on a free port of loopback, ended gently."""
    port = free_port()
    command = [sys.executable, "-m", "sshd", "--data", str(data_dir), "serve", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--front-ends", str(front_ends)]
    env = {**os.environ, "TAGLINE_DATABASE_URL": database_url, "TAGLINE_LOG_LEVEL": "ERROR"}
    with (data_dir / "server.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - it starts at once
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=env
        )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), START_S)
        if b"listens" not in line:
            raise RuntimeError((data_dir / "server.log").read_text()[-2000:])
        yield Server(process, port)
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait, 60)


class Typist(asyncssh.SSHClientSession[bytes]):
    """A person at a terminal: answers what the server asks it, shows what it sends."""

    def __init__(self, size_cells: tuple[int, int], profile: Profile) -> None:
        self.screen = pyghostty.Terminal(*size_cells)
        self.profile = profile
        self.received = 0
        self.is_gone = False
        self.changed = asyncio.Event()
        self._asked = b""

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """The channel is there."""
        self.channel = chan

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """Show it; answer questions in it, acknowledgements among them."""
        self.received += len(data)
        self.screen.feed(data)
        self._asked = self._asked[-64:] + data
        found = sorted(
            (match.end(), answer) for question, answer in self.profile for match in re.finditer(question, self._asked)
        )
        for _, answer in found:
            self.send(answer)
        if found:
            self._asked = self._asked[found[-1][0] :]
        self.changed.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cut off, or ended."""
        self.is_gone = True
        self.changed.set()

    def send(self, data: bytes) -> None:
        """Type."""
        if not self.is_gone:
            self.channel.write(data)

    def text(self) -> str:
        """What is on the screen."""
        return str(self.screen.text())

    async def until(self, fact: Callable[[str], Any], timeout_s: float = WAIT_S) -> Any:
        """Wait until a fact about the screen's text is there; returns it. Raises Gone, TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while not (found := fact(self.text())):
                if self.is_gone:
                    raise Gone
                self.changed.clear()
                await self.changed.wait()
        return found


@asynccontextmanager
async def connected(
    port: int,
    user: str,
    key: asyncssh.SSHKey,
    *,
    size_cells: tuple[int, int] = (80, 24),
    profile: Profile = APPLE,
    pixels: tuple[int, int] = (0, 0),
    host: str = "127.0.0.1",
) -> AsyncIterator[tuple[Typist, asyncssh.SSHClientConnection]]:
    """A session of the app; raises Gone when it cannot be had now."""
    try:
        connection = await asyncssh.connect(
            host,
            port,
            username=user,
            client_keys=[key],
            known_hosts=None,
            agent_path=None,
            config=None,
            login_timeout=30,
            compression_algs=["none"],
        )
    except (OSError, asyncssh.Error) as error:
        raise Gone from error
    try:
        _, typist = await connection.create_session(
            lambda: Typist(size_cells, profile),
            term_type="xterm-256color",
            term_size=(*size_cells, *pixels),
            encoding=None,
        )
        yield typist, connection
    except TimeoutError:  # an OSError, but not one of the connection
        raise
    except (OSError, asyncssh.Error) as error:
        raise Gone from error
    finally:
        connection.abort()
