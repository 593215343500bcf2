"""One SSH session: probes the terminal and runs the app on it, or runs one command. A crash ends this session only."""

from __future__ import annotations

import asyncio
import logging
import shlex
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import asyncssh
from rich.color import ColorSystem
from textual import messages

from core.errors import TaglineError
from sshd.driver import SSHDriver, restore_sequence
from sshd.output import Output
from sshd.terminal import DUMB_TERMS, HOLD_S, NO_PROBE_TERMS, PROBE, Probe, ReplyFilter
from sshd.transfers import hand_over, is_transfer
from tui.picture.stage import Stage
from tui.terminal import Terminal
from tui.text import Cleaner, clean

if TYPE_CHECKING:
    from sshd.server import Connection
    from tui.hosted import HostedApp

log = logging.getLogger("tagline.session")

PROBE_TIMEOUT_S = 1.0
TYPE_AHEAD_BYTES = 4096
SLICE_BYTES = 256
QUEUE_MESSAGES = 64
END_TIMEOUT_S = 15.0
CRASHED = "\r\nTagline stopped this session because of an error. Your work was saved; connect again to go on.\r\n"
NO_PTY = "Tagline needs a terminal: connect with `ssh -t`, or name a command such as `project list`.\n"
DUMB = "This terminal (TERM={}) cannot show Tagline. Use a terminal that can move its cursor, or name a command.\n"


class AppSession(asyncssh.SSHServerSession[bytes]):
    """The channel of one interactive session or command."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None
        self._probe = Probe(Terminal())
        self._filter = ReplyFilter()
        self._probed = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._has_pty = False
        self._command: str | None = None
        self._typed_ahead = b""
        self._pending = b""
        self._reading_paused = False
        self._hold: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._restored = False
        self._farewell = ""
        self._no_more_input = False
        self._cleaners = {False: Cleaner(), True: Cleaner()}
        self.keyboard_pushed = False
        self.lost = False
        self.driver: SSHDriver | None = None
        self.app: HostedApp | None = None
        self.output: Output
        self.stage: Stage

    @property
    def terminal(self) -> Terminal:
        """What this session's terminal can do, as far as it is known."""
        return self._probe.terminal

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

    # Bytes in.

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """Sort answers from keys, and pass keys on at the pace of the app."""
        keys, replies = self._filter.feed(data)
        for reply in replies:
            was_complete, cell_wh_px = self._probe.complete, self.terminal.cell_wh_px
            self._probe.take(reply)
            if self.driver is not None and self.terminal.cell_wh_px != cell_wh_px:
                self.stage.resized()
                self.driver.resized()
            if reply.name == "status" and was_complete:
                self.output.acknowledged()
            if self._probe.complete and not was_complete:
                self._probed.set()
                self._learn_late()
        if self._hold:
            self._hold.cancel()
            self._hold = None
        if self._filter.holding:
            self._hold = asyncio.get_running_loop().call_later(HOLD_S, self._release_held)
        if keys:
            self._take_keys(keys)

    def _learn_late(self) -> None:
        """A terminal on a slow link has answered after the app began: from now on pictures are sent its best way."""
        if self.driver is None or self.app is None:
            return
        self._probe.finish()
        self.output.acks = self.terminal.acks
        self.stage.resized()
        if self.terminal.sync_updates:
            self.app.post_message(messages.TerminalSupportsSynchronizedOutput())
        self.app.terminal_learned()
        self.driver.resized()

    def _release_held(self) -> None:
        self._hold = None
        self._take_keys(self._filter.give_up())

    def _take_keys(self, keys: bytes) -> None:
        if self.driver is None:
            self._typed_ahead = (self._typed_ahead + keys)[:TYPE_AHEAD_BYTES]
            return
        self._pending += keys
        if not self._reading_paused:
            self._feed_slice()

    def _feed_slice(self) -> None:
        """Feed the app a little at a time; a flood of keys must neither fill its queue nor hold the loop."""
        driver, loop = self.driver, asyncio.get_running_loop()
        if driver is None or self.lost or self._channel is None:
            self._pending = b""
            return
        if driver.input_backlog <= QUEUE_MESSAGES:
            keys, self._pending = self._pending[:SLICE_BYTES], self._pending[SLICE_BYTES:]
            driver.feed(keys)
        if self._pending:
            if not self._reading_paused:
                self._reading_paused = True
                self._channel.pause_reading()
            loop.call_later(0.004, self._feed_slice)
        elif self._reading_paused:
            self._reading_paused = False
            self._channel.resume_reading()

    def replay_typed_ahead(self) -> None:
        """Give the app the keys that were typed while it started."""
        keys, self._typed_ahead = self._typed_ahead, b""
        if keys:
            asyncio.get_running_loop().call_later(0.05, self._take_keys, keys)

    def eof_received(self) -> bool:
        """The client sends no more: an interactive session is over. The channel stays open for what is still to say."""
        if self._command is None:
            self._no_more_input = True
            self.request_exit()
        return True

    # Signals from the connection.

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        """The window changed; the font may have, too, so the cell size is asked again."""
        self._probe.set_cells(width, height)
        self._probe.set_pixels(pixwidth, pixheight)
        if self.driver:
            if self._probe.cell_asked:
                self.output.write(b"\x1b[16t")
            self.stage.resized()
            self.driver.resized()

    def pause_writing(self) -> None:
        """The channel is full."""
        self._writable.clear()
        self.output.check()

    def resume_writing(self) -> None:
        """The channel drained."""
        self._writable.set()
        self.output.check()

    def signal_received(self, signal: str) -> None:
        """Any signal asks the app to leave."""
        self.request_exit()

    def break_received(self, msec: int) -> bool:
        """Ignore a serial break."""
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The user's terminal is gone: keep the work, then end."""
        self.lost = True
        self._probed.set()
        if hasattr(self, "output"):
            self.output.closed = True
        if self.app is not None:
            self.request_exit()
        elif self._task is not None and self._command is not None:
            self._task.cancel()
        if self._task is not None and not self._task.done():
            asyncio.get_running_loop().call_later(END_TIMEOUT_S, self._task.cancel)

    def request_exit(self) -> None:
        """Ask the app to end as if the user had left."""
        if self.app is not None:
            self.app._exit = True
            self.app.post_message(messages.ExitApp())

    def dismiss(self, farewell: str) -> None:
        """Ask the app to end, and tell the user why once the terminal is hers again."""
        self._farewell = farewell
        self.request_exit()

    def _stalled(self, why: str) -> None:
        log.warning("session of %s closed: %s", self._connection.user_name, why)
        self._connection.abort()

    def repaint(self) -> None:
        """Compose the whole screen once more, after frames were held back or lost."""
        if self.app is not None and self.app.screen_stack:
            self.app.screen.refresh()

    def restore_once(self) -> str:
        """The sequences that give the terminal back; empty after the first time."""
        if self._restored:
            return ""
        self._restored = True
        return restore_sequence(self.terminal, keyboard_pushed=self.keyboard_pushed)

    # Life.

    async def _run_app(self) -> None:
        assert self._channel is not None
        if reason := self._unfit():
            self._refuse(reason)
            return
        status = 1
        self._connection.opened(self)
        try:
            await self._ask_terminal()
            status = 0 if self.lost or self._no_more_input else await self._run_textual()
        except asyncio.CancelledError:
            log.info("session of %s cancelled", self._connection.user_name)
        except TaglineError as error:
            log.warning("session of %s: %s", self._connection.user_name, error)
            self._farewell = clean(str(error))
        except Exception:
            log.exception("session of %s failed", self._connection.user_name)
            self._connection.crashed()
        finally:
            await self._leave(status)

    def _refuse(self, reason: str) -> None:
        """End before the app has begun, in plain words."""
        assert self._channel is not None
        with suppress(BrokenPipeError):
            reason = clean(reason, lines=True)
            self._channel.write_stderr((reason.replace("\n", "\r\n") if self._has_pty else reason).encode())
            self._channel.exit(1)

    def _unfit(self) -> str | None:
        if not self._has_pty:
            return NO_PTY
        if self.terminal.term in DUMB_TERMS:
            return DUMB.format(self.terminal.term or "unset")
        return self._connection.refusal()

    async def _ask_terminal(self) -> None:
        if self.terminal.term not in NO_PROBE_TERMS:
            self.output.write(PROBE)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._probed.wait(), PROBE_TIMEOUT_S)
        self._probe.finish()
        self.output.acks = self.terminal.acks

    async def _run_textual(self) -> int:
        self.stage = Stage(self.terminal)
        app = self.app = await self._connection.make_app(self.terminal, self.stage)
        app.driver_class = partial(SSHDriver, session=self)  # type: ignore[assignment]
        app.console._color_system = ColorSystem.TRUECOLOR
        await app.run_async(mouse=True, size=self.terminal.size_cells)
        return app.return_code or 0

    async def _leave(self, status: int) -> None:
        self.app = self.driver = None
        if self._channel is not None and not self.lost:
            farewell = f"\r\n{self._farewell}\r\n" if self._farewell else CRASHED if status else ""
            with suppress(Exception):
                self._channel.write(self.restore_once().encode() + farewell.encode())
                self._channel.exit(min(status, 255))
        self._connection.closed(self)

    async def _run_command(self) -> None:
        assert self._channel is not None
        assert self._command is not None
        status = 1
        try:
            argv = shlex.split(self._command)
            status = await self._connection.run_command(argv, self._write_stdout, self._write_stderr)
        except ValueError as error:
            self._channel.write_stderr(f"The command cannot be read: {clean(str(error))}.\n".encode())
        except asyncio.CancelledError:
            log.info("command of %s cut off", self._connection.user_name)
        except Exception:
            log.exception("command of %s failed", self._connection.user_name)
            self._channel.write_stderr(b"The command failed inside Tagline; the server's log says why.\n")
        finally:
            with suppress(Exception):
                self._channel.exit(status)

    async def _write_stdout(self, data: bytes) -> None:
        await self._write_paced(data, error=False)

    async def _write_stderr(self, data: bytes) -> None:
        await self._write_paced(data, error=True)

    async def _write_paced(self, data: bytes, *, error: bool) -> None:
        """Send command output no faster than the client takes it; a terminal gets no control characters of data's."""
        await self._writable.wait()
        assert self._channel is not None
        if self._has_pty or error:
            data = self._cleaners[error].clean(data)
        if self._has_pty:
            data = data.replace(b"\n", b"\r\n")
        (self._channel.write_stderr if error else self._channel.write)(data)
