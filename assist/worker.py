"""The worker's loop: see which projects need something, take one job at a time, write down how it ended.

Labeling never waits for it: it only writes rows, in short transactions. One of the three borders where errors are caught.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from assist.calibrate import upper_bound
from assist.classification import jobs as classification_jobs
from assist.detection import jobs as detection_jobs
from assist.device import NO_TORCH, choose_device, has_torch
from assist.errors import CannotTrain, Unexpected, explained
from assist.runtime import Runtime
from assist.ticket import Stopping, Ticket, now_ms
from core.assist import learning
from core.assist.learning import Subject
from core.assist.schedule import FEATURIZE, KINDS, LEAST_JUDGED, SURE_OF_HARM, TRAIN, dedup, due, facts_of
from core.background import jobs
from core.background.jobs import Worker
from core.db.database import Database
from core.errors import DatabaseTrouble, DiskFull, JobLost, TaglineError
from core.ids import ProjectId
from storage.base import StorageError

log = logging.getLogger("tagline.assist")

TICK_S = 2.0
REPORT_MS = 30_000
ACT: dict[tuple[str, bool], Callable[[Ticket, Subject, Runtime], Awaitable[None]]] = {
    (FEATURIZE, False): classification_jobs.featurize,
    (TRAIN, False): classification_jobs.train,
    (FEATURIZE, True): detection_jobs.draw_audit,
    (TRAIN, True): detection_jobs.train,
}


async def work(db: Database, folder: Path, stop: asyncio.Event) -> None:
    """Serve until `stop`; trouble with one project or with the database is logged, and the loop goes on."""
    device = await asyncio.to_thread(choose_device)
    runtime = Runtime(device, folder, {})
    name = f"{socket.gethostname()}:{os.getpid()}"[-80:]
    provides = ("torch",) if has_torch() else ()
    log.info("learning worker on %s", device.name)
    reported_ms = 0
    while not stop.is_set():
        busy = False
        try:
            if now_ms() - reported_ms > REPORT_MS:  # an idle worker is no burden on the database
                reported_ms = now_ms()
                await db.write(jobs.report, Worker(name, device.name, "" if provides else NO_TORCH, reported_ms))
            await ask_for_due(db)
            busy = await take_one(db, runtime, name, provides, stop)
        except TaglineError as error:
            log.warning("%s", error)
        if not busy:
            await _rest(stop)
    with suppress(TaglineError):  # else it is held for alive a little longer
        await db.write(jobs.leave, name)


async def _rest(stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stop.wait(), TICK_S)
    except TimeoutError:
        return


async def ask_for_due(db: Database) -> None:
    """Enqueue what projects need, and switch off the models that people keep correcting."""
    if await db.read(learning.orphans):
        await db.write(learning.close_orphans, now_ms=now_ms())
    for subject in await db.read(learning.subjects):
        await _switch_off_if_bad(db, subject)
        for kind in due(await db.read(facts_of, subject)):
            await db.write(
                jobs.enqueue, kind, dedup(subject.project), {}, now_ms=now_ms(), project=subject.project,
                needs=subject.needs,
            )  # fmt: skip


async def _switch_off_if_bad(db: Database, subject: Subject) -> None:
    active = await db.read(learning.active_run, subject.project)
    if active is None or active.threshold is None:
        return
    live = await db.read(learning.live, active.id)
    target = subject.settings.target
    if live.judged < LEAST_JUDGED or upper_bound(live.kept, live.judged, SURE_OF_HARM) >= target:
        return
    reason = (
        f"Switched off: people kept {live.precision:.0%} of {live.judged} suggestions, under the target of {target:.0%}. "
        "The images are served by hand until the next training."
    )
    await db.write(learning.switch_off, subject.project, active.id, reason, now_ms=now_ms())
    log.warning("project %d: %s", subject.project, reason)


async def take_one(db: Database, runtime: Runtime, name: str, provides: tuple[str, ...], stop: asyncio.Event) -> bool:
    """Do one job, if one waits; True when there was one."""
    if not await db.read(jobs.has_ready, provides, KINDS, now_ms=now_ms()):
        return False
    job = await db.write(jobs.claim, name, provides, now_ms=now_ms(), kinds=KINDS)
    if job is None:
        return False
    assert job.project is not None
    subject = await db.read(learning.subject, job.project)
    if subject is None:
        await db.write(jobs.cancel, job.project, KINDS, now_ms=now_ms())
        return True
    ticket = Ticket(db, job, stop)
    async with ticket.beating():
        await _attempt(ticket, subject, runtime)
    return True


async def _attempt(ticket: Ticket, subject: Subject, runtime: Runtime) -> None:
    job, db = ticket.job, ticket.db
    try:
        await ACT[job.kind, subject.task_type.has_regions](ticket, subject, runtime)
        await db.write(jobs.finish, job.id, job.attempt, now_ms=now_ms())
    except JobLost:
        log.info("job %d is no longer ours", job.id)
    except Stopping:
        await db.write(jobs.give_back, job.id, job.attempt)
    except CannotTrain as error:
        await _failed(ticket, subject.project, error, again=False)
    except OSError as error:
        found = explained(error)
        await _failed(ticket, subject.project, found, again=isinstance(found, DiskFull))
    except (TaglineError, StorageError, MemoryError) as error:
        await _failed(
            ticket, subject.project, error, again=isinstance(error, StorageError | DatabaseTrouble | DiskFull)
        )
    except Exception as error:
        log.exception("project %d, %s", subject.project, job.kind)
        await _failed(ticket, subject.project, Unexpected(error), again=False)


async def _failed(ticket: Ticket, project: ProjectId, error: BaseException, *, again: bool) -> None:
    job, db = ticket.job, ticket.db
    reason = str(error) or f"The worker ran out of memory or met {type(error).__name__}; what it had is kept."
    log.warning("project %d, %s: %s", project, job.kind, reason)
    await db.write(jobs.fail, job.id, job.attempt, reason, now_ms=now_ms(), again=again)
    await db.write(learning.close_orphans, now_ms=now_ms())
