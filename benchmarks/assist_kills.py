"""kill -9 of the learning worker, again and again, in every phase; then two workers at once. The peer of each figure is zero.

A labeler goes on labeling meanwhile. What people said is compared answer by answer at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import signal
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, func, select

from core import jobs, learning
from core.annotation import Answer
from core.assist_schedule import KINDS, TRAIN, dedup
from core.database import Database, open_database
from core.ids import ItemId, ProjectId
from core.jobs import JobState
from core.learning import RunState
from core.progress import queue_counts
from core.schema import migrate
from core.tables import ITEM, JOB, PREDICTION
from tests.assist.house import Studio, open_studio
from tests.assist.test_kills import forget_leases, start
from tests.builders import NOW_MS

KILLS = 20
EACH = 400
LABELED = 200
PAUSES_S = (0.0, 0.8)
WAIT_S = 300


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Counts; all but the first few should be 0."""
    with TemporaryDirectory(prefix="tagline-kills-") as name:
        found = asyncio.run(_killed(Path(name), args.items or KILLS))
    zero = ("labels changed", "prelabels without a prediction", "queue counts that do not add up", "runs left open")
    return {**found, "met": {what: found[what] == 0 for what in zero}}


async def _killed(folder: Path, kills: int) -> dict[str, Any]:
    url = f"sqlite:///{folder / 'tagline.db'}"
    await migrate(url)
    db = await open_database(url)
    try:
        studio = await open_studio(db, folder, each=EACH, target=0.8)
        await studio.let_it_work()
        await studio.label(LABELED)
        before = await people_said(db, studio.project)
        phases = await _kill_often(db, folder, studio, kills)
        await finish_with_two(db, folder, studio.project)
        return {"kills": kills, "killed in": dict(phases), **await compared(db, studio.project, before)}
    finally:
        await db.close()


async def _kill_often(db: Database, folder: Path, studio: Studio, kills: int) -> Counter[str]:
    """Start, wait a while, kill. Half of the times the embeddings are gone, as if the pictures were new; a training is asked
    for again whenever the last one was done.
    """
    rng, phases = random.Random(1), Counter[str]()
    for n in range(kills):
        if n % 2:
            shutil.rmtree(folder / "assist" / "features", ignore_errors=True)
        if not await db.read(jobs.unfinished_count):
            await db.write(jobs.enqueue, TRAIN, dedup(studio.project), {}, now_ms=NOW_MS, project=studio.project)
        worker = await start(folder)
        while not await db.read(is_held):  # noqa: ASYNC110 - the fact lies in the database
            await asyncio.sleep(0.01)
        await asyncio.sleep(rng.uniform(*PAUSES_S))
        worker.send_signal(signal.SIGKILL)
        await worker.wait()
        phases[await _phase(db, folder, studio)] += 1
        await forget_leases(db)
    return phases


def is_held(conn: Connection) -> bool:
    """True once a worker that lives has a job in hand: the leases of the dead ones were set back."""
    held = (JOB.c.state == JobState.RUNNING.value) & (JOB.c.lease_until_ms > 1)
    return conn.execute(select(JOB.c.id).where(held)).first() is not None


async def _phase(db: Database, folder: Path, studio: Studio) -> str:
    """What it was at when it died."""
    job = next((job for job in await db.read(jobs.jobs_of, studio.project, KINDS) if job.is_unfinished), None)
    if job is None:
        return "done already"
    run = next((run for run in await db.read(learning.runs_of, studio.project, 1) if run.kind == job.kind), None)
    if run is None or run.state is not RunState.RUNNING:
        return f"{job.kind}: reading"
    if await db.read(learning.weights_of, run.id) is not None:
        return f"{job.kind}: predicting and placing"
    keys = sum(path.stat().st_size for path in (folder / "assist" / "features").glob("*/keys"))
    return f"{job.kind}: {'embedding' if keys < 16 * len(studio.truth) else 'fitting or placing'}"


async def finish_with_two(db: Database, folder: Path, project: ProjectId) -> None:
    """Two workers at once, until nothing is left to do and a model is in use."""
    if not await db.read(jobs.unfinished_count):
        await db.write(jobs.enqueue, TRAIN, dedup(project), {}, now_ms=NOW_MS, project=project)
    workers = [await start(folder), await start(folder)]
    async with asyncio.timeout(WAIT_S):
        while await _is_busy(db, project):  # noqa: ASYNC110 - the fact lies in the database
            await asyncio.sleep(0.2)
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
        await worker.wait()


async def _is_busy(db: Database, project: ProjectId) -> bool:
    return bool(await db.read(jobs.unfinished_count)) or await db.read(learning.active_run, project) is None


async def people_said(db: Database, project: ProjectId) -> Mapping[ItemId, Answer]:
    """Each answer that stands."""
    seen = await db.read(learning.seen_after, project, ItemId(0), 10_000)
    return {one.item: one.answer for one in seen if one.answer is not None}


async def compared(db: Database, project: ProjectId, before: Mapping[ItemId, Answer]) -> dict[str, Any]:
    """What was lost, doubled or changed, in counts."""
    after = await people_said(db, project)
    queue = await db.read(queue_counts, project)
    counted = await db.read(_by_kind)
    runs = await db.read(learning.runs_of, project, 200)
    found = await db.read(jobs.jobs_of, project, KINDS, 200)
    return {
        "jobs done": sum(job.state is JobState.DONE for job in found),
        "jobs given up": sum(job.state is JobState.FAILED for job in found),
        "predictions": await db.read(_count_predictions),
        "labels changed": sum(after.get(item) != answer for item, answer in before.items()) + len(after) - len(before),
        "prelabels without a prediction": await db.read(_lost),
        "queue counts that do not add up": sum(queue.get(kind, 0) != counted.get(kind.value, 0) for kind in queue),
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
