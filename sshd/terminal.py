"""Asks a terminal what it can do, and keeps its answers apart from keystrokes for the whole session.

One round trip on the alternate screen; the primary device attributes come last: the fence that every terminal answers.
Source: xterm's ctlseqs, the kitty graphics and keyboard protocol pages, the synchronized-output and iTerm2 image pages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tui.terminal import Graphics, Terminal

ESC = 0x1B
MAX_REPLY = 8192
HOLD_S = 0.05
MAX_CELLS = (500, 200)
NO_PROBE_TERMS = frozenset({"linux", "cons25", "vt100", "vt102"})
DUMB_TERMS = frozenset({"dumb", "unknown", ""})

PROBE = (
    b"\x1b[?1049h"  # the alternate screen first: what a terminal does not know and prints is discarded with it
    b"\x1b[>0q"  # XTVERSION
    b"\x1b[16t\x1b[14t"  # cell size and text area in px
    b"\x1b[?1;1;0S\x1b[?2;1;0S"  # XTSMGRAPHICS: colour registers, largest sixel
    b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"  # kitty graphics
    b"\x1b[?u"  # kitty keyboard
    b"\x1b[?2026$p\x1b[?1016$p"  # synchronized updates, mouse in px
    b"\x1b]11;?\x1b\\"  # background colour
    b"\x1b[48:2:1:2:3m\x1bP$qm\x1b\\\x1b[m"  # DECRQSS: does it keep a 24-bit colour
    b"\x1b[5n"  # DSR: answered, it can acknowledge output
    b"\x1b[c"  # DA1: the fence
)

_REPLIES = tuple(
    (name, re.compile(pattern, re.DOTALL))
    for name, pattern in (
        ("da1", rb"\x1b\[\?([\d;]*)c"),
        ("da2", rb"\x1b\[>([\d;]*)c"),
        ("window", rb"\x1b\[(4|6|8|9);(\d+);(\d+)t"),
        ("sixel", rb"\x1b\[\?(\d+);(\d+)((?:;\d+)*)S"),
        ("mode", rb"\x1b\[\?(\d+);(\d)\$y"),
        ("keyboard", rb"\x1b\[\?(\d+)u"),
        ("status", rb"\x1b\[0n"),
        ("dcs", rb"\x1bP([>01][^\x1b\x07]*)(?:\x1b\\|\x07)"),
        ("kitty", rb"\x1b_G([^\x1b]*)\x1b\\"),
        ("color", rb"\x1b\]((?:4|10|11|12|52);[^\x1b\x07]*)(?:\x1b\\|\x07)"),
    )
)
_UNFINISHED = re.compile(
    rb"\x1b(?:\[(?:[?>][\d;$]*|0|[4689](?:;\d*){0,2})?|P(?:[>01][^\x1b\x07]*\x1b?)?|_(?:G[^\x1b]*\x1b?)?"
    rb"|\](?:(?:4|10|11|12|52|1|5)(?:;[^\x1b\x07]*\x1b?)?)?)?\Z",
    re.DOTALL,
)


@dataclass(frozen=True)
class Reply:
    """One answer of the terminal."""

    name: str
    groups: tuple[bytes, ...]


class ReplyFilter:
    """Takes a terminal's answers out of its key bytes; it holds back what may be the beginning of one."""

    def __init__(self) -> None:
        self._held = b""

    @property
    def holding(self) -> bool:
        """True while bytes are held that may be an unfinished answer."""
        return bool(self._held)

    def feed(self, data: bytes) -> tuple[bytes, list[Reply]]:
        """Split bytes into keystrokes and answers."""
        buffer, self._held = self._held + data, b""
        keys = bytearray()
        replies: list[Reply] = []
        at = 0
        while (escape := buffer.find(b"\x1b", at)) >= 0:
            keys += buffer[at:escape]
            end = self._take(buffer, escape, replies)
            if end is None:
                if len(buffer) - escape < MAX_REPLY and _UNFINISHED.match(buffer, escape):
                    self._held = buffer[escape:]
                    return bytes(keys), replies
                keys.append(ESC)
                end = escape + 1
            at = end
        keys += buffer[at:]
        return bytes(keys), replies

    @staticmethod
    def _take(buffer: bytes, at: int, replies: list[Reply]) -> int | None:
        for name, pattern in _REPLIES:
            if match := pattern.match(buffer, at):
                replies.append(Reply(name, match.groups()))
                return match.end()
        return None

    def give_up(self) -> bytes:
        """What was held did not become an answer in time: it is a key, such as Esc."""
        held, self._held = self._held, b""
        return held


@dataclass
class Probe:
    """What a terminal has answered so far; `terminal` is filled in as answers come."""

    terminal: Terminal
    has_sixel: bool = False
    has_kitty: bool = False
    cell_asked: bool = False
    complete: bool = False
    truecolor: bool | None = None

    def take(self, reply: Reply) -> None:
        """Learn from one answer; an unknown or broken one changes nothing."""
        handler = getattr(self, f"_take_{reply.name}", None)
        if handler is not None:
            handler(*reply.groups)

    def _take_da1(self, numbers: bytes) -> None:
        self.has_sixel = b"4" in numbers.split(b";")[1:]
        self.complete = True

    def _take_window(self, what: bytes, height: bytes, width: bytes) -> None:
        high, wide = int(height), int(width)
        if not (0 < high < 20_000 and 0 < wide < 20_000):
            return
        if what == b"6":
            self.terminal.cell_wh_px = (wide, high)
            self.cell_asked = True
        elif what == b"4" and not self.cell_asked:
            self.set_pixels(wide, high)

    def _take_sixel(self, item: bytes, status: bytes, rest: bytes) -> None:
        numbers = [int(n) for n in rest.split(b";") if n]
        if status == b"0" and item == b"1" and numbers:
            self.terminal.sixel_colors = numbers[0]
        elif status == b"0" and item == b"2" and len(numbers) == 2:
            self.terminal.sixel_max_wh_px = (numbers[0], numbers[1])

    def _take_mode(self, mode: bytes, value: bytes) -> None:
        known = value in (b"1", b"2", b"3")
        if mode == b"2026":
            self.terminal.sync_updates = known
        elif mode == b"1016":
            self.terminal.pixel_mouse = known

    def _take_keyboard(self, _flags: bytes) -> None:
        self.terminal.kitty_keyboard = True

    def _take_status(self) -> None:
        self.terminal.acks = True

    def _take_dcs(self, text: bytes) -> None:
        if text.startswith(b">|"):
            self.terminal.name = text[2:].decode("utf-8", "replace")[:80]
        elif text.startswith(b"1$r"):
            self.truecolor = b"48:2" in text and b"1:2:3" in text

    def _take_kitty(self, text: bytes) -> None:
        self.has_kitty = self.has_kitty or text.startswith(b"i=31;OK")

    def _take_color(self, text: bytes) -> None:
        match = re.match(rb"11;rgba?:([0-9a-fA-F]+)/([0-9a-fA-F]+)/([0-9a-fA-F]+)", text)
        if match:
            red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in match.groups())
            self.terminal.is_dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5

    def set_cells(self, columns: int, rows: int) -> None:
        """Columns and rows as the client says, kept within what the screens can fill."""
        wide, high = columns or 80, rows or 24
        self.terminal.size_cells = (max(1, min(wide, MAX_CELLS[0])), max(1, min(high, MAX_CELLS[1])))

    def set_pixels(self, width: int, height: int) -> None:
        """The text area in px, from which the cell size follows where the terminal did not say it."""
        if width > 0 and height > 0 and not self.cell_asked:
            columns, rows = self.terminal.size_cells
            self.terminal.cell_wh_px = (max(2, width // columns), max(4, height // rows))

    def finish(self) -> Terminal:
        """Decide how pictures are sent and whether colours are 24-bit."""
        terminal = self.terminal
        terminal.graphics = choose_graphics(terminal, has_kitty=self.has_kitty, has_sixel=self.has_sixel)
        terminal.truecolor = self.truecolor if self.truecolor is not None else _guess_truecolor(terminal)
        return terminal


def choose_graphics(terminal: Terminal, *, has_kitty: bool, has_sixel: bool) -> Graphics:
    """The best way that the terminal has shown to take; multiplexers get cells. A user's TAGLINE_GRAPHICS wins."""
    wish = terminal.env.get("TAGLINE_GRAPHICS", "").lower()
    if wish in set(Graphics):
        return Graphics(wish)
    name = terminal.name.lower()
    if terminal.term.startswith(("tmux", "screen")) or name.startswith(("tmux", "screen")):
        return Graphics.CELLS
    if has_kitty and (name.startswith(("kitty", "ghostty")) or "kitty" in terminal.term or "ghostty" in terminal.term):
        return Graphics.KITTY
    if _takes_inline_images(terminal, has_sixel=has_sixel):
        return Graphics.ITERM2
    return Graphics.SIXEL if has_sixel else Graphics.CELLS


def _takes_inline_images(terminal: Terminal, *, has_sixel: bool) -> bool:
    program = terminal.env.get("LC_TERMINAL") or terminal.env.get("TERM_PROGRAM") or ""
    names = (terminal.name.lower(), program.lower())
    if any(name.startswith("iterm") for name in names):
        return True
    # These report sixel exactly when they show pictures at all: VS Code leaves them off until the user turns them on.
    kinds = ("wezterm", "konsole", "mintty", "vscode", "xterm.js")
    return has_sixel and any(name.startswith(kinds) for name in names)


def _guess_truecolor(terminal: Terminal) -> bool:
    if terminal.env.get("COLORTERM", "") in ("truecolor", "24bit") or "direct" in terminal.term or terminal.name:
        return True
    return terminal.term.startswith(("xterm-kitty", "xterm-ghostty", "foot", "alacritty", "wezterm"))
