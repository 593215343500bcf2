"""One background job from claim to end: held while it runs, given back when its worker is told to stop, failed in words."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from sqlalchemy import Connection, select

from core.background import jobs
from core.background.jobs import Job
from core.db.database import Database
from core.db.tables import JOB, UNFINISHED
from core.errors import BadInput, LeaseLost, TaglineError
from core.ids import ProjectId, ProjectState
from core.project.projects import project_by_id
from storage.base import StorageError, Unreachable

BEAT_S = 5.0
FULL = "the disk of the server is full. What was done so far is kept; free some room, and it is tried again"
BROKE = "something broke inside; the server's log says what. What was done so far is kept"

log = logging.getLogger("tagline.jobs")

Work = Callable[[Job, ProjectId], Coroutine[Any, Any, None]]


async def run_next(db: Database, worker: str, kind: str, work: Work, *, now_ms: Callable[[], int]) -> bool:
    """Do one job of a kind, which is also what a worker must provide for it; False where none waits.

    Cut off, the job goes back and another worker takes it on. What cannot be is kept as the job's error.
    """
    if not await db.read(_is_asked, kind):
        return False
    job = await _claim(db, worker, kind, now_ms())
    if job is None or job.project is None:
        return False
    try:
        await _while_held(db, job, job.project, work(job, job.project), now_ms)
    except LeaseLost:
        pass
    except (TaglineError, StorageError) as error:
        again = isinstance(error, Unreachable)
        await db.write(jobs.fail, job.id, job.attempt, str(error), now_ms=now_ms(), again=again)
    except Exception as error:
        is_full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        if not is_full:
            log.exception("the job %d (%s) broke", job.id, kind)
        await db.write(jobs.fail, job.id, job.attempt, FULL if is_full else BROKE, now_ms=now_ms(), again=is_full)
    except asyncio.CancelledError:
        await asyncio.shield(db.write(jobs.give_back, job.id, job.attempt))
        raise
    else:
        await db.write(jobs.finish, job.id, job.attempt, now_ms=now_ms())
    return True


async def _claim(db: Database, worker: str, kind: str, now_ms: int) -> Job | None:
    """Claim a job; one that is got just as the worker is told to stop goes back at once."""
    claiming = asyncio.ensure_future(db.write(jobs.claim, worker, (kind,), kinds=(kind,), now_ms=now_ms))
    try:
        return await asyncio.shield(claiming)
    except asyncio.CancelledError:
        if (job := await claiming) is not None:
            await db.write(jobs.give_back, job.id, job.attempt)
        raise


def _is_asked(conn: Connection, kind: str) -> bool:
    """True where a job of this kind waits or runs; a look that costs no write."""
    return conn.execute(select(JOB.c.id).where(JOB.c.kind == kind, UNFINISHED).limit(1)).first() is not None


async def _while_held(
    db: Database, job: Job, project: ProjectId, work: Coroutine[Any, Any, None], now_ms: Callable[[], int]
) -> None:
    """Do the work for as long as the job is this worker's and the project is there. Raises LeaseLost."""
    doing = asyncio.ensure_future(work)
    try:
        while not doing.done():
            await asyncio.wait([doing], timeout=BEAT_S)
            if not doing.done():
                await db.write(_keep, job, project, now_ms=now_ms())
        doing.result()
    finally:
        doing.cancel()
        await asyncio.gather(doing, return_exceptions=True)


def _keep(conn: Connection, job: Job, project: ProjectId, *, now_ms: int) -> None:
    if not jobs.beat(conn, job.id, job.attempt, now_ms=now_ms):
        raise LeaseLost("Another worker has this job now.")
    if project_by_id(conn, project).state is ProjectState.DELETED:
        raise BadInput("The project was deleted meanwhile.")
