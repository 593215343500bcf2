"""Files of labels taken in by a background worker: the same result as at once, and nothing lost when the worker dies."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from pathlib import Path

import pytest

from core.background import jobs
from core.background.jobs import JobState
from core.db.database import Database
from core.errors import BadInput, Forbidden
from core.ids import ItemId, Role
from core.project.projects import project_by_id
from core.roles import Action
from core.team import people
from core.team.access import OPERATOR
from core.transfer.imported import IMPORTED, targets_after
from core.upkeep.auditlog import newest
from exporters.importers import background
from exporters.importers import run as importing
from exporters.importers.background import ask_labels, work_one
from exporters.importers.run import Wish
from tests.builders import NOW_MS, World, make_account, make_world
from tests.conftest import Run

ITEMS = 30


def clock() -> int:
    """A moment after the world was made."""
    return NOW_MS + 1000


async def world_with_file(db: Database, folder: Path) -> World:
    """A project, and a file that labels all of its items."""
    lines = ["file,label", *(f"{n:05}.jpg,robin" for n in range(ITEMS))]
    await asyncio.to_thread((folder / "labels.csv").write_text, "\n".join(lines))
    return await make_world(db, items=ITEMS, datastore=f"local:{folder}")


async def labeled(db: Database, world: World) -> int:
    """How many items have an answer."""
    return sum(row.state == 1 for row in await db.read(targets_after, OPERATOR, world.project, ItemId(0), 100))


def test_labels_come_in_behind(run: Run, tmp_path: Path) -> None:
    """Asked for once at a time, done by whichever worker is there, in the name of who asked; the history tells all of it."""

    async def body(db: Database) -> None:
        world = await world_with_file(db, tmp_path)
        boss = await make_account(db, "boss", Role.ADMIN)
        project = await db.read(project_by_id, world.project)
        at = {"dry_run": False, "now_ms": NOW_MS}
        number = await db.write(ask_labels, boss, project, "labels.csv", Wish(), **at)
        with pytest.raises(BadInput, match="just now"):
            await db.write(ask_labels, boss, project, "labels.csv", Wish(), **at)
        assert await work_one(db, "w", now_ms=clock)
        job = await db.read(jobs.find, number)
        assert job is not None
        assert (job.state, await labeled(db, world)) == (JobState.DONE, ITEMS)
        _, told = await db.read(newest, boss, project.id, IMPORTED, allowed=Action.IMPORT)
        assert (told["written"], told["report"]["images"]) == (ITEMS, ITEMS)
        assert not await work_one(db, "w", now_ms=clock)

    run(body)


def test_an_import_that_was_cut_off_goes_on(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that is stopped half-way gives the job back; another one finishes it, and each item is labeled once."""
    monkeypatch.setattr(importing, "BATCH", 5)

    async def body(db: Database) -> None:
        world = await world_with_file(db, tmp_path)
        project = await db.read(project_by_id, world.project)
        number = await db.write(ask_labels, OPERATOR, project, "labels.csv", Wish(), dry_run=False, now_ms=NOW_MS)
        begun = asyncio.Event()

        async def stuck(done: int, _total: int) -> None:
            if done >= 10:
                begun.set()
                await asyncio.Event().wait()

        with monkeypatch.context() as patch:
            patch.setattr(background, "_told", lambda *_args: stuck)
            working = asyncio.create_task(work_one(db, "first", now_ms=clock))
            await begun.wait()
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
        assert await labeled(db, world) == 10
        assert await work_one(db, "second", now_ms=clock)
        job = await db.read(jobs.find, number)
        assert job is not None
        assert (job.state, job.worker, await labeled(db, world)) == (JobState.DONE, "second", ITEMS)
        _, told = await db.read(newest, OPERATOR, project.id, IMPORTED, allowed=Action.IMPORT)
        assert (told["report"]["same"], told["written"]) == (10, ITEMS - 10)

    run(body)


def test_who_lost_the_right_meanwhile_changes_nothing(run_sqlite: Run, tmp_path: Path) -> None:
    """A labeler cannot ask, and what an admin asked for is not done once the account is disabled; the job says why."""

    async def body(db: Database) -> None:
        world = await world_with_file(db, tmp_path)
        boss = await make_account(db, "boss", Role.ADMIN)
        project = await db.read(project_by_id, world.project)
        with pytest.raises(Forbidden):
            await db.write(ask_labels, world.labelers[0], project, "labels.csv", Wish(), dry_run=True, now_ms=NOW_MS)
        number = await db.write(ask_labels, boss, project, "labels.csv", Wish(), dry_run=False, now_ms=NOW_MS)
        await db.write(people.set_disabled, boss.id, True, by=None, now_ms=NOW_MS)
        assert await work_one(db, "w", now_ms=clock)
        job = await db.read(jobs.find, number)
        assert job is not None
        assert (job.state, await labeled(db, world)) == (JobState.FAILED, 0)
        assert "disabled" in (job.error or "")

    run_sqlite(body)


def test_a_bug_fails_the_job_and_not_the_worker(
    run_sqlite: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where something breaks that nobody thought of, the job says so without inner details and the worker takes the next."""

    async def body(db: Database) -> None:
        world = await world_with_file(db, tmp_path)
        project = await db.read(project_by_id, world.project)
        number = await db.write(ask_labels, OPERATOR, project, "labels.csv", Wish(), dry_run=False, now_ms=NOW_MS)
        with monkeypatch.context() as patch:
            patch.setattr(background, "compare", lambda *_args: 1 / 0)
            assert await work_one(db, "w", now_ms=clock)
        job = await db.read(jobs.find, number)
        assert job is not None
        assert job.state is JobState.FAILED
        assert "broke inside" in (job.error or "")
        assert not await work_one(db, "w", now_ms=clock)

    run_sqlite(body)


def test_a_full_disk_is_said_and_the_job_waits_for_room(
    run_sqlite: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that finds no room on the server fails the attempt with a sentence; it is tried again later by itself."""

    def full(*_args: object) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    async def body(db: Database) -> None:
        world = await world_with_file(db, tmp_path)
        project = await db.read(project_by_id, world.project)
        number = await db.write(ask_labels, OPERATOR, project, "labels.csv", Wish(), dry_run=False, now_ms=NOW_MS)
        with monkeypatch.context() as patch:
            patch.setattr(background, "_fetch", full)
            assert await work_one(db, "w", now_ms=clock)
        job = await db.read(jobs.find, number)
        assert job is not None
        assert job.state is JobState.QUEUED
        assert "disk of the server is full" in (job.error or "")

    run_sqlite(body)


def test_what_a_killed_worker_left_on_the_disk_goes_after_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its copy of a file of labels is removed; one of today, which may be in use, and folders of others stay."""
    now_s = time.time()
    monkeypatch.setattr(background, "gettempdir", lambda: str(tmp_path))
    for name, age_s in (("tagline-labels-old", 2 * 24 * 3600), ("tagline-labels-new", 60), ("else", 2 * 24 * 3600)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "labels.json").write_text("{}")
        os.utime(tmp_path / name, (now_s - age_s, now_s - age_s))
    background.clear_leftovers(now_s)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["else", "tagline-labels-new"]
