"""Looks at an installation as an operator would when something is wrong, and says what is and what to do about it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import select
import shutil
import socket
import sqlite3
import stat
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator

from core.db.database import Database, open_database
from core.errors import TaglineError
from sshd.config import Config
from sshd.findings import Finding, Verdict
from sshd.model_checks import check_learning, check_segmenter
from sshd.terminal import DUMB_TERMS, PROBE, Probe, ReplyFilter
from tui.picture import sixel
from tui.terminal import Graphics, Terminal

LIBRARIES = ("textual", "asyncssh", "sqlalchemy", "sqlmodel", "pillow", "numpy")
WAL_RESET_FIXED = (3, 51, 3)  # before it, a checkpoint at a bad moment could lose a commit: SQLite's release notes
LOW_DISK_BYTES = 1_000_000_000
PROBE_S = 1.0


def check_versions() -> Iterator[Finding]:
    """The interpreter, the libraries and the sixel encoder."""
    yield Finding(Verdict.OK, "python", platform.python_version())
    found = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    yield Finding(Verdict.OK, "libraries", found)
    if sixel.ENCODER == "compiled":
        yield Finding(Verdict.OK, "sixel encoder", "compiled")
    else:
        yield Finding(
            Verdict.WARN, "sixel encoder", "numpy, several times slower: install a C compiler and Tagline anew"
        )
    yield check_sqlite(sqlite3.sqlite_version_info)


def check_sqlite(version: tuple[int, ...]) -> Finding:
    """SQLite's own version. Pure."""
    text = ".".join(map(str, version))
    if version < WAL_RESET_FIXED:
        fixed = ".".join(map(str, WAL_RESET_FIXED))
        text += f" has the WAL-reset bug, fixed in {fixed}: very rare, several front ends on one file; PostgreSQL is not touched by it"
        return Finding(Verdict.WARN, "sqlite", text)
    return Finding(Verdict.OK, "sqlite", text)


async def check_database(url: str) -> Finding:
    """The database: reachable, of this version, not damaged."""
    try:
        db = await open_database(url)
    except TaglineError as error:
        return Finding(Verdict.FAIL, "database", str(error))
    try:
        return await check_open_database(db)
    finally:
        await db.close()


async def check_open_database(db: Database) -> Finding:
    """A database that is open already: can it be written?"""
    try:
        await db.write(lambda _conn: None)
    except TaglineError as error:
        return Finding(Verdict.FAIL, "database", str(error))
    return Finding(Verdict.OK, "database", f"{db.dialect}, of this version, can be written")


def check_data_dir(config: Config) -> Iterator[Finding]:
    """The data folder, the room on its disk, the host key."""
    folder = config.data_dir
    if not folder.is_dir():
        yield Finding(Verdict.FAIL, "data folder", f"{folder} is not there; run `tagline --data {folder} init`")
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        yield Finding(Verdict.FAIL, "data folder", f"{folder} cannot be written by this user")
    else:
        yield Finding(Verdict.OK, "data folder", str(folder))
    free = shutil.disk_usage(folder).free
    verdict = Verdict.WARN if free < LOW_DISK_BYTES else Verdict.OK
    yield Finding(verdict, "disk", f"{free / 1e9:.1f} GB free")
    yield _check_host_key(config)


def _check_host_key(config: Config) -> Finding:
    path = config.host_key_path
    if not path.exists():
        return Finding(Verdict.WARN, "host key", f"{path} is not there; the first `serve` makes one")
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        return Finding(Verdict.FAIL, "host key", f"others can read {path}; run `chmod 600 {path}`")
    return Finding(Verdict.OK, "host key", str(path))


def check_port(config: Config) -> Finding:
    """Whether `serve` could listen, or listens already."""
    with socket.socket(socket.AF_INET6 if ":" in config.host else socket.AF_INET) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((config.host, config.port))
        except OSError as error:
            if _is_ours(config):
                return Finding(Verdict.OK, "port", f"{config.port}: Tagline listens")
            return Finding(Verdict.FAIL, "port", f"{config.host} port {config.port}: {error.strerror}; set another")
    return Finding(Verdict.OK, "port", f"{config.port} is free: nothing listens there now")


def _is_ours(config: Config) -> bool:
    host = "127.0.0.1" if config.host == "0.0.0.0" else config.host  # noqa: S104 - compared, not bound
    try:
        with socket.create_connection((host, config.port), timeout=2) as connection:
            connection.settimeout(2)
            return b"Tagline" in connection.recv(64)
    except OSError:
        return False


def check_terminal() -> Finding:
    """The terminal that this runs in, asked as a session asks it."""
    term = os.environ.get("TERM", "")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return Finding(Verdict.OK, "terminal", "not looked at: this does not run in one")
    if term in DUMB_TERMS:
        return Finding(
            Verdict.FAIL, "terminal", f"TERM={term!r} cannot show Tagline; use a terminal that moves its cursor"
        )
    return describe_terminal(ask_terminal(term))


def ask_terminal(term: str) -> Probe:
    """Ask the terminal on standard input and output; it is left as it was."""
    size = os.get_terminal_size()
    probe, replies = Probe(Terminal(term=term, env=dict(os.environ))), ReplyFilter()
    probe.set_cells(size.columns, size.lines)
    before = termios.tcgetattr(0)
    tty.setcbreak(0)
    try:
        os.write(1, PROBE)
        until = time.monotonic() + PROBE_S
        while not probe.complete and (left := until - time.monotonic()) > 0:
            if select.select([0], [], [], left)[0]:
                for reply in replies.feed(os.read(0, 4096))[1]:
                    probe.take(reply)
    finally:
        os.write(1, b"\x1b[?1049l")
        termios.tcsetattr(0, termios.TCSAFLUSH, before)
    probe.finish()
    return probe


def describe_terminal(probe: Probe) -> Finding:
    """What a session in this terminal would show. Pure."""
    terminal = probe.terminal
    if not probe.complete:
        return Finding(
            Verdict.WARN, "terminal", f"{terminal.term} does not answer questions: pictures as coloured cells"
        )
    columns, rows = terminal.size_cells
    colors = "24-bit colour" if terminal.truecolor else "256 colours"
    text = f"{terminal.name or terminal.term}, {columns}x{rows}, pictures by {terminal.graphics}, {colors}"
    if terminal.graphics is Graphics.CELLS:
        return Finding(Verdict.WARN, "terminal", f"{text}: a terminal with kitty graphics or sixel shows real pictures")
    return Finding(Verdict.OK, "terminal", text)


async def examine(config: Config) -> list[Finding]:
    """Everything, on the server itself."""
    findings = [*check_versions(), *check_data_dir(config)]
    if config.data_dir.is_dir() or not config.database_url.startswith("sqlite"):
        findings.append(await check_database(config.database_url))
    last: tuple[Callable[[], Finding], ...] = (
        check_learning, lambda: check_segmenter(config.segmenter_paths), lambda: check_port(config), check_terminal,
    )  # fmt: skip
    return [*findings, *(check() for check in last)]
