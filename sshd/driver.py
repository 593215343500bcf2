"""A Textual driver that talks to one SSH channel in the server's own event loop: no thread, no tty."""

from __future__ import annotations

import asyncio
import re
from codecs import getincrementaldecoder
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

import numpy as np
from textual import constants, events, messages
from textual._xterm_parser import XTermParser
from textual.driver import Driver
from textual.geometry import Size
from textual.message import Message

from tui.picture.cells import nearest_of_256
from tui.terminal import Graphics, Terminal

if TYPE_CHECKING:
    from sshd.session.app import AppSession
    from tui.hosted import HostedApp

_RGB = re.compile(r"([34]8);2;(\d+);(\d+);(\d+)")
_CACHE_LIMIT = 20_000
_256_colors: dict[str, str] = {}
ENTER = "\x1b[?1049h\x1b[2J\x1b[H\x1b[?25l\x1b[?7l\x1b[?2004h\x1b[?1004h"
LEAVE = "\x1b[?2004l\x1b[?1004l\x1b[?1016l\x1b[?1006l\x1b[?1003l\x1b[?1000l\x1b[?7h"
MOUSE_ON = "\x1b[?1000h\x1b[?1003h\x1b[?1006h"
KEYBOARD_PUSH, KEYBOARD_POP = "\x1b[>25u", "\x1b[<u"


def to_256_colors(text: str) -> str:
    """Replace 24-bit colours in escape sequences by the nearest of the 256-colour palette."""
    return _RGB.sub(_nearest_color, text)


def _nearest_color(match: re.Match[str]) -> str:
    found = _256_colors.get(match.group(0))
    if found is None:
        color = np.array([int(match.group(n)) for n in (2, 3, 4)], dtype=np.uint8)
        index = int(nearest_of_256(color))
        if len(_256_colors) > _CACHE_LIMIT:
            _256_colors.clear()
        found = _256_colors[match.group(0)] = f"{match.group(1)};5;{index}"
    return found


def restore_sequence(terminal: Terminal, *, keyboard_pushed: bool) -> str:
    """Everything that gives the user's terminal back as it was."""
    sequence = LEAVE
    if keyboard_pushed:
        sequence += KEYBOARD_POP  # belongs to the alternate screen: before leaving it
    if terminal.graphics is Graphics.KITTY:
        sequence += "\x1b_Ga=d,d=A,q=2\x1b\\"
    if terminal.sync_updates:
        sequence += "\x1b[?2026l"
    return sequence + "\x1b[0m\x1b[?1049l\x1b[?25h"


class _Parser(XTermParser):
    """Textual's parser without its lru_cache on a method, which would keep every closed App alive."""

    def _parse_extended_key(self, sequence: str) -> Any:  # type: ignore[override]
        return XTermParser._parse_extended_key.__wrapped__(self, sequence)


class SSHDriver(Driver):
    """Draws on, and hears from, the terminal at the other end of an SSH channel."""

    def __init__(
        self,
        app: HostedApp,
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
        session: AppSession,
    ) -> None:
        super().__init__(app, debug=False, mouse=mouse, size=size)  # debug would write keys to a file
        self._session, self._terminal, self._out = session, session.terminal, session.output
        self._parts: list[str] = []
        self._flush_handle: asyncio.Handle | None = None
        self._decode = getincrementaldecoder("utf-8")(errors="replace").decode
        self._parser = _Parser(False)
        self._escape_handle: asyncio.TimerHandle | None = None
        self._takes_input = self._is_active = self._holds_frames = False
        self._out.on_congestion = self._hold_frames
        session.driver = self
        session.stage.on_due = self.flush

    @property
    def can_suspend(self) -> bool:
        """False: suspending would stop the whole server."""
        return False

    def write(self, data: str) -> None:
        """Collect output; it leaves at the next flush, or at the end of this turn of the loop."""
        self._parts.append(data)
        if self._flush_handle is None:
            self._flush_handle = self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Send what was collected: text at once, the pictures that it uncovers in the bulk lane."""
        if self._flush_handle is not None:
            self._flush_handle.cancel()
            self._flush_handle = None
        text = self._session.stage.resolve("".join(self._parts))
        self._parts.clear()
        if text:
            self._out.write((text if self._terminal.truecolor else to_256_colors(text)).encode("utf-8", "replace"))
        for key, pieces in self._session.stage.take_jobs():
            self._out.submit(key, pieces)
        self._out.pump()

    def _hold_frames(self, congested: bool) -> None:
        """While the link is full the app handles keys but composes nothing; then one full repaint."""
        if congested and not self._holds_frames and self._is_active:
            self._holds_frames = True
            self._app._begin_batch()
        elif not congested and self._holds_frames:
            self._holds_frames = False
            self._app._end_batch()
            self._session.repaint()

    def start_application_mode(self) -> None:
        """Take over the terminal and let type-ahead in."""
        self.write(ENTER)
        if self._mouse:
            self.write(MOUSE_ON)
        if self._terminal.kitty_keyboard and not constants.DISABLE_KITTY_KEY:
            self.write(KEYBOARD_PUSH)
            self._session.keyboard_pushed = True
        self._is_active = True
        self.flush()
        if self._terminal.sync_updates:
            self._app.post_message(messages.TerminalSupportsSynchronizedOutput())
        self._send_size()
        self._takes_input = True
        self._session.replay_typed_ahead()

    def _send_size(self) -> None:
        columns, rows = self._terminal.size_cells
        size = Size(columns, rows)
        self._size = (columns, rows)
        self._app.post_message(events.Resize(size, size))

    def resized(self) -> None:
        """The client's window changed."""
        if self._is_active:
            self._send_size()

    def disable_input(self) -> None:
        """Hear no more keys."""
        self._takes_input = False
        if self._escape_handle:
            self._escape_handle.cancel()

    def stop_application_mode(self) -> None:
        """Give the terminal back."""
        self.disable_input()
        self._is_active = False
        if self._holds_frames:
            self._holds_frames = False
            self._app._end_batch()
        self._parts.clear()
        self._out.write(self._session.restore_once().encode())

    def close(self) -> None:
        """Let go of the session."""
        self._is_active = False
        self._out.closed = True
        self._out.on_congestion = lambda _congested: None
        self._session.driver = None

    @property
    def input_backlog(self) -> int:
        """Messages that wait for the app."""
        return self._app._message_queue.qsize()

    def feed(self, data: bytes) -> None:
        """Take key bytes, already without the terminal's answers."""
        if not self._takes_input:
            return
        try:
            for message in self._parser.feed(self._decode(data)):
                self.process_message(message)
        except ValueError:  # an odd sequence, such as kitty's event types: begin afresh
            self._parser = _Parser(False)
        self._await_escape()

    def _await_escape(self) -> None:
        if self._escape_handle:
            self._escape_handle.cancel()
            self._escape_handle = None
        if self._parser._timeout_time is not None:
            self._escape_handle = self._loop.call_later(constants.ESCAPE_DELAY + 0.002, self._escape_timed_out)

    def _escape_timed_out(self) -> None:
        self._escape_handle = None
        if self._takes_input:
            for message in self._parser.tick():
                self.process_message(message)
            self._await_escape()

    def send_message(self, message: Message) -> None:
        """Post to the app: same thread, same loop."""
        self._app.post_message(message)

    def process_message(self, message: Message) -> None:
        """Pass on everything but in-band sizes: the SSH window change is what counts."""
        if isinstance(message, events.AppFocus):
            self._session.stage.focus_in()
            self._session.repaint()
        if not isinstance(message, messages.InBandWindowResize):
            super().process_message(message)

    def open_url(self, url: str, new_tab: bool = True) -> None:
        """Say the address: a browser opened here would open on the server."""
        self._app.notify(f"Open this link on your own computer: {url}", markup=False)

    def deliver_binary(self, binary: BinaryIO | TextIO, **_options: Any) -> None:
        """Files leave by commands, not by the terminal."""
        binary.close()
        self._app.notify("Use `ssh … export` to fetch files.", severity="warning", markup=False)
