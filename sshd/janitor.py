"""The process behind the sessions, `python -m sshd.janitor`, started by serve.

It gives unrenewed leases back to the queue, loads the files of new projects, looks for new ones, takes files of labels in, exports
into datastores and clears away what a restore that was cut off left: whatever would be too much work for a process in which people label.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from core.db.clock import SharedClock
from core.db.database import Database, open_database
from core.errors import TaglineError
from core.intake.imports import refresh_one
from core.intake.imports import work_one as load_one
from core.intake.refresh import refresh, take_due
from core.labeling.queue import expire
from core.team.access import OPERATOR
from core.transfer.restoring import clear_one
from core.upkeep.installation import installation
from exporters.datastore import work_one as export_one
from exporters.importers.background import work_one as label_one
from sshd.child import run_child
from sshd.commands.status import write_whole
from sshd.config import Config
from sshd.facts import prometheus, status_facts
from sshd.presence import present
from storage import open_store
from storage.base import StorageError

log = logging.getLogger("tagline.janitor")

PERIOD_S = 5.0
LOAD_PERIOD_S = 1.0
METRICS_PERIOD_S = 15.0
_CLOCK = SharedClock()
BATCH = 500
JOBS = (load_one, refresh_one, label_one, export_one, clear_one)


async def sweep(db: Database, *, now_ms: int) -> int:
    """Return every lease that has run out by `now_ms`, in small transactions; says how many."""
    expired = 0
    while count := await db.write(expire, now_ms=now_ms, limit=BATCH):
        expired += count
        if count < BATCH:
            break
    return expired


async def refresh_due(db: Database) -> None:
    """Look for new files in every project whose interval has passed; trouble with one is logged, the others go on."""
    while (project := await db.write(take_due, now_ms=_CLOCK.now_ms())) is not None:
        try:
            store = await asyncio.to_thread(open_store, project.datastore)
            found = await refresh(db, OPERATOR, project.id, store, now_ms=_CLOCK.now_ms)
            log.info("project %d refreshed: %d new, %d missing", project.id, found.added, found.missing)
        except (TaglineError, StorageError) as error:
            log.warning("project %d could not be refreshed: %s", project.id, error)


async def _keep_fresh(db: Database) -> None:
    """Refresh in the background for ever, so that a long listing never holds the leases up."""
    while True:
        try:
            await refresh_due(db)
        except TaglineError as error:
            log.warning("projects could not be refreshed: %s", error)
        await asyncio.sleep(PERIOD_S)


async def _do_jobs(db: Database, one: Callable[..., Awaitable[bool]]) -> None:
    """Do what people asked for on a screen or by a command, one after the other, for ever."""
    worker = f"janitor {socket.gethostname()} {os.getpid()}"
    while True:
        try:
            if await one(db, worker, now_ms=_CLOCK.now_ms):
                continue
        except TaglineError as error:
            log.warning("a background job could not be done: %s", error)
        await asyncio.sleep(LOAD_PERIOD_S)


async def _write_metrics(db: Database, path: Path) -> None:
    """Keep the metrics file fresh for ever."""
    while True:
        try:
            now_ms = _CLOCK.now_ms()
            facts = status_facts(await db.read(installation, now_ms=now_ms), now_ms=now_ms)
            await asyncio.to_thread(write_whole, path, prometheus(facts))
        except TaglineError as error:
            log.warning("metrics could not be written: %s", error)
        await asyncio.sleep(METRICS_PERIOD_S)


async def work(config: Config, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Sweep every few seconds until `stop`; trouble with the database is logged and tried again."""
    db = await open_database(config.database_url, pool_size=4)
    await _CLOCK.follow(db)
    ready()
    works = [_CLOCK.keep(db), _keep_fresh(db), *(_do_jobs(db, one) for one in JOBS)]
    if config.metrics_file:
        works.append(_write_metrics(db, Path(config.metrics_file)))
    chores = [asyncio.create_task(one) for one in works]
    try:
        async with present(db, "janitor"):
            await _sweep_until(stop, db)
    finally:
        for chore in chores:
            chore.cancel()
        await asyncio.gather(*chores, return_exceptions=True)
        await db.close()


async def _sweep_until(stop: asyncio.Event, db: Database) -> None:
    while not stop.is_set():
        try:
            if expired := await sweep(db, now_ms=_CLOCK.now_ms()):
                log.info("%d leases ran out and went back to the queue", expired)
        except TaglineError as error:
            log.warning("leases could not be swept: %s", error)
        try:
            await asyncio.wait_for(stop.wait(), PERIOD_S)
        except TimeoutError:
            continue


if __name__ == "__main__":
    sys.exit(run_child(work))
