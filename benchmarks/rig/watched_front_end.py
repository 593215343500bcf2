"""A front end that notes, for each session, when key bytes come in and when bytes go out; `benchmarks.sessions` runs it.

The notes are (user, seconds, what, bytes), what being `key`, `enter`, `text` or `picture`; they are written as JSON lines, a file
a process, when it ends.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import orjson

from sshd.child import run_child
from sshd.config import Config
from sshd.front_end import serve_front_end
from sshd.output import Output
from sshd.session.keys import KeysSession

NOTES = "notes.jsonl"
_notes: list[tuple[int, float, str, int]] = []
_users: dict[int, str] = {}


def _watch() -> None:
    """Put notes between the session and its channel."""
    take_keys, put = KeysSession._take_keys, Output._put

    def noting_keys(self: KeysSession, keys: bytes) -> None:
        if hasattr(self, "output"):
            _users[id(self.output)] = self._connection.user_name
            _notes.append((id(self.output), time.perf_counter(), "enter" if keys == b"\r" else "key", len(keys)))
        take_keys(self, keys)

    def noting_output(self: Output, data: bytes, *, is_bulk: bool) -> None:
        put(self, data, is_bulk=is_bulk)
        if data:
            _notes.append((id(self), time.perf_counter(), "picture" if is_bulk else "text", len(data)))

    KeysSession._take_keys = noting_keys
    Output._put = noting_output


async def work(config: Config, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Serve as the real one does; at the end, write the notes."""
    _watch()
    try:
        await serve_front_end(config, stop, ready)
    finally:
        with (config.data_dir / f"{os.getpid()}.{NOTES}").open("wb") as file:
            for output, at_s, what, size in _notes:
                row: list[Any] = [_users.get(output, ""), at_s, what, size]
                file.write(orjson.dumps(row) + b"\n")


if __name__ == "__main__":
    sys.exit(run_child(work))
