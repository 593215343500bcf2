"""The process that gives unrenewed leases back to the queue: `python -m sshd.janitor`, started by serve."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable

from core.database import Database, open_database
from core.errors import TaglineError
from core.queue import expire
from sshd.child import run_child
from sshd.config import Config

log = logging.getLogger("tagline.janitor")

PERIOD_S = 5.0
BATCH = 500


async def sweep(db: Database, *, now_ms: int) -> int:
    """Return every lease that has run out by `now_ms`, in small transactions; says how many."""
    expired = 0
    while count := await db.write(expire, now_ms=now_ms, limit=BATCH):
        expired += count
        if count < BATCH:
            break
    return expired


async def work(config: Config, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Sweep every few seconds until `stop`; trouble with the database is logged and tried again."""
    db = await open_database(config.database_url, pool_size=1)
    ready()
    try:
        while not stop.is_set():
            try:
                if expired := await sweep(db, now_ms=time.time_ns() // 1_000_000):
                    log.info("%d leases ran out and went back to the queue", expired)
            except TaglineError as error:
                log.warning("leases could not be swept: %s", error)
            try:
                await asyncio.wait_for(stop.wait(), PERIOD_S)
            except TimeoutError:
                continue
    finally:
        await db.close()


if __name__ == "__main__":
    sys.exit(run_child(work))
