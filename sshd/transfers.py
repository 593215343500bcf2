"""The session of an SFTP or scp client, and how a session that turns out to be one is handed over to it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import asyncssh
from asyncssh.constants import EXTENDED_DATA_STDERR
from asyncssh.scp import run_scp_server
from asyncssh.sftp import MIN_SFTP_VERSION, SFTPServerHandler
from asyncssh.stream import SSHReader, SSHServerStreamSession, SSHWriter

from core.errors import TaglineError
from sshd.sftp import Tree

if TYPE_CHECKING:
    from sshd.server import Connection

log = logging.getLogger("tagline.transfers")

SCP = "scp "


class _Handler(SFTPServerHandler):
    """asyncssh closes what is open when a connection ends, as if the client had; this one says first that it has not."""

    def __init__(self, tree: Tree, reader: SSHReader[bytes], writer: SSHWriter[bytes]) -> None:
        super().__init__(tree, reader, writer, MIN_SFTP_VERSION)
        self._tree = tree

    async def _cleanup(self, exc: Exception | None) -> None:
        self._tree.is_cut = True
        with suppress(Exception):  # the channel may be gone; scp takes the lack of a status for a failure
            self._tree.channel.exit(0 if exc is None else 1)
        await super()._cleanup(exc)


class _Sender(SSHReader[bytes]):
    """What a client of the old scp protocol sends. After a file's bytes comes one that says whether it could read them all.

    asyncssh closes the file before it reads that byte. A sender that could not read on has filled the file up with zeros.
    """

    _said = b""

    async def is_whole(self) -> bool:
        """Read what is said of the file that ends here; it is kept for asyncssh, which wants to read it too."""
        task = asyncio.current_task()
        if self.at_eof() or (task is not None and task.cancelling()):
            return False
        self._said = await super().read(1)
        return self._said == b"\0"

    async def read(self, n: int = -1) -> bytes:
        """What was kept, or the next bytes."""
        said, self._said = self._said, b""
        return said or await super().read(n)

    async def readline(self) -> bytes:
        """The next line; what was said of a file that was refused here is no part of it."""
        self._said = b""
        return await super().readline()


class TransferSession(SSHServerStreamSession[bytes]):
    """One SFTP session, or one scp command."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(None)
        self._connection = connection

    def session_started(self) -> None:
        """Begin."""
        assert self._conn is not None
        self._conn.create_task(self._serve())

    async def _serve(self) -> None:
        channel: Any = self._chan
        reader, writer = _Sender(self, channel), SSHWriter[bytes](self, channel)
        errors = SSHWriter[bytes](self, channel, EXTENDED_DATA_STDERR)
        try:
            with self._connection.turn() as front_end:
                account = await self._connection.account()
                tree = Tree(channel, front_end.db, account, front_end.held, front_end.limits)
                command = channel.get_command()
                if command is None:
                    await _Handler(tree, reader, writer).run()
                    return
                tree.is_whole = reader.is_whole
                running = run_scp_server(tree, command, reader, writer, errors)
                if running is not None:
                    await running
        except TaglineError as error:
            errors.write(f"{error}\n".encode())
            channel.exit(1)
        except Exception:
            log.exception("transfer of %s failed", self._connection.user_name)
            channel.exit(1)


def is_transfer(command: str) -> bool:
    """True for the command that an scp client asks for."""
    return command.startswith(SCP)


def hand_over(channel: asyncssh.SSHServerChannel[bytes], connection: Connection) -> bool:
    """From here on the channel's session is a transfer; what a client wants is known only after its session was made."""
    session = TransferSession(connection)
    session.connection_made(channel)
    channel._session = session
    return True
