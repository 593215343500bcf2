"""kill -9 of a learning worker, again and again, then two workers at once: what both benchmarks of it share.

What people said is compared answer by answer at the end.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, func, select

from core.annotation import Answer
from core.assist import learning
from core.assist.learning import Run, RunState
from core.assist.schedule import KINDS, TRAIN, dedup
from core.background import jobs
from core.background.jobs import Job, JobState
from core.counts.progress import queue_counts
from core.db.database import Database, open_database
from core.db.schema import migrate
from core.db.tables import ITEM, JOB, PREDICTION
from core.ids import ItemId, ProjectId
from tests.assist.test_kills import forget_leases, start
from tests.builders import NOW_MS

WAIT_S = 300
DONE = "done already"
ZERO = ("labels changed", "prelabels without a prediction", "queue counts that do not add up", "runs left open")


Look = Callable[[], Awaitable[str]]


@dataclass(frozen=True)
class Victim:
    """A project with labels, and how its worker dies.

    Attributes:
        needs: what a worker must have to train on the project.
        moment: returns when the worker, which has a job in hand, is to be killed, given the number of the kill, from 0, and a look at what
            the worker is at.
        phase: what a worker was at when it died, given its job, its run, and whether that has a model already.
        prepare: called with the number of each kill before the worker starts.
    """

    db: Database
    folder: Path
    project: ProjectId
    needs: str
    moment: Callable[[int, Look], Awaitable[None]]
    phase: Callable[[Job, Run, bool], str]
    prepare: Callable[[int], None] | None = None


@asynccontextmanager
async def empty_database() -> AsyncIterator[tuple[Database, Path]]:
    """A database with no project, and the data folder that holds it."""
    with TemporaryDirectory(prefix="tagline-kills-") as name:
        url = f"sqlite:///{Path(name) / 'tagline.db'}"
        await migrate(url)
        db = await open_database(url)
        try:
            yield db, Path(name)
        finally:
            await db.close()


async def killed(victim: Victim, kills: int) -> dict[str, Any]:
    """Counts of so many kills; all but the first few should be 0, as `met` says."""
    before = await _people_said(victim)
    phases = Counter([await _kill(victim, n) for n in range(kills)])
    await _finish_with_two(victim)
    found = await _compared(victim, before)
    met = {what: found[what] == 0 for what in ZERO}
    return {"kills": kills, "killed in": dict(phases), **found, "met": met}


async def _kill(victim: Victim, number: int) -> str:
    """Start, wait for the moment, kill; returns what the worker was at. A training is asked for where nothing is to be done."""
    if victim.prepare is not None:
        victim.prepare(number)
    await _ask(victim)
    worker = await start(victim.folder)
    try:
        async with asyncio.timeout(WAIT_S):
            while not await victim.db.read(_is_held) and await victim.db.read(jobs.unfinished_count):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await victim.moment(number, lambda: _phase(victim))
    finally:
        worker.kill()
        await worker.wait()
    phase = await _phase(victim)
    await forget_leases(victim.db)
    return phase


async def _ask(victim: Victim) -> None:
    if not await victim.db.read(jobs.unfinished_count):
        await victim.db.write(
            jobs.enqueue, TRAIN, dedup(victim.project), {}, now_ms=NOW_MS, project=victim.project, needs=victim.needs
        )


def _is_held(conn: Connection) -> bool:
    """True once a worker that lives has a job in hand: the leases of the dead ones were set back."""
    held = (JOB.c.state == JobState.RUNNING.value) & (JOB.c.lease_until_ms > 1)
    return conn.execute(select(JOB.c.id).where(held)).first() is not None


async def _phase(victim: Victim) -> str:
    db, project = victim.db, victim.project
    job = next((job for job in await db.read(jobs.jobs_of, project, KINDS) if job.is_unfinished), None)
    if job is None:
        return DONE
    run = next((run for run in await db.read(learning.runs_of, project, 1) if run.kind == job.kind), None)
    if run is None or run.state is not RunState.RUNNING:
        return f"{job.kind}: reading"
    learned = await db.read(learning.weights_of, run.id) is not None
    return f"{job.kind}: {victim.phase(job, run, learned)}"


async def _finish_with_two(victim: Victim) -> None:
    """Two workers at once, until nothing is left to do and a model is in use."""
    await _ask(victim)
    workers = [await start(victim.folder), await start(victim.folder)]
    try:
        async with asyncio.timeout(WAIT_S):
            while await _is_busy(victim):  # noqa: ASYNC110 - the fact lies in the database
                await asyncio.sleep(0.2)
    finally:
        for worker in workers:
            worker.terminate()
            await worker.wait()


async def _is_busy(victim: Victim) -> bool:
    active = await victim.db.read(learning.active_run, victim.project)
    return active is None or bool(await victim.db.read(jobs.unfinished_count))


async def _people_said(victim: Victim) -> Mapping[ItemId, Answer]:
    """Each answer that stands."""
    seen = await victim.db.read(learning.seen_after, victim.project, ItemId(0), 10_000)
    return {one.item: one.answer for one in seen if one.answer is not None}


async def _compared(victim: Victim, before: Mapping[ItemId, Answer]) -> dict[str, int]:
    """What was done, and what was lost, doubled or changed."""
    db, project = victim.db, victim.project
    after = await _people_said(victim)
    queue, counted = await db.read(queue_counts, project), await db.read(_by_kind)
    runs, found = await db.read(learning.runs_of, project, 200), await db.read(jobs.jobs_of, project, KINDS, 200)
    return {
        "jobs done": sum(job.state is JobState.DONE for job in found),
        "jobs given up": sum(job.state is JobState.FAILED for job in found),
        "predictions": await db.read(_count_predictions),
        "labels changed": sum(before.get(item) != after.get(item) for item in before.keys() | after.keys()),
        "prelabels without a prediction": await db.read(_lost),
        "queue counts that do not add up": sum(n != counted.get(kind.value, 0) for kind, n in queue.items()),
        "runs left open": sum(run.state is RunState.RUNNING for run in runs),
    }


def _lost(conn: Connection) -> int:
    there = (PREDICTION.c.item_id == ITEM.c.id) & (PREDICTION.c.model_id == ITEM.c.model_id)
    shown = select(func.count()).select_from(ITEM.outerjoin(PREDICTION, there))
    return conn.execute(shown.where(ITEM.c.kind == 0, ITEM.c.state == 0, PREDICTION.c.item_id.is_(None))).scalar_one()


def _count_predictions(conn: Connection) -> int:
    return conn.execute(select(func.count()).select_from(PREDICTION)).scalar_one()


def _by_kind(conn: Connection) -> dict[int, int]:
    rows = conn.execute(select(ITEM.c.kind, func.count()).where(ITEM.c.state == 0).group_by(ITEM.c.kind))
    return {int(kind): int(n) for kind, n in rows}
