"""Between asyncssh and the socket: what one turn of the event loop sends leaves as one piece, without filler packets.

A page of pictures and the words around it are a dozen writes; each of them cost two encrypted packets and two system calls.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import asyncssh
from asyncssh.constants import MSG_IGNORE

TCP_NOTSENT_LOWAT = getattr(socket, "TCP_NOTSENT_LOWAT", 25)
NOTSENT_BYTES = 16 * 1024


class Corked:
    """A transport that passes on once a turn what was written to it; anything else goes straight through.

    `on_taken` is called whenever the socket has taken all of it.
    """

    def __init__(self, transport: asyncio.Transport, on_taken: Callable[[], None]) -> None:
        self._transport, self._on_taken = transport, on_taken
        self._loop = asyncio.get_running_loop()
        self._parts: list[bytes] = []
        self._waiting = 0

    def write(self, data: bytes) -> None:
        """Send with everything else of this turn."""
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)
        self._waiting += len(data)

    def _flush(self) -> None:
        data, self._waiting = b"".join(self._parts), 0
        self._parts.clear()
        if data and not self._transport.is_closing():
            self._transport.write(data)
            if not self._transport.get_write_buffer_size():
                self._on_taken()

    def get_write_buffer_size(self) -> int:
        """Bytes that the socket has not taken."""
        return self._waiting + self._transport.get_write_buffer_size()

    def close(self) -> None:
        """Close once everything is sent."""
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def corked(conn: asyncssh.SSHServerConnection, on_taken: Callable[[], None]) -> Corked | None:
    """Put such a transport under a connection, on a socket that holds little unsent; None when it is gone already.

    asyncssh sends an empty packet before each, against an attack on CBC ciphers (Bellare, Kohno and Namprempre 2002), of which
    this server takes none: those are left out.
    """
    if conn._transport is None:
        return None
    sock = conn.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT, NOTSENT_BYTES)
    send = conn.send_packet

    def send_packet(kind: int, *args: bytes, handler: Any = None) -> None:
        if kind != MSG_IGNORE:
            send(kind, *args, handler=handler)

    conn.send_packet = send_packet  # type: ignore[assignment, method-assign]
    transport = Corked(conn._transport, on_taken)
    transport.set_write_buffer_limits(high=0)  # so that the connection hears of every end of a wait
    conn.resume_writing = on_taken  # type: ignore[method-assign]
    conn._transport = transport  # type: ignore[assignment]
    return transport
