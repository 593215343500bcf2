"""A server for tests: a real database with a few users, one front end in this process, keys made by ssh-keygen."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import asyncssh

from core.db.database import Database, open_database
from core.db.schema import migrate
from core.ids import Role
from core.team.passwords import hash_password
from core.team.people import Account, KeyLine, add_account
from sshd import hardening
from sshd.host_key import ensure_host_key
from sshd.limits import Limits
from sshd.options import server_options
from sshd.server import FrontEnd, MakeApp, Send
from tests.ssh.client import Login, until
from tests.ssh.small_app import SmallApp, make_small_app

PASSWORD = "correct horse battery"
USERS = ("alice", "bob", "carol")
NOW_MS = 1_700_000_000_000


@dataclass
class House:
    """The running server and the way in."""

    front_end: FrontEnd
    login: Login
    db: Database

    async def until_empty(self) -> None:
        """Wait until no session is left."""
        await until(lambda: not self.front_end.sessions)


async def say(argv: list[str], account: Account, _db: Database, stdout: Send, stderr: Send) -> int:
    """A command for tests: `big` writes 20 MB, everything else is told back."""
    if argv[:1] == ["big"]:
        for _ in range(200):
            await stdout(b"x" * 100_000)
        return 0
    if argv[:1] == ["break"]:
        raise RuntimeError("a secret in a traceback")
    await stdout(f"{account.name} {account.role.value} {argv}\n".encode())
    await stderr(b"to stderr\n")
    return 3


def make_key(path: Path) -> Path:
    """An ed25519 key pair without a passphrase."""
    if not path.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


def key_line(path: Path) -> KeyLine:
    """The public half, as the database keeps it."""
    key = asyncssh.read_public_key(f"{path}.pub")
    return KeyLine(key.get_fingerprint(), key.export_public_key().decode().strip())


async def add_users(db: Database, folder: Path) -> None:
    """alice, bob and carol; each has a key of that name in the folder, alice also a password."""
    for name in USERS:
        hashed = hash_password(PASSWORD) if name == "alice" else None
        role = Role.ADMIN if name == "alice" else Role.LABELER
        keys = [key_line(make_key(folder / name))]
        await db.write(add_account, name, role, password_hash=hashed, keys=keys, by=None, now_ms=NOW_MS)


@asynccontextmanager
async def open_house(
    folder: Path, *, limits: Limits | None = None, make_app: MakeApp = make_small_app
) -> AsyncIterator[House]:
    """A front end on a free port of this machine; it drains at the end."""
    hardening.patch_textual()
    url = f"sqlite:///{folder / 'tagline.db'}"
    await migrate(url)
    db = await open_database(url)
    await add_users(db, folder)
    ensure_host_key(folder / "host_key")
    front_end = FrontEnd(db, make_app, say, limits or Limits())
    listener = await asyncssh.listen("127.0.0.1", 0, options=server_options(front_end, folder / "host_key"))
    sweeper = asyncio.create_task(front_end.sweep())
    try:
        yield House(front_end, Login(listener.get_port(), folder / "alice", folder / "known_hosts"), db)
    finally:
        listener.close()
        await front_end.drain(5)
        sweeper.cancel()
        await asyncio.sleep(0.05)
        await db.close()


def in_house(folder: Path, story: Callable[[House], Awaitable[None]], limits: Limits | None = None) -> None:
    """Run one story against a fresh server, bounded in time."""

    async def live() -> None:
        async with asyncio.timeout(100), open_house(folder, limits=limits) as house:
            await story(house)

    asyncio.run(live())


def app_of(house: House, user: str) -> SmallApp:
    """The app that this user is shown."""
    app = next(session.app for session, name in house.front_end.sessions.items() if name == user)
    assert isinstance(app, SmallApp)
    return app


def as_bob(house: House) -> House:
    """The same house with bob's key in hand."""
    return replace(house, login=replace(house.login, key=house.login.key.with_name("bob")))
