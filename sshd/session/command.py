"""A session that runs one of Tagline's commands and ends."""

from __future__ import annotations

import asyncio
import logging
import shlex
from contextlib import suppress
from typing import TYPE_CHECKING

from sshd.session.keys import KeysSession
from tui.text import Cleaner, clean

if TYPE_CHECKING:
    from sshd.server import Connection

log = logging.getLogger("tagline.session")


class CommandSession(KeysSession):
    """What the command writes arrives whole, cleaned where a terminal shows it, with the command's exit status."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._cleaners = {False: Cleaner(), True: Cleaner()}

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
