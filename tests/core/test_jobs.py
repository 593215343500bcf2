"""Background jobs are done once, survive their workers, and end with a reason. On SQLite and on PostgreSQL alike."""

from __future__ import annotations

import asyncio

from core.background import jobs
from core.background.jobs import Job, JobState, Worker
from core.db.database import Database
from core.ids import ProjectId
from tests.builders import NOW_MS, make_world
from tests.conftest import Run

LATER_MS = NOW_MS + jobs.LEASE_S * 1000 + 1


async def ask(db: Database, dedup: str = "1", needs: str = "") -> int | None:
    """Ask for one training job."""
    return await db.write(jobs.enqueue, "train", dedup, {"n": 1}, now_ms=NOW_MS, project=ProjectId(1), needs=needs)


async def take(db: Database, worker: str = "w", at: int = NOW_MS, provides: tuple[str, ...] = ()) -> Job | None:
    """One worker's claim."""
    return await db.write(jobs.claim, worker, provides, now_ms=at)


async def taken(db: Database, worker: str = "w", at: int = NOW_MS) -> Job:
    """One worker's claim, which finds a job."""
    job = await take(db, worker, at)
    assert job is not None
    return job


def test_a_job_that_waits_or_runs_is_not_asked_for_twice(run: Run) -> None:
    """ "Train now" pressed twice trains once; after the end it can be asked for anew."""

    async def body(db: Database) -> None:
        await make_world(db)
        assert await ask(db) is not None
        assert await ask(db) is None
        job = await taken(db)
        assert await ask(db) is None
        assert await db.write(jobs.finish, job.id, job.attempt, now_ms=NOW_MS)
        assert await ask(db) is not None

    run(body)


def test_two_workers_never_hold_the_same_job(run: Run) -> None:
    """However many workers ask at once, each job goes to one."""

    async def body(db: Database) -> None:
        await make_world(db)
        for n in range(6):
            await ask(db, str(n))
        found = await asyncio.gather(*(take(db, f"w{n}") for n in range(10)))
        ids = [job.id for job in found if job is not None]
        ids += [job.id for _ in range(6) if (job := await take(db)) is not None]
        assert len(ids) == len(set(ids)) == 6

    run(body)


def test_a_silent_worker_loses_its_job_to_another(run: Run) -> None:
    """A killed worker's job goes on elsewhere, and what the first one still says of it is not believed."""

    async def body(db: Database) -> None:
        await make_world(db)
        await ask(db)
        first = await taken(db, "first")
        assert await take(db, "second") is None
        second = await taken(db, "second", LATER_MS)
        assert (second.id, second.attempt) == (first.id, 2)
        assert not await db.write(jobs.beat, first.id, first.attempt, now_ms=LATER_MS)
        assert not await db.write(jobs.finish, first.id, first.attempt, now_ms=LATER_MS)
        assert await db.write(jobs.beat, second.id, second.attempt, now_ms=LATER_MS, progress=0.5)
        assert await db.write(jobs.finish, second.id, second.attempt, now_ms=LATER_MS)

    run(body)


def test_a_heartbeat_keeps_a_job(run: Run) -> None:
    """A slow worker that is alive is left to work, and its progress is seen."""

    async def body(db: Database) -> None:
        await make_world(db)
        await ask(db)
        job = await taken(db)
        assert await db.write(jobs.beat, job.id, job.attempt, now_ms=LATER_MS, progress=0.25)
        assert await take(db, "other", LATER_MS + 1) is None
        found = await db.read(jobs.find, job.id)
        assert found is not None
        assert (found.progress, found.state) == (0.25, JobState.RUNNING)

    run(body)


def test_a_job_that_kills_every_worker_is_given_up_with_the_reason(run: Run) -> None:
    """A file that crashes the worker does not crash it for ever."""

    async def body(db: Database) -> None:
        await make_world(db)
        asked, at = await ask(db), NOW_MS
        assert asked is not None
        for _ in range(jobs.MAX_ATTEMPTS):
            await taken(db, at=at)
            at += jobs.LEASE_S * 1000 + 1
        assert await take(db, at=at) is None
        found = await db.read(jobs.find, asked)
        assert found is not None
        assert found.state is JobState.FAILED
        assert "5 times" in str(found.error)

    run(body)


def test_failure_keeps_its_reason_and_may_be_tried_again(run: Run) -> None:
    """A full disk is tried again a few times, each time a little later; too few labels are not."""

    async def body(db: Database) -> None:
        await make_world(db)
        asked = await ask(db)
        assert asked is not None
        for attempt in range(1, jobs.MAX_ATTEMPTS + 1):
            at = NOW_MS + attempt * 1_000_000
            job = await taken(db, at=at)
            assert job.attempt == attempt
            await db.write(jobs.fail, job.id, job.attempt, "the disk is full", now_ms=at, again=True)
            assert await take(db, at=at + 1) is None
        found = await db.read(jobs.find, asked)
        assert found is not None
        assert (found.state, found.error) == (JobState.FAILED, "the disk is full")

    run(body)


def test_a_cancelled_job_stops_at_the_next_heartbeat(run: Run) -> None:
    """Cancel means now: the worker is told, and what it does afterwards counts for nothing."""

    async def body(db: Database) -> None:
        world = await make_world(db)
        await ask(db)
        job = await taken(db)
        assert await db.write(jobs.cancel, world.project, ["train"], now_ms=NOW_MS) == 1
        assert not await db.write(jobs.beat, job.id, job.attempt, now_ms=NOW_MS)
        assert not await db.read(jobs.is_held, job.id, job.attempt)
        assert [j.state for j in await db.read(jobs.jobs_of, world.project, ["train"])] == [JobState.CANCELLED]

    run(body)


def test_a_worker_takes_only_what_it_can_do(run: Run) -> None:
    """A machine without PyTorch leaves its jobs to one that has it; a worker that stops gives its job back unspent."""

    async def body(db: Database) -> None:
        await make_world(db)
        await ask(db, needs="torch")
        assert await take(db, "plain") is None
        job = await take(db, "learned", provides=("torch",))
        assert job is not None
        assert await db.write(jobs.give_back, job.id, job.attempt)
        again = await take(db, "learned", provides=("torch",))
        assert again is not None
        assert again.attempt == 1

    run(body)


def test_workers_that_reported_are_seen(run: Run) -> None:
    """The dashboard knows which workers live, on what device, and what they lack."""

    async def body(db: Database) -> None:
        for seen in (NOW_MS, NOW_MS + 5):
            await db.write(jobs.report, Worker("host:1", "cpu", "no PyTorch", seen))
        assert await db.read(jobs.workers, seen_since_ms=NOW_MS + 1) == (
            Worker("host:1", "cpu", "no PyTorch", NOW_MS + 5),
        )
        assert await db.read(jobs.workers, seen_since_ms=NOW_MS + 6) == ()

    run(body)
