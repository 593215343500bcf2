"""What a connection writes to its socket: one piece a turn, no filler, and who waits for room hears of it, under the real asyncssh."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncssh
from asyncssh.constants import MSG_CHANNEL_DATA, MSG_IGNORE, MSG_NEWKEYS

from sshd.wire import Corked, corked
from tests.ssh.client import until

SENT_BYTES = 32 * 1024 * 1024


class Transport:
    """Keeps what the socket was given."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        """Take bytes."""
        self.sent.append(data)

    def get_write_buffer_size(self) -> int:
        """Nothing waits."""
        return 0

    def set_write_buffer_limits(self, high: int) -> None:
        """It has none."""

    def is_closing(self) -> bool:
        """True once closed."""
        return self.is_closed

    def close(self) -> None:
        """Close."""
        self.is_closed = True


class Packets:
    """As much of a connection of asyncssh as a packet passes through."""

    def __init__(self) -> None:
        self._transport: Any = Transport()

    def get_extra_info(self, _name: str) -> None:
        """No socket is below it."""

    def send_packet(self, kind: int, *args: bytes, handler: object = None) -> None:
        """As asyncssh does: an empty packet, then the one that was meant."""
        if kind != MSG_IGNORE:
            self.send_packet(MSG_IGNORE, b"")
        self._transport.write(bytes([kind]) + b"".join(args))


def test_one_turn_of_the_loop_is_one_write_to_the_socket_without_filler() -> None:
    """What a key brings about leaves together, in order, and is counted as waiting until then."""

    async def act() -> None:
        conn, taken = Packets(), []
        below = conn._transport
        transport = corked(cast("asyncssh.SSHServerConnection", conn), lambda: taken.append("all"))
        assert transport is not None
        conn.send_packet(MSG_CHANNEL_DATA, b"one")
        conn.send_packet(MSG_CHANNEL_DATA, b"two")
        assert below.sent == []
        assert transport.get_write_buffer_size() == 8
        await asyncio.sleep(0)
        assert below.sent == [b"^one^two"]
        assert transport.get_write_buffer_size() == 0
        assert taken == ["all"], "what waits for room goes on at once"
        conn.send_packet(MSG_CHANNEL_DATA, b"end")
        transport.close()
        assert below.sent[-1] == b"^end", "a farewell is sent before the end"
        assert below.is_closed

    asyncio.run(act())


class Speaker(asyncssh.SSHServer):
    """A real server with one corked connection, which lets anybody in."""

    def __init__(self) -> None:
        self.taken = 0
        self.transport: Corked | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """As Tagline's server does."""
        self.transport = corked(conn, self._all_taken)

    def _all_taken(self) -> None:
        self.taken += 1

    def begin_auth(self, _username: str) -> bool:
        """Nothing has to be proven."""
        return False


class Listener(asyncssh.SSHClientSession[bytes]):
    """Keeps what a server says."""

    def __init__(self) -> None:
        self.heard = bytearray()

    def data_received(self, data: bytes, _datatype: asyncssh.DataType) -> None:
        """Bytes of the channel."""
        self.heard += data


@asynccontextmanager
async def talk(**options: Any) -> AsyncIterator[tuple[Speaker, Any, asyncssh.SSHClientConnection, Listener]]:
    """Both ends of a session of a real asyncssh: the server and its process, the client's connection and session."""
    speaker, begun, over = Speaker(), asyncio.Queue[Any](), asyncio.Event()

    async def process(it: asyncssh.SSHServerProcess[bytes]) -> None:
        begun.put_nowait(it)
        await over.wait()

    server = await asyncssh.listen(
        "127.0.0.1", 0, server_factory=lambda: speaker, process_factory=process, encoding=None,
        server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")], **options,
    )  # fmt: skip
    async with server, asyncio.timeout(30):
        client = await asyncssh.connect(
            "127.0.0.1", server.get_port(), known_hosts=None, username="anybody", client_keys=None, config=None
        )
        async with client:
            _, listener = await client.create_session(Listener, encoding=None, window=2 * SENT_BYTES)
            yield speaker, await begun.get(), client, listener
            over.set()


def test_a_real_client_gets_everything_and_no_filler_across_new_keys() -> None:
    """What is sent arrives whole and in order while keys are exchanged anew, without one packet of nothing."""
    lines = b"".join(b"%d\n" % n for n in range(20_000))

    async def act() -> None:
        async with talk(rekey_bytes=20_000) as (_, process, client, listener):
            kinds: Counter[int] = Counter()
            client.log_received_packet = lambda kind, *_: kinds.update([kind])  # type: ignore[method-assign]
            for start in range(0, len(lines), 5000):
                process.stdout.write(lines[start : start + 5000])
                await asyncio.sleep(0)
            await until(lambda: len(listener.heard) == len(lines))
            assert listener.heard == lines
            assert kinds[MSG_NEWKEYS], "keys were exchanged anew, as a long session does"
            assert not kinds[MSG_IGNORE]

    asyncio.run(act())


def test_who_waits_for_a_full_socket_hears_when_it_is_empty() -> None:
    """A client that takes nothing for a while fills the socket; what is sent later goes on as soon as it takes it."""

    async def act() -> None:
        async with talk() as (speaker, process, client, listener):
            below = client._transport
            assert below is not None
            assert speaker.transport is not None
            below.pause_reading()
            process.stdout.write(bytes(SENT_BYTES))
            await asyncio.sleep(0)  # the turn ends, and with it what was to leave together
            assert speaker.transport.get_write_buffer_size() > 0
            before = speaker.taken
            below.resume_reading()
            await until(lambda: speaker.taken > before)
            assert speaker.transport.get_write_buffer_size() == 0
            await until(lambda: len(listener.heard) == SENT_BYTES)

    asyncio.run(act())
