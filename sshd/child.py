"""What every supervised process does alike: reads its settings, beats its heart, ends gently when it is told to."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

from core.errors import BadInput, DatabaseNewer, DatabaseOlder, TaglineError
from sshd import logs
from sshd.config import Config
from sshd.supervisor import EX_CONFIG

log = logging.getLogger("tagline.child")

BEAT_S = 0.5
EX_TEMPFAIL = 75

Work = Callable[[Config, asyncio.Event, Callable[[], None]], Awaitable[None]]


def run_child(work: Work) -> int:
    """Run `work(config, stop, ready)` in a fresh event loop; returns the process's exit status.

    The settings come as JSON on stdin, the heartbeat pipe is the descriptor named by the first argument. `work` calls
    `ready` when it serves, and returns soon after `stop` is set. When the supervisor is gone, the child ends, too.
    """
    config = Config.from_json(sys.stdin.buffer.read())
    logs.set_up(config.log_level, config.log_format)
    try:
        asyncio.run(_live(config, work, int(sys.argv[1])))
    except (BadInput, DatabaseOlder, DatabaseNewer) as error:
        sys.stderr.write(f"tagline: {error}\n")
        return EX_CONFIG
    except TaglineError as error:
        log.error("%s", error)
        return EX_TEMPFAIL
    return 0


async def _live(config: Config, work: Work, beats_fd: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    os.set_blocking(beats_fd, False)
    hearts: list[asyncio.Task[None]] = []
    try:
        await work(config, stop, lambda: hearts.append(loop.create_task(_beat(beats_fd, stop))))
    finally:
        for heart in hearts:
            heart.cancel()


async def _beat(beats_fd: int, stop: asyncio.Event) -> None:
    while True:
        try:
            with suppress(BlockingIOError):
                os.write(beats_fd, b".")
        except BrokenPipeError:
            log.error("the supervisor is gone")
            stop.set()
            return
        await asyncio.sleep(BEAT_S)
