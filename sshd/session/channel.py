"""The channel of one SSH session: what the client asks for before anything runs, and how fast it takes what is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import asyncssh

from sshd.driver import SSHDriver
from sshd.output import Output
from sshd.terminal import Probe
from sshd.transfers import hand_over, is_transfer
from tui.picture.stage import Stage
from tui.terminal import Terminal

if TYPE_CHECKING:
    from sshd.server import Connection
    from tui.hosted import HostedApp


class ChannelSession(asyncssh.SSHServerSession[bytes]):
    """A session that has begun or is about to; a subclass runs what was asked for."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None
        self._probe = Probe(Terminal())
        self._writable = asyncio.Event()
        self._writable.set()
        self._has_pty = False
        self._command: str | None = None
        self._task: asyncio.Task[None] | None = None
        self.lost = False
        self.driver: SSHDriver | None = None
        self.app: HostedApp | None = None
        self.output: Output
        self.stage: Stage

    @property
    def terminal(self) -> Terminal:
        """What this session's terminal can do, as far as it is known."""
        return self._probe.terminal

    # What a subclass does.

    def _run_app(self) -> Coroutine[Any, Any, None]:
        """Show the app until it ends, then give the terminal back."""
        raise NotImplementedError

    def _run_command(self) -> Coroutine[Any, Any, None]:
        """Run the command that the client named."""
        raise NotImplementedError

    def _stalled(self, why: str) -> None:
        """The client has taken nothing for too long."""
        raise NotImplementedError

    # Requests that open the session.

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        """The channel is there."""
        self._channel = chan

    def pty_requested(self, term_type: str, term_size: tuple[int, int, int, int], term_modes: Any) -> bool:
        """Learn the terminal's name and size."""
        self.terminal.term = term_type
        self._probe.set_cells(term_size[0], term_size[1])
        self._probe.set_pixels(term_size[2], term_size[3])
        self._has_pty = True
        return True

    def shell_requested(self) -> bool:
        """Take a session for the app; why it cannot run is said once the session has started."""
        return True

    def exec_requested(self, command: str) -> bool:
        """Take one of Tagline's own commands, or scp."""
        if is_transfer(command):
            return self._hand_over()
        self._command = command
        return True

    def subsystem_requested(self, subsystem: str) -> bool:
        """Take SFTP, the only subsystem."""
        return subsystem == "sftp" and self._hand_over()

    def _hand_over(self) -> bool:
        assert self._channel is not None
        return hand_over(self._channel, self._connection)

    def session_started(self) -> None:
        """Begin."""
        assert self._channel is not None
        environment = self._channel.get_environment()
        self.terminal.env = {str(name): str(value)[:256] for name, value in environment.items()}
        self.output = Output(self._channel, self._connection.socket_backlog)
        self.output.on_stall = self._stalled
        work = self._run_command() if self._command is not None else self._run_app()
        self._task = asyncio.get_running_loop().create_task(work)

    # What the client takes.

    def pause_writing(self) -> None:
        """The channel is full."""
        self._writable.clear()
        self.output.check()

    def resume_writing(self) -> None:
        """The channel drained."""
        self._writable.set()
        self.output.check()

    def break_received(self, msec: int) -> bool:
        """Ignore a serial break."""
        return True
