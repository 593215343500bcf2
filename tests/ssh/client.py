"""A person with a terminal: the system's `ssh` under a pty, a headless terminal that shows what she sees.

The screen is libghostty's (package pyghostty). What the terminal answers to questions is a profile: a table of
(question, answer), as xterm, kitty, foot and others were seen to answer.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import signal
import struct
import termios
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pyghostty  # type: ignore[import-untyped]

WAIT_S = 15.0
Profile = tuple[tuple[bytes, bytes], ...]

_XTVERSION, _CELL, _AREA = rb"\x1b\[>0?q", rb"\x1b\[16t", rb"\x1b\[14t"
_REGISTERS, _SIXEL_SIZE = rb"\x1b\[\?1;1;0S", rb"\x1b\[\?2;1;0S"
_KITTY, _KEYBOARD, _SYNC = rb"\x1b_Gi=31[^\x1b]*\x1b\\", rb"\x1b\[\?u", rb"\x1b\[\?2026\$p"
_SGR, _STATUS, _DA1, _BACKGROUND = rb"\x1bP\$qm\x1b\\", rb"\x1b\[5n", rb"\x1b\[c", rb"\x1b\]11;\?\x1b\\"

SILENT: Profile = ()
APPLE: Profile = ((_DA1, b"\x1b[?1;2c"),)
KITTY: Profile = (
    (_XTVERSION, b"\x1bP>|kitty(0.36.4)\x1b\\"),
    (_CELL, b"\x1b[6;20;10t"),
    (_AREA, b"\x1b[4;640;1200t"),
    (_KITTY, b"\x1b_Gi=31;OK\x1b\\"),
    (_KEYBOARD, b"\x1b[?0u"),
    (_SYNC, b"\x1b[?2026;2$y"),
    (_BACKGROUND, b"\x1b]11;rgb:0000/0000/0000\x1b\\"),
    (_SGR, b"\x1bP1$r0;48:2:1:2:3m\x1b\\"),
    (_STATUS, b"\x1b[0n"),
    (_DA1, b"\x1b[?62;52c"),
)
FOOT: Profile = (
    (_XTVERSION, b"\x1bP>|foot(1.18.1)\x1b\\"),
    (_CELL, b"\x1b[6;18;9t"),
    (_AREA, b"\x1b[4;576;1080t"),
    (_REGISTERS, b"\x1b[?1;0;1024S"),
    (_SIXEL_SIZE, b"\x1b[?2;0;1080;576S"),
    (_SYNC, b"\x1b[?2026;2$y"),
    (_BACKGROUND, b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\"),
    (_SGR, b"\x1bP1$r0;48:2:1:2:3m\x1b\\"),
    (_STATUS, b"\x1b[0n"),
    (_DA1, b"\x1b[?62;4;22;28;29c"),
)

_MODES_OFF = (1000, 1002, 1003, 1004, 1006, 1016, 1049, 2004, 2026)
_MODES_ON = (7, 25)


async def until(fact: Callable[[], bool], timeout_s: float = WAIT_S) -> None:
    """Wait for a fact of which nobody tells us."""
    async with asyncio.timeout(timeout_s):
        while not fact():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.02)


@dataclass(frozen=True)
class Login:
    """How to reach the server: where, with which key, and where known hosts are kept."""

    port: int
    key: Path
    known_hosts: Path

    def argv(self, user: str, *options: str) -> list[str]:
        """The ssh command line up to and with the destination."""
        fixed = ["-p", str(self.port), "-i", str(self.key), "-F", "none"]
        settings = (
            *("IdentitiesOnly=yes", "IdentityAgent=none", f"UserKnownHostsFile={self.known_hosts}", "LogLevel=ERROR"),
            *("StrictHostKeyChecking=accept-new", "SendEnv=TAGLINE_GRAPHICS"),
        )
        return ["ssh", *fixed, *(part for s in settings for part in ("-o", s)), *options, f"{user}@127.0.0.1"]


@dataclass
class SshTerminal:
    """One `ssh -tt` in a terminal. An async context manager; a client that still runs at its end is killed."""

    login: Login
    user: str
    profile: Profile = SILENT
    size_cells: tuple[int, int] = (80, 24)
    term: str = "xterm-256color"
    options: Sequence[str] = ()
    command: Sequence[str] = ()
    answer_delay_s: float = 0.0
    env: dict[str, str] = field(default_factory=dict)
    raw: bytes = b""
    is_reading: bool = True

    async def __aenter__(self) -> Self:
        self.screen = pyghostty.Terminal(*self.size_cells)
        self._unanswered = b""
        self._changed = asyncio.Event()
        self.status: int | None = None
        argv = [*self.login.argv(self.user, "-tt", *self.options), *self.command]
        environment = {**os.environ, **self.env, "TERM": self.term}
        environment.pop("SSH_AUTH_SOCK", None)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, self._winsize())
            os.execvpe("ssh", argv, environment)
        os.set_blocking(self.fd, False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self.fd, self._read)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            await self.ended()
        self._loop.remove_reader(self.fd)
        os.close(self.fd)
        self.screen.close()

    def _winsize(self) -> bytes:
        columns, rows = self.size_cells
        return struct.pack("HHHH", rows, columns, 0, 0)

    def _read(self) -> None:
        try:
            data = os.read(self.fd, 1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(self.fd)
            return
        self.raw += data
        self.screen.feed(data)
        self._answer(data)
        self._changed.set()

    def _answer(self, data: bytes) -> None:
        self._unanswered = self._unanswered[-64:] + data
        found = [(m.start(), m.end(), answer) for q, answer in self.profile for m in re.finditer(q, self._unanswered)]
        for _, _, answer in sorted(found):
            if self.answer_delay_s:
                self._loop.call_later(self.answer_delay_s, self.send, answer)
            else:
                self.send(answer)
        self._unanswered = self._unanswered[max((end for _, end, _ in found), default=0) :]

    def stall(self) -> None:
        """Stop reading what the server sends."""
        self._loop.remove_reader(self.fd)

    def go_on(self) -> None:
        """Read again."""
        self._loop.add_reader(self.fd, self._read)

    def send(self, data: bytes) -> None:
        """Type, paste or answer. A client that has gone hears nothing."""
        try:
            os.write(self.fd, data)
        except OSError:
            return

    def resize(self, columns: int, rows: int) -> None:
        """Drag the window's corner."""
        self.size_cells = (columns, rows)
        self.screen.resize(columns, rows)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, self._winsize())

    def text(self) -> str:
        """What is on the screen."""
        return str(self.screen.text())

    async def until(self, fact: Callable[[], bool], what: str, timeout_s: float = WAIT_S) -> None:
        """Wait until the fact is true, looking after each byte that comes."""
        deadline = time.monotonic() + timeout_s
        while not fact():
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"no {what} within {timeout_s:.0f} s; on the screen:\n{self.text()}")
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), min(left, 0.1))
            except TimeoutError:
                continue

    async def sees(self, text: str, timeout_s: float = WAIT_S) -> None:
        """Wait until the text is on the screen."""
        await self.until(lambda: text in self.text(), repr(text), timeout_s)

    async def ended(self, timeout_s: float = WAIT_S) -> int:
        """Wait until the client has ended; its exit status, negative for a signal."""
        deadline = time.monotonic() + timeout_s
        while self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)  # noqa: ASYNC222 - it does not wait
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > deadline:
                raise AssertionError(f"ssh did not end; on the screen:\n{self.text()}")
            else:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        return self.status

    def kill(self) -> None:
        """The client vanishes without a word."""
        os.kill(self.pid, signal.SIGKILL)

    def modes_left(self) -> list[str]:
        """What the server left switched on in this terminal, or off; empty when it gave it back as it was."""
        left = [f"?{mode} on" for mode in _MODES_OFF if self.screen.mode(mode)]
        left += [f"?{mode} off" for mode in _MODES_ON if not self.screen.mode(mode)]
        pushed = len(re.findall(rb"\x1b\[>\d+u", self.raw)) - len(re.findall(rb"\x1b\[<\d*u", self.raw))
        return left + ([f"keyboard pushed {pushed}"] if pushed else [])


async def run_ssh(login: Login, user: str, *tail: str, options: Sequence[str] = ()) -> tuple[int, str, str]:
    """One `ssh` without a terminal: its exit status, stdout and stderr."""
    process = await asyncio.create_subprocess_exec(
        *login.argv(user, *options),
        *tail,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), WAIT_S)
    except TimeoutError:
        process.kill()
        raise
    return process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace")
