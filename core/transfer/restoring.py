"""A project comes in step by step, so that others write between; until it is whole nobody sees it, cut off it is cleared away.

A running job marks it. While the job is there, the project counts as deleted and its rows as not there; a job whose process
went silent is taken over by whoever clears up: the janitor, or the next restore.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from core.background import jobs
from core.background.jobs import Job, JobState
from core.db.database import Database
from core.db.tables import ACCOUNT, ASSIGNMENT, IS_LEASED, JOB, PROJECT, UNFINISHED
from core.errors import JobLost
from core.ids import ProjectId, ProjectState
from core.team import audit
from core.team.audit import Happening
from core.transfer.arrival import NEVER_MS, Arrival, Taken
from core.transfer.moving import TABLES, of_project

KIND = "restore"
LEASE_S = 60
CHECK_LEASE_S = 600
DISCARDED_ROWS = 1000
LONGEST_PAUSE_S = 0.25
LOST = "This restore was silent for so long that it was cleared away; nothing was restored."


def begin(conn: Connection, worker: str, *, now_ms: int) -> Job:
    """Mark that a project is coming in."""
    values = {
        "kind": KIND, "dedup": f"{worker} {now_ms}", "payload": {"strangers": []}, "state": JobState.RUNNING.value,
        "attempt": 1, "lease_until_ms": now_ms + LEASE_S * 1000, "progress": 0.0, "created_ms": now_ms, "needs": KIND,
        "worker": worker,
    }  # fmt: skip
    found = jobs.find(conn, conn.execute(insert(JOB).values(values).returning(JOB.c.id)).scalar_one())
    assert found is not None
    return found


def step(
    conn: Connection, job: Job, arrival: Arrival, table: Table, given: Sequence[Any], where: str, *, now_ms: int
) -> Taken:
    """Take some rows in. Raises JobLost, BadInput, DuplicateName."""
    keep(conn, job, now_ms=now_ms)
    taken = arrival.take(conn, table, given, where)
    if table is ACCOUNT:
        strangers = [*arrival.strangers, *taken.strangers]
        conn.execute(update(JOB).where(JOB.c.id == job.id).values(payload={"strangers": strangers}))
    elif table is PROJECT:
        for project in taken.ids.values():
            conn.execute(update(JOB).where(JOB.c.id == job.id).values(project_id=project))
    return taken


def keep(conn: Connection, job: Job, *, now_ms: int, lease_s: int = LEASE_S) -> None:
    """Say that this process still works at it. Raises JobLost."""
    if not jobs.beat(conn, job.id, job.attempt, now_ms=now_ms, lease_s=lease_s):
        raise JobLost(LOST)


def finish(conn: Connection, job: Job, arrival: Arrival, *, now_ms: int) -> None:
    """The project is whole: it is there, paused, and pages that were in hand go back with their drafts kept. Raises JobLost."""
    keep(conn, job, now_ms=now_ms)
    project = arrival.project
    leased = (IS_LEASED, ASSIGNMENT.c.lease_until_ms == NEVER_MS, ASSIGNMENT.c.project_id == project)
    conn.execute(update(ASSIGNMENT).where(*leased).values(lease_until_ms=0))
    conn.execute(update(PROJECT).where(PROJECT.c.id == project).values(state=ProjectState.PAUSED.value))
    body = {"rows": arrival.counts, "strangers": list(arrival.strangers.values())}
    audit.record(conn, [Happening("project-restored", None, project, body=body)], now_ms=now_ms)
    conn.execute(delete(JOB).where(JOB.c.id == job.id))


def arriving(conn: Connection) -> list[ProjectId]:
    """Projects that are not whole yet, or were cut off and are not cleared away yet; nearly always none."""
    found = select(JOB.c.project_id).where(UNFINISHED, JOB.c.kind == KIND, JOB.c.project_id.is_not(None))
    return [ProjectId(one) for one in conn.execute(found).scalars()]


def is_arriving(conn: Connection, name: str) -> bool:
    """True where the name is that of such a project, and free again once that is cleared away."""
    query = select(PROJECT.c.id).where(PROJECT.c.name == name, PROJECT.c.id.in_(arriving(conn)))
    return conn.execute(query).first() is not None


# Clearing away.


async def clear_one(db: Database, worker: str, *, now_ms: Callable[[], int]) -> bool:
    """Clear away one project whose restore went silent; False where there is none."""
    if not await db.read(jobs.has_ready, (KIND,), (KIND,), now_ms=now_ms()):
        return False
    job = await db.write(jobs.claim, worker, (KIND,), kinds=(KIND,), now_ms=now_ms(), lease_s=LEASE_S)
    if job is None:
        return False
    try:
        await discard(db, job, now_ms=now_ms)
    except asyncio.CancelledError:
        await asyncio.shield(db.write(jobs.give_back, job.id, job.attempt))
        raise
    return True


async def discard(db: Database, job: Job, *, now_ms: Callable[[], int]) -> None:
    """Take out all that came in with a job, in steps, resting between them. Raises JobLost."""
    while True:
        began = time.monotonic()
        if not await db.write(_discard_some, job, now_ms=now_ms()):
            return
        await rest(db, time.monotonic() - began)


async def rest(db: Database, took_s: float) -> None:
    """Let others write after a step that took so long: SQLite has one writer at a time, and labelers come first."""
    await asyncio.sleep(min(LONGEST_PAUSE_S, took_s) if db.dialect == "sqlite" else 0)


def _discard_some(conn: Connection, job: Job, *, now_ms: int) -> bool:
    """Delete rows of the last table that has any; False once nothing is left, not even the job."""
    keep(conn, job, now_ms=now_ms)
    row = conn.execute(select(JOB.c.project_id, JOB.c.payload).where(JOB.c.id == job.id)).one()
    if row.project_id is not None:
        for table in reversed([table for table in TABLES if table is not ACCOUNT]):
            if _delete_some(conn, table, ProjectId(row.project_id)):
                return True
    _delete_strangers(conn, row.payload["strangers"])
    conn.execute(delete(JOB).where(JOB.c.id == job.id))
    return False


def _delete_some(conn: Connection, table: Table, project: ProjectId) -> int:
    keys = list(table.primary_key.columns)
    some = select(*keys).where(of_project(table, project)).limit(DISCARDED_ROWS)
    return conn.execute(delete(table).where(tuple_(*keys).in_(some))).rowcount


def _delete_strangers(conn: Connection, accounts: Sequence[int]) -> None:
    """Accounts made for it go as well, unless something else names them by now."""
    for account in accounts:
        try:
            with conn.begin_nested():
                conn.execute(delete(ACCOUNT).where(ACCOUNT.c.id == account, ACCOUNT.c.disabled_ms.is_not(None)))
        except IntegrityError:
            continue
