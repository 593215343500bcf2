"""A session's way out: text before pictures, no more on its way than the terminal takes, few questions."""

from __future__ import annotations

from collections.abc import Iterator

from sshd.driver import to_256_colors
from sshd.output import ACK_REQUEST, WINDOW_MAX, WINDOW_MIN, Output

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


def test_dark_surfaces_stay_grey_in_256_colours() -> None:
    """A bar of bluish dark grey becomes the nearest grey, not the cube's navy blue."""
    assert to_256_colors("\x1b[48;2;34;43;55m") == "\x1b[48;5;236m"
    assert to_256_colors("\x1b[38;2;94;177;239m") == "\x1b[38;5;75m"
