"""A project comes in while others work, is seen once it is whole, and leaves nothing when its restore is killed."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from core.annotation import SubmittedItem
from core.db.database import Database, open_database
from core.db.tables import JOB
from core.errors import DuplicateName, JobLost, NotFound
from core.ids import AccountId, ProjectState, Role, TaskType
from core.labeling.queue import claim_page, expire
from core.labeling.submissions import submit
from core.project import projects
from core.project.projects import get_project
from core.team import people
from core.team.access import OPERATOR
from core.transfer import restoring
from core.transfer.moving import TABLES
from core.upkeep import backup
from core.upkeep.auditlog import Wanted, entries
from core.upkeep.backup import back_up
from core.upkeep.invariants import violations
from exporters import archive
from exporters.archive import archive_project, restore_project
from tests.builders import NOW_MS
from tests.conftest import Run
from tests.exporters.house import answer_of, exported, make_member, make_project
from tests.exporters.test_archive import LATER_MS, lived_in

ADMIN = people.Account(AccountId(0), "operator", Role.ADMIN)
STEP_ROWS = 3
STANDS_STILL = f"""
import asyncio, sys
from pathlib import Path
from core.transfer import restoring
from core.db.database import open_database
from exporters import archive

archive.STEP_ROWS, steps = {STEP_ROWS}, 0

async def rest(db, took_s):
    global steps
    steps += 1
    if steps == int(sys.argv[3]):
        print("half", flush=True)
        await asyncio.Event().wait()

async def main():
    restoring.rest = rest
    await archive.restore_project(await open_database(sys.argv[1]), Path(sys.argv[2]), name="Again", now_ms={LATER_MS})

asyncio.run(main())
"""


def _counted(conn: Connection) -> dict[str, int]:
    return {str(t.name): conn.execute(select(func.count()).select_from(t)).scalar_one() for t in (*TABLES, JOB)}


async def unseen(db: Database) -> None:
    """Nothing tells of a project that is coming in: no list, no log, no rule that is broken."""
    assert [one.project.name for one in await db.read(projects.list_projects, ADMIN)] == ["Birds", "Other"]
    with pytest.raises(NotFound):
        await db.read(get_project, "Again")
    assert "Again" not in {one.project for one in await db.read(entries, OPERATOR, Wanted(), limit=10_000)}
    assert not any((await db.read(violations)).values())


async def house(db: Database, folder: Path) -> Path:
    """A project and its archive, and another one in which somebody labels."""
    await lived_in(db, TaskType.OBJECT_DETECTION)
    await make_project(db, TaskType.MULTI_CLASS, name="Other", items=200)
    await archive_project(db, "Birds", folder / "birds.zip", now_ms=LATER_MS)
    return folder / "birds.zip"


def test_labelers_submit_while_a_project_comes_in(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between any two steps a page is claimed and handed in elsewhere, and leases are swept; then the project is there, whole."""
    handed_in = 0

    async def body(db: Database) -> None:
        file = await house(db, tmp_path)
        here = await db.read(get_project, "Other")
        wendy = await make_member(db, here, "wendy")
        labels = [label.id for label in await db.read(projects.label_classes, here.id)]

        async def meanwhile(_db: Database, _took_s: float) -> None:
            nonlocal handed_in
            await unseen(db)
            await db.write(expire, now_ms=LATER_MS)
            page = await db.write(claim_page, here.id, wendy.id, 2, now_ms=LATER_MS)
            answers = [
                SubmittedItem(one.item, one.token, answer_of(TaskType.MULTI_CLASS, 1, labels)) for one in page.items
            ]
            receipt = await db.write(submit, here.id, wendy.id, answers, now_ms=LATER_MS)
            handed_in += len(receipt.accepted)

        monkeypatch.setattr(archive, "STEP_ROWS", STEP_ROWS)
        monkeypatch.setattr(restoring, "rest", meanwhile)
        told: list[tuple[int, int]] = []
        done = await restore_project(db, file, name="Again", now_ms=LATER_MS, on_progress=lambda *far: told.append(far))
        assert told == sorted(told)
        assert told[-1] == (sum(done.rows.values()),) * 2
        assert handed_in > 40
        assert (await db.read(get_project, "Again")).state is ProjectState.PAUSED
        assert done.rows["item"] == 30
        assert not any((await db.read(violations)).values())
        assert await exported(db, "csv", name="Again") == await exported(db, "csv")
        assert (await db.read(projects.project_progress, here.id)).labeled == handed_in

    run(body)


@pytest.mark.parametrize("steps", [1, 2, 5, 12, 40])
def test_a_killed_restore_leaves_nothing(run: Run, database_url: str, tmp_path: Path, steps: int) -> None:
    """kill -9 after a step: unseen at once; after its lease every row of it is gone, and the same archive comes in whole."""

    async def body(db: Database) -> None:
        file = await house(db, tmp_path)
        before = await db.read(_counted)
        await killed(database_url, file, steps)
        await unseen(db)
        assert (await db.read(_counted)) != before
        if steps > 1:  # by then the name is taken
            with pytest.raises(DuplicateName, match="cleared away"):
                await restore_project(db, file, name="Again", now_ms=LATER_MS)
        assert not await restoring.clear_one(db, "janitor", now_ms=lambda: LATER_MS)
        late_ms = LATER_MS + 1000 * restoring.LEASE_S + 60_000
        assert await restoring.clear_one(db, "janitor", now_ms=lambda: late_ms)
        assert await db.read(_counted) == before
        await restore_project(db, file, name="Again", now_ms=late_ms)
        assert await exported(db, "csv", name="Again") == await exported(db, "csv")

    run(body)


async def killed(url: str, file: Path, steps: int) -> None:
    """A process that restores so many steps, stands still, and is killed."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", STANDS_STILL, url, str(file), str(steps), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    assert await child.stdout.readline() == b"half\n"
    child.send_signal(signal.SIGKILL)
    await child.wait()


def test_a_backup_in_the_middle_is_sound(run: Run, database_url: str, tmp_path: Path) -> None:
    """A backup made when a restore was killed comes in elsewhere; there, too, the half project is unseen and cleared away."""
    other_url = f"sqlite:///{tmp_path / 'other.db'}"

    async def body(db: Database) -> None:
        file = await house(db, tmp_path)
        before = await db.read(_counted)
        await killed(database_url, file, 12)
        await back_up(db, tmp_path / "backup.tagline")
        await backup.restore(other_url, tmp_path / "backup.tagline", replace=False, now_ms=LATER_MS)
        other = await open_database(other_url)
        try:
            await unseen(other)
            assert await restoring.clear_one(other, "janitor", now_ms=lambda: LATER_MS + 10_000_000)
            assert await other.read(_counted) == before
        finally:
            await other.close()

    run(body)


def test_a_restore_that_was_taken_for_dead_stops(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that stood still beyond its lease is cleared away; when it wakes up it says so and writes nothing more."""

    async def body(db: Database) -> None:
        file = await house(db, tmp_path)
        before: dict[str, Any] = await db.read(_counted)
        slept = False

        async def sleep(_db: Database, _took_s: float) -> None:
            nonlocal slept
            if not slept:
                slept = True
                late_ms = NOW_MS + 10_000_000
                assert await restoring.clear_one(db, "janitor", now_ms=lambda: late_ms)

        monkeypatch.setattr(restoring, "rest", sleep)
        with pytest.raises(JobLost, match="nothing was restored"):
            await restore_project(db, file, name="Again", now_ms=LATER_MS)
        assert await db.read(_counted) == before

    run(body)
