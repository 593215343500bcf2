"""A project is made at once and its files come in the background: whoever dies or fails, nothing is lost or unsaid."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.background import jobs
from core.db.database import Database
from core.errors import DuplicateName, Forbidden, TaglineError
from core.ids import ProjectState, Role, TaskType
from core.intake import imports
from core.intake.ingest import item_count
from core.project import projects
from core.project.projects import NewProject, Project
from core.project.settings import settings_of
from core.team.people import members_of
from storage import open_store
from storage.survey import is_within, survey
from tests.builders import NOW_MS, make_account
from tests.conftest import Run
from tests.tui.house import make_photos


def clock() -> int:
    """A time that stands."""
    return NOW_MS


def birds(folder: Path) -> NewProject:
    """What an admin asks for."""
    return NewProject("Birds", TaskType.MULTI_CLASS, f"local:{folder}", ("robin", "wren"))


async def state(db: Database, project: Project) -> ProjectState:
    """Where the project is in its life."""
    return (await db.read(projects.project_by_id, project.id)).state


def test_a_project_is_made_whole_and_loaded_by_a_worker(run: Run, tmp_path: Path) -> None:
    """Settings and members are there at once; the files follow, and then the project runs."""
    make_photos(tmp_path / "photos", 5)

    async def body(db: Database) -> None:
        admin, alice = await make_account(db, "ada", Role.ADMIN), await make_account(db, "alice")
        changes = {"min_labelers": 2, "max_labelers": 3, "gold_rate": 0.1}
        project = await db.write(
            imports.make_project, admin, birds(tmp_path / "photos"), changes, [alice], now_ms=NOW_MS
        )
        assert project.state is ProjectState.INITIALIZING
        assert (await db.read(settings_of, project.id)).max_labelers == 3
        assert [one.name for one, _ in await db.read(members_of, project.id)] == ["alice"]
        assert await imports.work_one(db, "w", now_ms=clock)
        assert await state(db, project) is ProjectState.RUNNING
        assert await db.read(item_count, project.id) == 5
        assert not await imports.work_one(db, "w", now_ms=clock), "nothing waits any more"

    run(body)


def test_what_cannot_be_made_leaves_nothing(run_sqlite: Run, tmp_path: Path) -> None:
    """A setting that cannot be, or a role that may not: no project of that name is there, and the name stays free."""
    make_photos(tmp_path / "photos", 1)

    async def body(db: Database) -> None:
        admin, lead = await make_account(db, "ada", Role.ADMIN), await make_account(db, "lena", Role.LEAD)
        new = birds(tmp_path / "photos")
        for by, changes, error in ((admin, {"gold_rate": 0.9}, TaglineError), (lead, {}, Forbidden)):
            with pytest.raises(error):
                await db.write(imports.make_project, by, new, changes, [], now_ms=NOW_MS)
        await db.write(imports.make_project, admin, new, {}, [], now_ms=NOW_MS)
        with pytest.raises(DuplicateName):
            await db.write(imports.make_project, admin, new, {}, [], now_ms=NOW_MS)

    run_sqlite(body)


def test_a_failed_import_says_why_and_can_be_asked_again(run: Run, tmp_path: Path) -> None:
    """An empty folder is the reason that admins read; once files are there, asking again loads them."""
    (tmp_path / "photos").mkdir()

    async def body(db: Database) -> None:
        admin = await make_account(db, "ada", Role.ADMIN)
        project = await db.write(imports.make_project, admin, birds(tmp_path / "photos"), {}, [], now_ms=NOW_MS)
        assert await imports.work_one(db, "w", now_ms=clock)
        assert "Nothing to label" in (await db.read(imports.troubles, admin))[project.id]
        make_photos(tmp_path / "photos" / "more", 2)
        await db.write(imports.ask_import, admin, project.id, now_ms=NOW_MS)
        assert await db.read(imports.troubles, admin) == {}
        assert await imports.work_one(db, "w", now_ms=clock)
        assert await state(db, project) is ProjectState.RUNNING

    run(body)


def test_a_dead_worker_s_import_is_taken_over(run: Run, tmp_path: Path) -> None:
    """A worker that took the import and went silent loses it to another, which loads every file once."""
    make_photos(tmp_path / "photos", 4)

    async def body(db: Database) -> None:
        admin = await make_account(db, "ada", Role.ADMIN)
        project = await db.write(imports.make_project, admin, birds(tmp_path / "photos"), {}, [], now_ms=NOW_MS)
        dead = await db.write(jobs.claim, "dead", ("import",), kinds=("import",), now_ms=NOW_MS)
        assert dead is not None
        assert not await imports.work_one(db, "w", now_ms=clock), "its lease still runs"
        later = NOW_MS + jobs.LEASE_S * 1000 + 1
        assert await imports.work_one(db, "w", now_ms=lambda: later)
        assert await db.read(item_count, project.id) == 4
        assert not await db.write(jobs.finish, dead.id, dead.attempt, now_ms=later)

    run(body)


def test_a_worker_told_to_stop_gives_the_import_back(run_sqlite: Run, tmp_path: Path) -> None:
    """A server that is stopped in the middle of an import goes on with it when it runs again."""
    make_photos(tmp_path / "photos", 3)

    async def body(db: Database) -> None:
        admin = await make_account(db, "ada", Role.ADMIN)
        project = await db.write(imports.make_project, admin, birds(tmp_path / "photos"), {}, [], now_ms=NOW_MS)
        working = asyncio.create_task(imports.work_one(db, "w", now_ms=clock))
        while (await db.read(jobs.jobs_of, project.id, ["import"]))[0].attempt == 0:
            assert not working.done()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        [job] = await db.read(jobs.jobs_of, project.id, ["import"])
        assert job.state in (jobs.JobState.QUEUED, jobs.JobState.DONE)
        await imports.work_one(db, "w", now_ms=clock)
        assert await db.read(item_count, project.id) == 3
        assert await state(db, project) is ProjectState.RUNNING

    run_sqlite(body)


def test_a_survey_counts_what_is_there(tmp_path: Path) -> None:
    """Images by kind, other files apart, the first names; a look that had to end early says so."""
    make_photos(tmp_path / "photos", 6)
    (tmp_path / "photos" / "notes.txt").write_text("none")
    store = open_store(f"local:{tmp_path / 'photos'}")
    found = survey(store, "**")
    assert (found.images, found.kinds, found.others, found.is_whole) == (6, {".png": 6}, 1, True)
    assert found.first[0].path == "photo-00.png"
    assert survey(store, "**", most_files=2).is_whole is False


def test_only_what_lies_below_a_source_is_within_it(tmp_path: Path) -> None:
    """Neither `..`, a link nor a name that only begins alike leads out of the folders that admins may use."""
    (tmp_path / "data" / "birds").mkdir(parents=True)
    (tmp_path / "data-secret").mkdir()
    (tmp_path / "data" / "link").symlink_to(tmp_path / "data-secret")
    roots = [f"local:{tmp_path}/data", "azure://acct/photos"]
    for url in (
        f"local:{tmp_path}/data",
        f"local:{tmp_path}/data/birds",
        "azure://acct/photos/a",
        "azure://acct/photos",
    ):
        assert is_within(url, roots), url
    for url in (
        f"local:{tmp_path}/data-secret", f"local:{tmp_path}/data/../data-secret", f"local:{tmp_path}/data/link",
        "azure://acct/photos2", "azure://acct/photos/../other", "azure://acct/other",
    ):  # fmt: skip
        assert not is_within(url, roots), url
