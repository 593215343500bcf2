"""One attempt at one job: its heartbeat, its progress, and the moment when it is no longer ours."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar

from core.background import jobs
from core.background.jobs import Job
from core.db.database import Database
from core.errors import DatabaseTrouble, JobLost

P = ParamSpec("P")
T = TypeVar("T")

BEAT_S = 3.0


class Stopping(Exception):
    """The worker is to end; the job goes back to the queue."""


def now_ms() -> int:
    """The time in epoch ms, UTC."""
    return time.time_ns() // 1_000_000


class Ticket:
    """A worker's hold on a job. Every write goes through `write`, which fences it."""

    def __init__(self, db: Database, job: Job, stop: asyncio.Event) -> None:
        self.db, self.job = db, job
        self.progress = 0.0
        self._stop, self._lost = stop, False

    async def write(self, fn: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(connection, …)` in one transaction in which the job is still ours. Raises JobLost."""
        write: Any = self.db.write
        result: T = await write(jobs.fenced, self.job.id, self.job.attempt, fn, *args, **kwargs)
        return result

    def step(self, progress: float) -> None:
        """Say how far the job is, between two pieces of work. Raises JobLost, Stopping."""
        self.progress = progress
        if self._lost:
            raise JobLost("The job was cancelled, or another worker has it now.")
        if self._stop.is_set():
            raise Stopping

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Keep the lease while the body runs."""
        heart = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            heart.cancel()
            await asyncio.wait([heart])

    async def _beat(self) -> None:
        while not self._lost:
            await asyncio.sleep(BEAT_S)
            try:
                kept = await self.db.write(
                    jobs.beat, self.job.id, self.job.attempt, now_ms=now_ms(), progress=self.progress
                )
            except DatabaseTrouble:
                continue  # the lease outlasts a few missed beats
            self._lost = not kept
