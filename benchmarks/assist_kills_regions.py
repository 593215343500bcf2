"""kill -9 of the learning worker while it trains a detector, then two workers at once. The peer of each figure is zero."""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, select

from assist.device import choose_device, has_torch
from assist.runtime import Runtime
from benchmarks.assist_kills import compared, finish_with_two, is_held, people_said
from core import jobs, learning
from core.assist_schedule import KINDS, TRAIN, dedup
from core.database import Database, open_database
from core.ids import ProjectId, TaskType
from core.jobs import JobState
from core.learning import RunState
from core.schema import migrate
from core.tables import JOB
from tests.assist.regions import draw_regions, let_it_work, open_regions
from tests.assist.test_kills import forget_leases, start
from tests.builders import NOW_MS

KILLS = 10
PICTURES = 60
LABELED = 30
PROGRESS = (0.0, 0.99)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Counts; all but the first few should be 0."""
    if not has_torch():
        return {"skipped": "PyTorch (tagline[assist]) is needed"}
    with TemporaryDirectory(prefix="tagline-kills-") as name:
        found = asyncio.run(_killed(Path(name), args.items or KILLS))
    zero = ("labels changed", "prelabels without a prediction", "queue counts that do not add up", "runs left open")
    return {**found, "met": {what: found[what] == 0 for what in zero}}


async def _killed(folder: Path, kills: int) -> dict[str, Any]:
    url = f"sqlite:///{folder / 'tagline.db'}"
    await migrate(url)
    db = await open_database(url)
    try:
        project, account, truth = await open_regions(
            db, folder / "pictures", PICTURES, TaskType.OBJECT_DETECTION, ("disc", "square"), first=LABELED, target=0.6
        )
        await let_it_work(db, Runtime(choose_device(), folder / "assist", {}))
        await draw_regions(db, project, account, truth, LABELED)
        before = await people_said(db, project)
        phases = await _kill_often(db, folder, project, kills)
        await finish_with_two(db, folder, project)
        return {"kills": kills, "killed in": dict(phases), **await compared(db, project, before)}
    finally:
        await db.close()


async def _kill_often(db: Database, folder: Path, project: ProjectId, kills: int) -> Counter[str]:
    """Start, wait until it is somewhere in its job, kill; a training is asked for again whenever the last one was done."""
    rng, phases = random.Random(1), Counter[str]()
    for _ in range(kills):
        if not await db.read(jobs.unfinished_count):
            await db.write(jobs.enqueue, TRAIN, dedup(project), {}, now_ms=NOW_MS, project=project, needs="torch")
        worker = await start(folder)
        while not await db.read(is_held):  # noqa: ASYNC110 - the fact lies in the database
            await asyncio.sleep(0.01)
        until = rng.uniform(*PROGRESS)
        while await db.read(_is_before, until):  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.05)
        worker.send_signal(signal.SIGKILL)
        await worker.wait()
        phases[await _phase(db, folder, project)] += 1
        await forget_leases(db)
    return phases


def _is_before(conn: Connection, progress: float) -> bool:
    """True while a job runs and is not yet that far."""
    running = JOB.c.state == JobState.RUNNING.value
    return conn.execute(select(JOB.c.id).where(running, JOB.c.progress < progress)).first() is not None


async def _phase(db: Database, folder: Path, project: ProjectId) -> str:
    """What it was at when it died."""
    job = next((job for job in await db.read(jobs.jobs_of, project, KINDS) if job.is_unfinished), None)
    if job is None:
        return "done already"
    run = (await db.read(learning.runs_of, project, 1))[0]
    if run.state is not RunState.RUNNING:
        return "reading"
    if await db.read(learning.weights_of, run.id) is not None:
        return "predicting and placing"
    kept = len(list((folder / "assist" / "folds" / str(run.id)).glob("*.json")))
    return "making the training set" if job.progress < 0.15 else f"training, {kept} folds kept"
