"""The server's worker for tests that ask it for something: the real one's jobs, done in this process as long as they wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.db.database import Database
from sshd.janitor import JOBS

PERIOD_S = 0.05


@asynccontextmanager
async def janitor(db: Database) -> AsyncIterator[None]:
    """Do every job that is asked for, until the end of the block."""
    working = asyncio.create_task(_work(db))
    try:
        yield
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def _work(db: Database) -> None:
    while True:
        for one in JOBS:
            await one(db, "janitor", now_ms=lambda: time.time_ns() // 1_000_000)
        await asyncio.sleep(PERIOD_S)
