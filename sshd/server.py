"""One front end: takes SSH connections, lets people in, and gives each session its app or command."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import gettempdir

import asyncssh

from core.db.database import Database
from core.errors import TaglineError
from core.team.passwords import verify
from core.team.people import Account, account_by_key, account_by_name, password_hash
from sshd.limits import Gate, Limits
from sshd.session.app import AppSession
from sshd.wire import Corked, corked
from tui.hosted import HostedApp
from tui.picture.stage import Stage
from tui.terminal import Terminal

log = logging.getLogger("tagline.server")

CHANNEL_WINDOW = 256 * 1024
# A counter that is not there before its first event hides that event from whoever watches for a rise.
COUNTED = (
    "connections", "connections_refused", "login_failures", "logins", "sessions_opened", "sessions_crashed", "commands"
)  # fmt: skip
# A hash of nothing that anybody knows: an unknown name takes as long to refuse as a wrong password.
DECOY = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$LVD3kl9pdlSHFcyqmxvO8CLnhwjLyIuHhYx2fIqCVxE"

Send = Callable[[bytes], Awaitable[None]]
RunCommand = Callable[[list[str], Account, Database, Send, Send], Awaitable[int]]
MakeApp = Callable[[Account, Terminal, Stage], HostedApp]


@dataclass
class FrontEnd:
    """What all connections of one process share."""

    db: Database
    make_app: MakeApp
    run_command: RunCommand
    limits: Limits = field(default_factory=Limits)
    held: Path = field(default_factory=lambda: Path(gettempdir()))
    sessions: dict[AppSession, str] = field(default_factory=dict)
    commands: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(COUNTED, 0)))
    draining: bool = False
    ended: int = 0
    left: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate = Gate(self.limits)
        # Each check of a password takes 64 MB and tens of ms of a core.
        self.verifiers = ThreadPoolExecutor(2, thread_name_prefix="argon2")

    def figures(self) -> dict[str, float]:
        """Counts since the start, and how many sessions there are now; what `metrics` tells of this process."""
        counted = {f"{name}_total": n for name, n in self.counts.items()}
        waiting = sum(self.gate.unauthenticated.values())
        return {"sessions": len(self.sessions), "connections_unauthenticated": waiting, **counted}

    def refusal(self, user: str) -> str | None:
        """Why no further session may start, or None."""
        if self.draining:
            return "Tagline is restarting; connect again in a moment.\n"
        if len(self.sessions) >= self.limits.sessions:
            return "This server has as many sessions as it takes; try again later.\n"
        if sum(name == user for name in self.sessions.values()) >= self.limits.sessions_per_user:
            return f"You have {self.limits.sessions_per_user} sessions open already; leave one first.\n"
        return None

    async def sweep(self) -> None:
        """Once a second: look at every session's output. Runs until cancelled."""
        while True:
            await asyncio.sleep(1)
            for session in list(self.sessions):
                session.output.sweep()

    def dismiss(self, user: str, farewell: str) -> None:
        """End one user's sessions, saying why; work in progress is kept."""
        for session, name in list(self.sessions.items()):
            if name == user:
                session.dismiss(farewell)

    async def drain(self, timeout_s: float) -> None:
        """End every session as if its user had left, and say why; work in progress is kept."""
        self.draining = True
        for session in list(self.sessions):
            session.dismiss("Tagline is restarting. Your work was saved; connect again to go on.")
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.sessions:
                    self.left.clear()
                    await self.left.wait()


class Connection(asyncssh.SSHServer):
    """One SSH connection: limits, login, sessions."""

    def __init__(self, front_end: FrontEnd) -> None:
        self._front_end = front_end
        self._address = "?"
        self._unsettled = False
        self._failures = 0
        self._account: Account | None = None
        self._connection: asyncssh.SSHServerConnection | None = None
        self._transport: Corked | None = None
        self.user_name = ""

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Refuse what is over the limits; take over the socket's backpressure, which asyncssh ignores."""
        self._connection = conn
        self._address = (conn.get_extra_info("peername") or ("?",))[0]
        self._front_end.counts["connections"] += 1
        if why := self._front_end.gate.admit(self._address):
            self._front_end.counts["connections_refused"] += 1
            log.warning("connection from %s refused: %s", self._address, why)
            conn.abort()
            return
        self._unsettled = True
        self._transport = corked(conn, self._socket_drained)

    def socket_backlog(self) -> int:
        """Bytes that wait for the socket."""
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def _socket_drained(self) -> None:
        for session in self._mine():
            session.output.check()

    def _mine(self) -> list[AppSession]:
        return [session for session in self._front_end.sessions if session._connection is self]

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone; its sessions hear of it by themselves."""
        self._settle()
        self._transport = None

    def _settle(self) -> None:
        if self._unsettled:
            self._unsettled = False
            self._front_end.gate.settled(self._address)

    def abort(self) -> None:
        """Cut the connection off."""
        if self._connection is not None:
            self._connection.abort()

    # Login.

    def begin_auth(self, username: str) -> bool:
        """Everybody proves who they are."""
        self.user_name = username
        return True

    def public_key_auth_supported(self) -> bool:
        """Keys log in."""
        return True

    def password_auth_supported(self) -> bool:
        """Passwords log in."""
        return True

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """True for a key of an enabled account of that name."""
        try:
            account = await self._front_end.db.read(account_by_key, username, key.get_fingerprint())
        except TaglineError as error:
            return self._unavailable(error)
        return self._judge(account is not None)

    async def validate_password(self, username: str, password: str) -> bool:
        """True for the password of an enabled account of that name."""
        if not self._front_end.gate.hears_passwords(self._address, username):
            log.warning("password of %s from %s refused unseen: too many were wrong", username, self._address)
            return self._judge(False)
        try:
            stored = await self._front_end.db.read(password_hash, username)
        except TaglineError as error:
            return self._unavailable(error)
        loop = asyncio.get_running_loop()
        matches = await loop.run_in_executor(self._front_end.verifiers, verify, stored or DECOY, password)
        if stored is None or not matches:
            self._front_end.gate.failed(self._address, username)
        return self._judge(stored is not None and matches)

    def _judge(self, ok: bool) -> bool:
        if not ok:
            self._front_end.counts["login_failures"] += 1
            self._failures += 1
            if self._failures >= self._front_end.limits.auth_failures and self._connection is not None:
                self._connection.disconnect(
                    asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "Too many authentication failures"
                )
        return ok

    def _unavailable(self, error: TaglineError) -> bool:
        log.error("login of %s: %s", self.user_name, error)
        if self._connection is not None:
            self._connection.disconnect(asyncssh.DISC_BY_APPLICATION, f"Tagline cannot let you in just now: {error}")
        return False

    def auth_completed(self) -> None:
        """Logged in: the name is proven from here on; until now it was only claimed, as keys are offered unsigned."""
        assert self._connection is not None
        self.user_name = self._connection.get_extra_info("username")
        self._front_end.counts["logins"] += 1
        self._settle()

    # Sessions.

    def session_requested(self) -> tuple[asyncssh.SSHServerChannel[bytes], AppSession]:
        """Open a channel that carries bytes as they are."""
        assert self._connection is not None
        channel = self._connection.create_server_channel(encoding=None, window=CHANNEL_WINDOW)
        return channel, AppSession(self)

    def refusal(self) -> str | None:
        """Why this user may not open another session, or None."""
        return self._front_end.refusal(self.user_name)

    def opened(self, session: AppSession) -> None:
        """A session shows its app."""
        self._front_end.sessions[session] = self.user_name
        self._front_end.counts["sessions_opened"] += 1

    def closed(self, session: AppSession) -> None:
        """A session ended."""
        self._front_end.sessions.pop(session, None)
        self._front_end.ended += 1
        self._front_end.left.set()

    def crashed(self) -> None:
        """A session ended by an error of ours."""
        self._front_end.counts["sessions_crashed"] += 1

    async def account(self) -> Account:
        """The account that logged in. Raises NotFound when it was removed meanwhile."""
        if self._account is None:
            self._account = await self._front_end.db.read(account_by_name, self.user_name)
        return self._account

    async def make_app(self, terminal: Terminal, stage: Stage) -> HostedApp:
        """The app for one session of this account."""
        return self._front_end.make_app(await self.account(), terminal, stage)

    async def run_command(self, argv: list[str], stdout: Send, stderr: Send) -> int:
        """Run one of Tagline's commands as this account; returns the exit status."""
        try:
            with self.turn() as front_end:
                return await front_end.run_command(argv, await self.account(), front_end.db, stdout, stderr)
        except TooMany as error:
            await stderr(f"{error}\n".encode())
            return 75

    @contextmanager
    def turn(self) -> Iterator[FrontEnd]:
        """One of the commands and transfers that a user may have at once. Raises TooMany."""
        front_end, name = self._front_end, self.user_name
        if front_end.draining or front_end.commands[name] >= front_end.limits.commands_per_user:
            raise TooMany("Tagline takes no more commands of yours just now; try again in a moment.")
        front_end.commands[name] += 1
        front_end.counts["commands"] += 1
        try:
            yield front_end
        finally:
            front_end.commands[name] -= 1


class TooMany(TaglineError):
    """The user has as many commands and transfers running as one may, or the server is going down."""
