"""Bringing files in: every image becomes an item once, the broken ones with their reason, whatever interrupts it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select

from core.counts.progress import project_progress
from core.db.database import Database
from core.db.tables import ITEM
from core.errors import BadInput
from core.ids import ProjectState, TaskType
from core.intake import ingest
from core.intake.ingest import ImportReport, import_files, shuffle_key
from core.project import projects
from core.project.projects import NewProject, Project, project_by_id
from storage import open_store
from storage.base import StorageError
from tests.builders import NOW_MS
from tests.conftest import Run

PHOTO = Path(__file__).parents[2] / "sshd" / "demo" / "photos" / "cells" / "BloodImage_00000.jpg"


def photos(folder: Path, count: int, prefix: str = "p") -> Path:
    """A folder of so many small pictures."""
    folder.mkdir(exist_ok=True)
    for n in range(count):
        Image.new("RGB", (8, 6), (n % 256, 9, 9)).save(folder / f"{prefix}{n:03}.png")
    return folder


async def make_project(db: Database, folder: Path, *, pattern: str = "**", max_items: int = 1000) -> Project:
    """A project over the folder, in state initializing."""
    new = NewProject("Birds", TaskType.MULTI_CLASS, f"local:{folder}", ("robin",), pattern, seed=7, max_items=max_items)
    return await db.write(projects.create_project, new, by=None, now_ms=NOW_MS)


async def bring_in(
    db: Database, project: Project, on_progress: Callable[[int, int], None] = lambda _done, _total: None
) -> ImportReport:
    """Import the project's folder."""
    store = open_store(project.datastore)
    return await import_files(db, project.id, store, by=None, now_ms=lambda: NOW_MS, on_progress=on_progress)


async def items(db: Database) -> dict[str, str | None]:
    """Every item's path and why it cannot be shown, if so."""
    rows = await db.read(lambda conn: conn.execute(select(ITEM.c.path, ITEM.c.reason)).all())
    return {row.path: row.reason for row in rows}


def test_broken_files_are_kept_with_their_reason(run: Run, tmp_path: Path) -> None:
    """A folder with broken files loads; each broken one is an item with its reason, is counted, and is given to nobody."""
    folder = photos(tmp_path / "photos", 3)
    whole = PHOTO.read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "notes.jpg").write_text("no picture")
    (folder / "readme.txt").write_text("not taken")

    async def story(db: Database) -> None:
        project = await make_project(db, folder)
        seen: list[tuple[int, int]] = []
        report = await bring_in(db, project, lambda done, total: seen.append((done, total)))
        assert report == ImportReport(found=6, added=6, unreadable=3, over_cap=0, ignored=1)
        reasons = {path: reason for path, reason in (await items(db)).items() if reason}
        assert set(reasons) == {"cut.jpg", "empty.jpg", "notes.jpg"}
        assert "truncated" in reasons["cut.jpg"]
        assert "empty" in reasons["empty.jpg"]
        assert "no JPEG" in reasons["notes.jpg"]
        progress = await db.read(project_progress, project.id)
        assert (progress.total, progress.unreadable, progress.todo) == (6, 3, 3)
        assert seen[-1] == (6, 6)
        assert (await db.read(project_by_id, project.id)).state is ProjectState.RUNNING

    run(story)


def test_a_second_import_adds_only_what_is_new(run: Run, tmp_path: Path) -> None:
    """Running it again on the same folder adds nothing twice, and what came since is added."""
    folder = photos(tmp_path / "photos", 4)

    async def story(db: Database) -> None:
        project = await make_project(db, folder)
        assert (await bring_in(db, project)).added == 4
        assert (await bring_in(db, project)).added == 0
        photos(folder, 2, "new")
        report = await bring_in(db, project)
        assert (report.found, report.added) == (6, 2)
        assert (await db.read(project_progress, project.id)).total == 6

    run(story)


def test_a_cut_off_import_goes_on(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import that is killed half-way keeps what it had, shows how far it was, labels nothing yet, and is finished by the next."""
    folder = photos(tmp_path / "photos", 7)
    monkeypatch.setattr(ingest, "BATCH", 3)

    async def story(db: Database) -> None:
        project = await make_project(db, folder)

        def stop(done: int, _total: int) -> None:
            if done >= 6:
                raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await bring_in(db, project, stop)
        half = await db.read(project_by_id, project.id)
        assert (half.state, half.import_done, half.import_total) == (ProjectState.INITIALIZING, 6, 7)
        report = await bring_in(db, project)
        assert (report.found, report.added) == (7, 1)
        assert (await db.read(project_progress, project.id)).total == 7
        assert (await db.read(project_by_id, project.id)).state is ProjectState.RUNNING

    run(story)


def test_what_exceeds_the_cap_is_reported(run: Run, tmp_path: Path) -> None:
    """Beyond a project's largest size the first files in listing order load, and the report says how many are left out."""
    folder = photos(tmp_path / "photos", 9)

    async def story(db: Database) -> None:
        project = await make_project(db, folder, max_items=5)
        report = await bring_in(db, project)
        assert (report.found, report.added, report.over_cap) == (9, 5, 4)
        assert sorted(await items(db)) == [f"p{n:03}.png" for n in range(5)]

    run(story)


def test_an_empty_or_a_wrong_folder_leaves_the_project_as_it_was(run: Run, tmp_path: Path) -> None:
    """Nothing to label is said with the pattern that found nothing; so is a folder that went away."""
    folder = photos(tmp_path / "photos", 0)
    (folder / "readme.txt").write_text("no picture")

    async def story(db: Database) -> None:
        project = await make_project(db, folder)
        with pytest.raises(BadInput, match=r"1 files match, but none is an image.*'\*\*'"):
            await bring_in(db, project)
        (folder / "readme.txt").unlink()
        with pytest.raises(BadInput, match="no file matches"):
            await bring_in(db, project)
        folder.rmdir()
        with pytest.raises(StorageError, match="does not exist"):
            await bring_in(db, project)
        assert (await db.read(project_by_id, project.id)).state is ProjectState.INITIALIZING

    run(story)


def test_a_pattern_limits_what_comes_in(run: Run, tmp_path: Path) -> None:
    """Only what the pattern matches becomes an item."""
    photos(tmp_path / "photos", 2)
    photos(tmp_path / "photos" / "train", 3)

    async def story(db: Database) -> None:
        project = await make_project(db, tmp_path / "photos", pattern="train/**")
        assert (await bring_in(db, project)).found == 3
        assert all(path.startswith("train/") for path in await items(db))

    run(story)


def test_the_order_is_the_seeds() -> None:
    """The same seed shuffles the same files alike, on every machine; another seed otherwise."""
    paths = [f"{n}.jpg" for n in range(50)]
    assert [shuffle_key(7, path) for path in paths[:2]] == [932928555561539905, 4402456842907849369]
    assert sorted(paths, key=lambda path: shuffle_key(7, path)) != sorted(paths, key=lambda path: shuffle_key(8, path))
