"""A session's way out: text before pictures, no more on its way than the terminal takes, few packets and questions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import asyncssh
from asyncssh.constants import MSG_CHANNEL_DATA, MSG_IGNORE

from sshd.driver import to_256_colors
from sshd.output import ACK_REQUEST, WINDOW_MAX, WINDOW_MIN, Output
from sshd.wire import corked

PIECE = b"x" * 4096


class Wire:
    """A channel that keeps what it was given; nothing waits in it."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.waiting = 0
        self.now_s = 0.0

    def write(self, data: bytes) -> None:
        """Take bytes."""
        self.writes.append(data)

    def get_write_buffer_size(self) -> int:
        """What a test says that waits."""
        return self.waiting

    def is_closing(self) -> bool:
        """Never."""
        return False

    @property
    def questions(self) -> int:
        """How often the terminal was asked to answer."""
        return sum(data.count(ACK_REQUEST) for data in self.writes)


def _output(wire: Wire) -> Output:
    output = Output(wire, lambda: 0, clock=lambda: wire.now_s)
    output.acks = True
    return output


def _shown(output: Output, wire: Wire, bytes_a_s: float) -> None:
    """Send a picture of a megabyte to a terminal that takes so many bytes a second and answers as it reaches a question."""
    output.submit("picture", iter([PIECE] * 256))
    output.pump()
    while output._marks:
        wire.now_s += 0.0005 + (output._marks[0].sent - output._acked) / bytes_a_s
        output.acknowledged()


def test_a_fast_terminal_is_asked_seldom_and_gets_large_packets() -> None:
    """Once the way is known to be fast, a picture of a megabyte costs some thirty packets and questions, not 256."""
    wire = Wire()
    output = _output(wire)
    for _ in range(4):
        _shown(output, wire, 100e6)
    assert output._path.window == WINDOW_MAX
    wire.writes.clear()
    _shown(output, wire, 100e6)
    assert sum(map(len, wire.writes)) >= 256 * len(PIECE), "all of it arrives"
    assert len(wire.writes) <= 40
    assert wire.questions <= 40
    assert output.unacked == 0, "the last bytes are asked about, too"


def test_a_slow_terminal_has_little_on_its_way() -> None:
    """On a slow link a key's answer waits behind little more than a tenth of a second of pictures, not behind what a fast one would bear."""
    wire = Wire()
    output = _output(wire)
    _shown(output, wire, 100e6)
    _shown(output, wire, 200e3)
    wire.writes.clear()
    output.submit("picture", iter([PIECE] * 64))
    output.pump()
    assert WINDOW_MIN <= sum(map(len, wire.writes)) <= 200e3 * 0.15


def test_text_passes_pictures_that_wait() -> None:
    """A key's answer does not wait for a picture that is on its way."""
    wire = Wire()
    output = _output(wire)
    output.submit("picture", iter([PIECE] * 64))
    output.pump()
    output.write(b"text")
    assert wire.writes[-1].startswith(b"text")
    assert output.bulk_pending


def test_a_picture_that_is_replaced_before_its_turn_is_never_made() -> None:
    """Only the newest picture under a key costs anything."""
    wire, made = Wire(), []
    output = _output(wire)
    wire.waiting = 1_000_000

    def pieces(name: str) -> Iterator[bytes]:
        made.append(name)
        yield name.encode()

    output.submit("view", pieces("old"))
    output.pump()
    output.submit("view", pieces("new"))
    wire.waiting = 0
    output.pump()
    assert made == ["new"]
    assert b"".join(wire.writes) == b"new" + ACK_REQUEST


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


def test_dark_surfaces_stay_grey_in_256_colours() -> None:
    """A bar of bluish dark grey becomes the nearest grey, not the cube's navy blue."""
    assert to_256_colors("\x1b[48;2;34;43;55m") == "\x1b[48;5;236m"
    assert to_256_colors("\x1b[38;2;94;177;239m") == "\x1b[38;5;75m"
