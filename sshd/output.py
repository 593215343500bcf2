"""One session's way out: text first, pictures in the gaps, and never more on its way than the terminal can take.

asyncssh neither blocks nor drops, so the bounds are ours. Three signals, because none is enough alone: the channel's
buffer (the peer's SSH window), the socket's buffer, and acknowledgements: a device status request now and then, about
sixteen in what the way can hold, which the terminal answers when it has processed everything before it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

ACK_REQUEST = b"\x1b[5n"
HIGH_BYTES = 64 * 1024
BULK_BYTES = 8 * 1024
HARD_BYTES = 8 * 1024 * 1024
WINDOW_MIN, WINDOW_MAX = 6 * 1024, 256 * 1024
START_WINDOW = 16 * 1024
QUEUE_S = 0.03
TEXT_WINDOWS = 4
STALL_S = 120.0
ACK_TIMEOUT_S, ACK_TIMEOUT_MAX_S = 3.0, 60.0
MARK_BYTES, MARKS_A_WINDOW = 2048, 16
BULK_A_WINDOW = 8


class Channel(Protocol):
    """What Output needs of an SSH channel."""

    def write(self, data: bytes) -> None:
        """Send bytes."""

    def get_write_buffer_size(self) -> int:
        """Bytes that wait in the channel."""

    def is_closing(self) -> bool:
        """True when nothing more may be sent."""


@dataclass(frozen=True)
class _Mark:
    """A point in the stream whose acknowledgement is awaited."""

    sent: int
    text: int
    at_s: float


class Path:
    """What acknowledgements teach about the way to the terminal: its shortest round trip, and how much may be on it.

    The window doubles in each round trip while the queue is empty, grows the less the nearer the queue is to `QUEUE_S`, and
    shrinks when it is longer. Time in which nothing is sent teaches nothing. Source: slow start as in RFC 5681, with the
    delay as the sign of congestion as in LEDBAT, RFC 6817.
    """

    def __init__(self) -> None:
        self.window = START_WINDOW
        self._shortest, self._previous, self._bucket_s = 1.0, 1.0, 0.0
        self._shrunk_s = 0.0

    @property
    def round_trip_s(self) -> float:
        """Shortest round trip of the last five to ten seconds."""
        return min(self._shortest, self._previous)

    def learn(self, acked: int, waited_s: float, now_s: float, *, busy: bool) -> None:
        """Take one acknowledgement of `acked` bytes into account, which came `waited_s` after it was asked for."""
        if now_s - self._bucket_s > 5.0:
            self._previous, self._shortest, self._bucket_s = self._shortest, waited_s, now_s
        self._shortest = min(self._shortest, waited_s)
        wanted_s = self.round_trip_s + QUEUE_S
        if waited_s <= wanted_s:
            room = (wanted_s - waited_s) / QUEUE_S
            self.window = min(WINDOW_MAX, self.window + int(acked * room)) if busy else self.window
        elif now_s - self._shrunk_s > waited_s:  # what was on its way at the last cut has been answered since
            self.window = max(WINDOW_MIN, int(self.window * max(0.5, wanted_s / waited_s)))
            self._shrunk_s = now_s


class Output:
    """Text and bulk lanes of one session. `on_congestion` hears when frames should stop and go on again."""

    def __init__(
        self, channel: Channel, socket_backlog: Callable[[], int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._channel, self._socket_backlog, self._clock = channel, socket_backlog, clock
        self.acks = False
        self.closed = False
        self.congested = False
        self.on_congestion: Callable[[bool], None] = lambda _congested: None
        self.on_stall: Callable[[str], None] = lambda _why: None
        self.sent_bytes = self.bulk_bytes = 0
        self._text = self._acked = self._acked_text = self._since_mark = 0
        self._marks: deque[_Mark] = deque()
        self._path = Path()
        self._progress_s = clock()
        self._ack_timeout_s = ACK_TIMEOUT_S
        self._bulk: dict[str, Iterator[bytes]] = {}
        self._current: tuple[str, Iterator[bytes]] | None = None
        self._pumping = False

    @property
    def backlog(self) -> int:
        """Bytes that wait in this process."""
        return self._channel.get_write_buffer_size() + self._socket_backlog()

    @property
    def unacked(self) -> int:
        """Bytes that the terminal has not yet said it processed."""
        return self.sent_bytes - self._acked if self.acks and self._marks else 0

    @property
    def bulk_pending(self) -> bool:
        """True while pictures wait or are on their way."""
        return bool(self._bulk or self._current)

    def write(self, data: bytes) -> None:
        """Send text at once, before any picture that waits."""
        if self.closed or self._channel.is_closing():
            return
        self._put(data, is_bulk=False)
        self.check()

    def _put(self, data: bytes, *, is_bulk: bool) -> None:
        self.sent_bytes += len(data)
        self._since_mark += len(data)
        if is_bulk:
            self.bulk_bytes += len(data)
        else:
            self._text += len(data)
        is_last = is_bulk and not self.bulk_pending and self._since_mark > 0
        if self.acks and (is_last or self._since_mark > max(MARK_BYTES, self._path.window // MARKS_A_WINDOW)):
            if not self._marks:
                self._progress_s = self._clock()
            data += ACK_REQUEST
            self._since_mark = 0
            self._marks.append(_Mark(self.sent_bytes, self._text, self._clock()))
        if data:
            self._channel.write(data)

    def submit(self, key: str, pieces: Iterator[bytes]) -> None:
        """Queue a picture for `pump`, as pieces between which text may pass; one that waits under its key is replaced."""
        self._bulk.pop(key, None)
        self._bulk[key] = pieces

    def pump(self) -> None:
        """Send pieces while the way is free."""
        if self._pumping:
            return
        self._pumping = True
        try:
            while not self.closed and self.bulk_pending and (room := self._room()) > 0:
                self._send_pieces(room)
        finally:
            self._pumping = False

    def _room(self) -> int:
        """Bytes of pictures that may leave now; less than one when none may."""
        room = max(BULK_BYTES, self._path.window // BULK_A_WINDOW) - self.backlog
        return min(room, self._path.window - self.unacked) if self.acks else room

    def _send_pieces(self, room: int) -> None:
        """As many pieces as there is room for, together: a packet costs more than its bytes."""
        data = bytearray()
        while len(data) < room and (piece := self._next_piece()) is not None:
            data += piece
        self._put(bytes(data), is_bulk=True)

    def _next_piece(self) -> bytes | None:
        while self.bulk_pending:
            if self._current is None:
                key = next(iter(self._bulk))
                self._current = (key, self._bulk.pop(key))
            if (piece := next(self._current[1], None)) is not None:
                return piece
            self._current = None
        return None

    def acknowledged(self) -> None:
        """The terminal answered the oldest open request."""
        if not self._marks:
            return
        mark = self._marks.popleft()
        now_s = self._progress_s = self._clock()
        acked, self._acked, self._acked_text = mark.sent - self._acked, mark.sent, mark.text
        self._ack_timeout_s = ACK_TIMEOUT_S
        self._path.learn(acked, now_s - mark.at_s, now_s, busy=self.bulk_pending or self.congested)
        self.check()

    def check(self) -> None:
        """Look at the backlog: stop or restart frames, give up on a dead client, send what fits."""
        if self.closed:
            return
        waiting = self._waiting_text()
        now_s = self._clock()
        if waiting == 0:
            self._progress_s = now_s
        elif waiting > HARD_BYTES or (self.congested and now_s - self._progress_s > STALL_S):
            self.on_stall(f"{waiting} bytes wait and the client takes none")
            return
        high = min(HIGH_BYTES, self._path.window * TEXT_WINDOWS)
        if not self.congested and waiting > high:
            self.congested = True
            self.on_congestion(True)
        elif self.congested and waiting <= high // 4:
            self.congested = False
            self.on_congestion(False)
        self.pump()

    def _waiting_text(self) -> int:
        unacked_text = self._text - self._acked_text if self.acks and self._marks else 0
        in_process = self._channel.get_write_buffer_size() if self._current else self.backlog
        return max(unacked_text, in_process)

    def sweep(self) -> None:
        """Call once a second: acknowledgements can get lost, by a terminal reset or a multiplexer that detaches."""
        if self._marks and self.backlog == 0 and self._clock() - self._progress_s > self._ack_timeout_s:
            self._ack_timeout_s = min(ACK_TIMEOUT_MAX_S, self._ack_timeout_s * 2)
            self._acked, self._acked_text = self.sent_bytes, self._text
            self._marks.clear()
            self._progress_s = self._clock()
        self.check()
