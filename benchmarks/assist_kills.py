"""kill -9 of the learning worker, again and again, in every phase; then two workers at once. The peer of each figure is zero."""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
from pathlib import Path
from typing import Any

from assist.classification.embeddings import KEY_BYTES
from benchmarks.rig.worker_kills import DONE, Look, Victim, empty_database, killed
from core.assist.learning import Run
from core.assist.schedule import FEATURIZE
from core.background.jobs import Job
from tests.assist.house import Studio, open_studio

KILLS = 20
EACH = 400
LABELED = 200
PAUSE_S = 0.1
PHASES = ("reading", "embedding", "fitting", "predicting and placing")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Counts, as `benchmarks.rig.worker_kills` has them."""
    return asyncio.run(_killed(args.items or KILLS))


async def _killed(kills: int) -> dict[str, Any]:
    async with empty_database() as (db, folder):
        studio = await open_studio(db, folder, each=EACH, target=0.8)
        await studio.let_it_work()
        await studio.label(LABELED)
        return await killed(_victim(studio, folder), kills)


def _victim(studio: Studio, folder: Path) -> Victim:
    """Dies in each phase in turn, and for the first two the embeddings are gone, as if the pictures were new."""
    rng, features = random.Random(1), folder / "assist" / "features"

    def prepare(number: int) -> None:
        if number % len(PHASES) < 2:
            shutil.rmtree(features, ignore_errors=True)

    def phase(job: Job, _run: Run, learned: bool) -> str:
        keys = sum(path.stat().st_size for path in features.glob("*/keys")) // KEY_BYTES
        if keys < len(studio.truth):
            return PHASES[1]
        return PHASES[3] if learned or job.kind == FEATURIZE else PHASES[2]

    async def moment(number: int, look: Look) -> None:
        wanted = PHASES[number % len(PHASES)]
        while not (seen := await look()).endswith(wanted) and seen != DONE:  # noqa: ASYNC110 - the fact lies in the database
            await asyncio.sleep(0.002)
        await asyncio.sleep(rng.uniform(0, PAUSE_S))

    return Victim(studio.db, folder, studio.project, "", moment, phase, prepare)
