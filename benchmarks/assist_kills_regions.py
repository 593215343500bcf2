"""kill -9 of the learning worker while it trains a detector, then two workers at once. The peer of each figure is zero."""

from __future__ import annotations

import argparse
import asyncio
import random
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from assist.device import choose_device, has_torch
from assist.runtime import Runtime
from benchmarks.rig.worker_kills import Look, Victim, empty_database, killed
from core.assist.learning import Run
from core.background.jobs import Job, JobState
from core.db.database import Database
from core.db.tables import JOB
from core.ids import ProjectId, TaskType
from tests.assist.regions import draw_regions, let_it_work, open_regions

KILLS = 10
PICTURES = 60
LABELED = 30
PROGRESS = (0.0, 0.99)
LABELS = ("disc", "square")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Counts, as `benchmarks.rig.worker_kills` has them."""
    if not has_torch():
        return {"skipped": "PyTorch (tagline[assist]) is needed"}
    return asyncio.run(_killed(args.items or KILLS))


async def _killed(kills: int) -> dict[str, Any]:
    async with empty_database() as (db, folder):
        project, account, truth = await open_regions(
            db, folder / "pictures", PICTURES, TaskType.OBJECT_DETECTION, LABELS, first=LABELED, target=0.6
        )
        await let_it_work(db, Runtime(choose_device(), folder / "assist", {}))
        await draw_regions(db, project, account, truth, LABELED)
        return await killed(_victim(db, folder, project), kills)


def _victim(db: Database, folder: Path, project: ProjectId) -> Victim:
    """Dies somewhere in its job."""
    rng = random.Random(1)

    async def moment(_number: int, _look: Look) -> None:
        until = rng.uniform(*PROGRESS)
        while await db.read(_is_before, until):  # noqa: ASYNC110 - the fact lies in the database
            await asyncio.sleep(0.05)

    def phase(job: Job, found: Run, learned: bool) -> str:
        if learned:
            return "predicting and placing"
        kept = len(list((folder / "assist" / "folds" / str(found.id)).glob("*.json")))
        return "making the training set" if job.progress < 0.15 else f"training, {kept} folds kept"

    return Victim(db, folder, project, "torch", moment, phase)


def _is_before(conn: Connection, progress: float) -> bool:
    """True while a job runs and is not yet that far."""
    running = JOB.c.state == JobState.RUNNING.value
    return conn.execute(select(JOB.c.id).where(running, JOB.c.progress < progress)).first() is not None
