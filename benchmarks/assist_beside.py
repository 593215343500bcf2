"""Labeling while a detector is trained on the same two cores: a key's way to the screen with and without.

The server and the learning worker are the real processes; keys go over real SSH and are timed inside the server (see
`benchmarks.sessions`).
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from assist.device import has_torch
from benchmarks.assist import NOW_MS
from benchmarks.assist_regions import FIRST, make_cells
from benchmarks.rig.report import latencies_ms
from benchmarks.rig.team import Typist
from benchmarks.rig.truth import data_folder
from benchmarks.sessions import answers_to_keys, notes_of, press, seated, watched
from core.assist import learning
from core.assist.schedule import TRAIN, dedup
from core.background import jobs
from core.db.database import open_database
from core.db.schema import migrate
from tests.ssh.client import KITTY

PICTURES = 80
SESSIONS = 2
KEY_P99_MS = 50
PAUSE_S = 1.0


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Figures without and with a training."""
    if not has_torch() or data_folder() is None:
        return {"skipped": "PyTorch (tagline[assist]) and the folder of real data are needed"}
    with TemporaryDirectory(prefix="tagline-beside-") as name:
        found = asyncio.run(_measured(Path(name), max(15.0, args.seconds)))
    return {
        **found,
        "met": {f"key to bytes p99 under {KEY_P99_MS} ms while it trains": found["with"]["p99_ms"] < KEY_P99_MS},
    }


async def _measured(folder: Path, seconds: float) -> dict[str, Any]:
    (folder / "house").mkdir()
    (folder / "cells").mkdir()
    await _ready_to_train(folder / "cells")
    async with watched(folder / "house", SESSIONS, 400) as (config, team, _), AsyncExitStack() as stack:
        typists = [await seated(stack, config, team, user, KITTY) for user in team.keys]
        await asyncio.sleep(PAUSE_S)
        alone = await _typed(typists, seconds)
        with _learner(folder / "cells") as process:
            await _until_training(folder / "cells")
            began_s = _cpu_s(process)
            beside = await _typed(typists, seconds)
            spent_s = _cpu_s(process) - began_s
    notes = notes_of(folder / "house")  # written when the front end has ended
    return {
        "without": latencies_ms(answers_to_keys([note for note in notes if alone[0] <= note[1] < alone[1]])[0]),
        "with": latencies_ms(answers_to_keys([note for note in notes if beside[0] <= note[1] < beside[1]])[0]),
        "the worker's CPU of one core": round(spent_s / seconds, 2),
    }  # fmt: skip


async def _typed(typists: Sequence[Typist], seconds: float) -> tuple[float, float]:
    """Everybody presses keys for a while; returns from when to when, on the clock of the notes."""
    began = time.perf_counter()
    await asyncio.gather(*(press(typist, seconds, n) for n, typist in enumerate(typists)))
    return began, time.perf_counter()


async def _ready_to_train(folder: Path) -> None:
    """Cells, half of them labeled, with a training asked for."""
    url = f"sqlite:///{folder / 'tagline.db'}"
    await migrate(url)
    db = await open_database(url)
    try:
        labeler = await make_cells(db, PICTURES)
        for _ in range(FIRST):
            await labeler.work(NOW_MS)
        await db.write(
            jobs.enqueue, TRAIN, dedup(labeler.project), {}, now_ms=NOW_MS, project=labeler.project, needs="torch"
        )
    finally:
        await db.close()


@contextmanager
def _learner(folder: Path) -> Iterator[psutil.Process]:
    command = [sys.executable, "-m", "assist", "--data", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield psutil.Process(process.pid)
        finally:
            process.kill()


async def _until_training(folder: Path) -> None:
    """Wait until the worker is past decoding and fits."""
    db = await open_database(f"sqlite:///{folder / 'tagline.db'}")
    try:
        async with asyncio.timeout(300):
            while True:
                subjects = await db.read(learning.subjects)
                found = await db.read(jobs.jobs_of, subjects[0].project, [TRAIN])
                if found and found[0].progress > 0.2:
                    return
                await asyncio.sleep(0.5)
    finally:
        await db.close()


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
