"""A killed worker loses nothing: another one goes on where it was, and no label by a person is touched."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from sqlalchemy import Connection, func, select, update

from core.assist import learning
from core.assist.schedule import TRAIN
from core.background import jobs
from core.background.jobs import JobState
from core.counts.progress import queue_counts
from core.db.database import Database
from core.db.tables import ITEM, JOB, PREDICTION
from core.ids import ItemId, ItemKind
from tests.assist.house import Studio, open_studio
from tests.conftest import Run

AFTER_S = (0.05, 0.2, 0.4, 0.8, 1.2)


async def start(folder: Path) -> asyncio.subprocess.Process:
    """`python -m assist` as an operator starts it."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "assist", "--data", str(folder), "--database-url", f"sqlite:///{folder / 'tagline.db'}",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip


async def wait_for_work(db: Database) -> None:
    """Until a worker has a job in hand."""
    while not await db.read(jobs.unfinished_count):  # noqa: ASYNC110 - the fact lies in the database
        await asyncio.sleep(0.02)


async def forget_leases(db: Database) -> None:
    """As if the lease time of the dead had passed."""

    def passed(conn: Connection) -> None:
        conn.execute(update(JOB).where(JOB.c.state == "running").values(lease_until_ms=1, attempt=1))

    await db.write(passed)


async def trained(db: Database, studio: Studio) -> bool:
    """True once a training has ended."""
    found = await db.read(jobs.jobs_of, studio.project, [TRAIN])
    return any(job.state is JobState.DONE for job in found)


def test_killed_in_each_phase_it_goes_on(run_sqlite: Run, tmp_path: Path) -> None:
    """kill -9 while it embeds, trains, predicts and places: one run, every suggestion there, every label as it was."""

    async def body(db: Database) -> None:
        studio = await open_studio(db, tmp_path, each=100, target=0.8)
        await studio.label(100)
        before = {
            s.item: s.answer for s in await db.read(learning.seen_after, studio.project, ItemId(0), 500) if s.answer
        }
        for pause_s in AFTER_S:
            worker = await start(tmp_path)
            await wait_for_work(db)
            await asyncio.sleep(pause_s)
            worker.send_signal(signal.SIGKILL)
            await worker.wait()
            await forget_leases(db)
        workers = [await start(tmp_path), await start(tmp_path)]
        async with asyncio.timeout(60):
            while not await trained(db, studio):  # noqa: ASYNC110 - likewise
                await asyncio.sleep(0.1)
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
            assert await worker.wait() == 0

        def lost(conn: Connection) -> int:
            there = (PREDICTION.c.item_id == ITEM.c.id) & (PREDICTION.c.model_id == ITEM.c.model_id)
            shown = select(func.count()).select_from(ITEM.outerjoin(PREDICTION, there))
            return conn.execute(shown.where(ITEM.c.kind == 0, PREDICTION.c.item_id.is_(None))).scalar_one()

        def counted(conn: Connection) -> dict[ItemKind, int]:
            rows = conn.execute(select(ITEM.c.kind, func.count()).where(ITEM.c.state == 0).group_by(ITEM.c.kind))
            return {ItemKind(kind): n for kind, n in rows}

        assert await db.read(lost) == 0
        queue = await db.read(queue_counts, studio.project)
        assert {kind: n for kind, n in queue.items() if n} == await db.read(counted)
        after = {
            s.item: s.answer for s in await db.read(learning.seen_after, studio.project, ItemId(0), 500) if s.answer
        }
        assert after == before
        assert await db.read(learning.active_run, studio.project) is not None
        assert len(await db.read(learning.runs_of, studio.project, 50, TRAIN)) == 1

    run_sqlite(body)
