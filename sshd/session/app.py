"""A session that shows the app, from the first question to the terminal until it is given back. A crash ends this one only."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from rich.color import ColorSystem
from textual import messages

from core.errors import TaglineError
from sshd.driver import SSHDriver, restore_sequence
from sshd.session.command import CommandSession
from sshd.terminal import DUMB_TERMS
from tui.picture.stage import Stage
from tui.text import clean

if TYPE_CHECKING:
    from sshd.server import Connection

log = logging.getLogger("tagline.session")

END_TIMEOUT_S = 15.0
CRASHED = "\r\nTagline stopped this session because of an error. Your work was saved; connect again to go on.\r\n"
NO_PTY = "Tagline needs a terminal: connect with `ssh -t`, or name a command such as `project list`.\n"
DUMB = "This terminal (TERM={}) cannot show Tagline. Use a terminal that can move its cursor, or name a command.\n"


class AppSession(CommandSession):
    """The channel of one interactive session or command."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._restored = False
        self._farewell = ""
        self._no_more_input = False
        self.keyboard_pushed = False

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

    def _unfit(self) -> str | None:
        if not self._has_pty:
            return NO_PTY
        if self.terminal.term in DUMB_TERMS:
            return DUMB.format(self.terminal.term or "unset")
        return self._connection.refusal()

    def _refuse(self, reason: str) -> None:
        """End before the app has begun, in plain words."""
        assert self._channel is not None
        with suppress(BrokenPipeError):
            reason = clean(reason, lines=True)
            self._channel.write_stderr((reason.replace("\n", "\r\n") if self._has_pty else reason).encode())
            self._channel.exit(1)

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

    # What the driver asks for.

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

    # The end.

    def request_exit(self) -> None:
        """Ask the app to end as if the user had left."""
        if self.app is not None:
            self.app._exit = True
            self.app.post_message(messages.ExitApp())

    def dismiss(self, farewell: str) -> None:
        """Ask the app to end, and tell the user why once the terminal is hers again."""
        self._farewell = farewell
        self.request_exit()

    def eof_received(self) -> bool:
        """The client sends no more: an interactive session is over. The channel stays open for what is still to say."""
        if self._command is None:
            self._no_more_input = True
            self.request_exit()
        return True

    def signal_received(self, signal: str) -> None:
        """Any signal asks the app to leave."""
        self.request_exit()

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

    def _stalled(self, why: str) -> None:
        log.warning("session of %s closed: %s", self._connection.user_name, why)
        self._connection.abort()
