"""A process says in the database that it lives and how much it does, so that `status` on any host knows of all."""

from __future__ import annotations

import asyncio
import importlib.metadata
import logging
import os
import resource
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from core.background.processes import Process, announce, leave
from core.db.database import Database
from core.errors import TaglineError

log = logging.getLogger("tagline.presence")

PERIOD_S = 10.0
LAG_PERIOD_S = 0.25
Figures = Callable[[], Mapping[str, float]]


def version() -> str:
    """The release of Tagline that runs."""
    try:
        return importlib.metadata.version("tagline")
    except importlib.metadata.PackageNotFoundError:
        return "from source"


class Vitals:
    """What every process tells of itself: CPU, memory, and how late its event loop was at worst since it last told."""

    def __init__(self) -> None:
        self._worst_lag_s = 0.0

    async def watch(self) -> None:
        """Measure the loop's lag. Runs until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_PERIOD_S
            await asyncio.sleep(LAG_PERIOD_S)
            self._worst_lag_s = max(self._worst_lag_s, loop.time() - due)

    def take(self) -> dict[str, float]:
        """The figures now; the lag begins anew."""
        lag, self._worst_lag_s = self._worst_lag_s, 0.0
        used = resource.getrusage(resource.RUSAGE_SELF)
        cpu_s = round(used.ru_utime + used.ru_stime, 2)
        return {"cpu_seconds_total": cpu_s, "memory_bytes": memory_bytes(), "loop_lag_worst_seconds": round(lag, 4)}


def memory_bytes() -> int:
    """Memory that this process holds; on systems without /proc, the most it ever held."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@asynccontextmanager
async def present(db: Database, kind: str, figures: Figures = dict) -> AsyncIterator[None]:
    """Say every few seconds that this process lives, until the block ends; then say that it left."""
    vitals, host = Vitals(), socket.gethostname()
    name, started_ms = f"{kind} {host} {os.getpid()}", _now_ms()

    def now() -> Process:
        told = {**vitals.take(), **figures()}
        return Process(name, kind, host, version(), started_ms, _now_ms(), told)

    chores = [asyncio.create_task(vitals.watch()), asyncio.create_task(_tell(db, now))]
    try:
        yield
    finally:
        for chore in chores:
            chore.cancel()
        await asyncio.gather(*chores, return_exceptions=True)
        with suppress(TaglineError, TimeoutError):
            async with asyncio.timeout(2):
                await db.write(leave, name)


async def _tell(db: Database, now: Callable[[], Process]) -> None:
    while True:
        try:
            await db.write(announce, now())
        except TaglineError as error:
            log.warning("this process could not say that it lives: %s", error)
        await asyncio.sleep(PERIOD_S)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
