"""When the database cannot serve, the right person reads what is wrong in one sentence, and nothing is lost."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from core.annotation import Answer, Region, SubmittedItem
from core.db import database
from core.db.database import Database, open_database
from core.db.schema import migrate
from core.errors import (
    BadInput,
    DatabaseLocked,
    DatabaseNewer,
    DatabaseOlder,
    DatabaseReadOnly,
    DatabaseTrouble,
    DiskFull,
)
from core.geometry import Box
from core.ids import ProjectState, Role, TaskType
from core.labeling.corrections import my_submissions
from core.labeling.queue import claim_page
from core.labeling.submissions import submit
from core.project.projects import project_by_id, set_state
from core.team import people
from tests.builders import NOW_MS, make_world
from tests.conftest import Run


def on(url: str, body: Callable[[Database], Awaitable[None]]) -> None:
    """Run a story on a migrated database."""

    async def story() -> None:
        await migrate(url)
        db = await open_database(url)
        try:
            await body(db)
        finally:
            await db.close()

    asyncio.run(story())


def opened(url: str) -> None:
    """Open a database as `serve` does."""

    async def story() -> None:
        await (await open_database(url)).close()

    asyncio.run(story())


async def alice(db: Database) -> None:
    """A write that needs no other rows."""
    await db.write(people.add_account, "alice", Role.LABELER, by=None, now_ms=NOW_MS)


def test_a_locked_database_is_said_and_taken_up_again(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another process holds the file a write is refused in words; the same write goes through once it lets go."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0)

    async def story(db: Database) -> None:
        other = sqlite3.connect(make_url(sqlite_url).database or "", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseLocked, match="nothing was written"):
            await alice(db)
        other.execute("ROLLBACK")
        other.close()
        await alice(db)
        assert [account.name for account in await db.read(people.list_accounts)] == ["alice"]

    on(sqlite_url, story)


def test_a_read_only_file_is_said(sqlite_url: str) -> None:
    """A file that may only be read still shows what is in it, and refuses a write with what to check."""
    on(sqlite_url, alice)
    path = make_url(sqlite_url).database

    async def story() -> None:
        db = await open_database(f"sqlite:///file:{path}?mode=ro&uri=true")
        with pytest.raises(DatabaseReadOnly, match="permissions"):
            await db.write(people.add_account, "bob", Role.LABELER, by=None, now_ms=NOW_MS)
        assert (await db.read(people.account_by_name, "alice")).name == "alice"
        await db.close()

    asyncio.run(story())


def test_a_full_disk_loses_nothing(sqlite_url: str) -> None:
    """A submission that finds the disk full is refused and keeps its lease; with room again the same one is taken."""

    async def story(db: Database) -> None:
        world = await make_world(db, task_type=TaskType.OBJECT_DETECTION)
        project, labeler = world.project, world.labelers[0].id
        page = await db.write(claim_page, project, labeler, 1, now_ms=NOW_MS)
        boxes = tuple(Region(world.labels[0], Box(n % 500, n % 400, n % 500 + 9, n % 400 + 9)) for n in range(5000))
        answers = [SubmittedItem(page.items[0].item, page.items[0].token, Answer(regions=boxes))]
        await db.write(_limit_pages, 1)  # SQLite makes it as many pages as the file has: it cannot grow
        with pytest.raises(DiskFull, match="Free some room"):
            await db.write(submit, project, labeler, answers, now_ms=NOW_MS + 1)
        await db.write(_limit_pages, 1 << 30)
        receipt = await db.write(submit, project, labeler, answers, now_ms=NOW_MS + 2)
        assert receipt.accepted == (page.items[0].item,)
        stored = await db.read(my_submissions, project, labeler, before_ms=2**62, limit=9)
        assert [held.draft.answer.regions for held in stored] == [boxes]

    on(sqlite_url, story)


def test_a_full_disk_is_told_to_all_who_shared_the_commit(sqlite_url: str) -> None:
    """When the disk fills up in the middle of several writes, each is either stored or refused, never one and told the other."""

    async def story(db: Database) -> None:
        def grow(conn: Connection) -> None:
            with conn.begin_nested():
                conn.exec_driver_sql("INSERT INTO filler VALUES (zeroblob(1000000))")

        await db.write(lambda conn: conn.exec_driver_sql("CREATE TABLE filler (body BLOB)"))
        await db.write(_limit_pages, 1)
        names = [f"user{n}" for n in range(6)]
        writes = [db.write(people.add_account, name, Role.LABELER, by=None, now_ms=NOW_MS) for name in names]
        done = await asyncio.gather(*writes[:3], db.write(grow), *writes[3:], return_exceptions=True)
        assert isinstance(done.pop(3), DiskFull)
        told = [name for name, result in zip(names, done, strict=True) if not isinstance(result, BaseException)]
        assert [account.name for account in await db.read(people.list_accounts)] == told

    on(sqlite_url, story)


def _limit_pages(conn: Connection, pages: int) -> None:
    conn.exec_driver_sql(f"PRAGMA max_page_count={pages}")


def test_a_failing_write_undoes_only_itself(run: Run) -> None:
    """Of many writes that share a commit, the one that fails leaves no trace and the others are kept."""

    async def story(db: Database) -> None:
        def half(conn: Connection) -> None:
            people.add_account(conn, "half", Role.LABELER, by=None, now_ms=NOW_MS)
            raise BadInput("no")

        writes = [db.write(people.add_account, f"user{n}", Role.LABELER, by=None, now_ms=NOW_MS) for n in range(5)]
        done = await asyncio.gather(*writes[:3], db.write(half), *writes[3:], return_exceptions=True)
        assert [isinstance(result, BaseException) for result in done] == [False] * 3 + [True] + [False] * 2
        assert [account.name for account in await db.read(people.list_accounts)] == [f"user{n}" for n in range(5)]

    run(story)


@pytest.mark.parametrize(
    ("revision", "error", "advice"),
    [("9999_from_the_future", DatabaseNewer, "Upgrade Tagline"), (None, DatabaseOlder, "tagline init")],
)
def test_a_schema_of_another_version_is_not_touched(
    database_url: str, revision: str | None, error: type[Exception], advice: str
) -> None:
    """A database made by a newer Tagline, or not yet by any, is refused with what to do; migrating a newer one changes nothing."""

    def stamp(conn: Connection) -> None:
        conn.exec_driver_sql("DELETE FROM alembic_version")
        if revision:
            conn.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{revision}')")

    async def story(db: Database) -> None:
        await alice(db)
        await db.write(stamp)
        with pytest.raises(error, match=advice):
            await open_database(database_url)
        if error is DatabaseNewer:
            with pytest.raises(DatabaseNewer):
                await migrate(database_url)
        assert (await db.read(people.account_by_name, "alice")).name == "alice"

    on(database_url, story)


def test_a_repeated_migration_changes_nothing(run: Run, database_url: str) -> None:
    """`tagline init` on a database that is up to date keeps everything in it."""

    async def story(db: Database) -> None:
        world = await make_world(db)
        await migrate(database_url)
        assert (await db.read(project_by_id, world.project)).name == "Birds"

    run(story)


@pytest.mark.parametrize(
    ("url", "error", "words"),
    [
        ("sqlite:////no/such/folder/tagline.db", DatabaseTrouble, "cannot be opened"),
        ("postgresql://nobody@127.0.0.1:1/tagline", DatabaseTrouble, "cannot be reached"),
        ("mysql://host/tagline", BadInput, "postgresql://"),
        ("tagline.db", BadInput, "sqlite:///"),
    ],
)
def test_a_database_that_is_not_there_is_said(url: str, error: type[Exception], words: str) -> None:
    """A wrong path, a stopped server and a URL of another kind are each a sentence, never a driver's traceback."""
    with pytest.raises(error, match=words):
        opened(url)


def test_a_damaged_file_is_said(tmp_path: Path) -> None:
    """A file that is no database is refused with what to do, and left as it is."""
    path = tmp_path / "tagline.db"
    path.write_bytes(b"no database at all " * 100)
    with pytest.raises(DatabaseTrouble, match="restore a backup"):
        opened(f"sqlite:///{path}")
    assert path.read_bytes() == b"no database at all " * 100


@pytest.mark.parametrize("wrong", [{"database": "nope"}, {"username": "nobody"}])
def test_a_server_that_lets_nobody_in_says_which_setting(postgres_url: str, wrong: dict[str, str]) -> None:
    """A wrong database name or user names itself and the setting to look at."""
    url = make_url(postgres_url).set(**wrong).render_as_string(hide_password=False)  # type: ignore[arg-type]
    with pytest.raises(DatabaseTrouble, match=r"nope|nobody.*database_url"):
        opened(url)


def test_a_read_only_server_is_said(postgres_url: str) -> None:
    """A standby that took over without being promoted refuses writes in words."""

    async def story(db: Database) -> None:
        name = make_url(postgres_url).database
        await db.write(lambda c: c.exec_driver_sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
        other = await open_database(postgres_url)
        with pytest.raises(DatabaseReadOnly, match="read-only"):
            await alice(other)
        await other.close()

    on(postgres_url, story)


def test_a_server_that_went_away_is_said_and_taken_up_again(postgres_url: str) -> None:
    """A write cut off by the server's end leaves nothing half done; the next one finds a new connection by itself."""

    async def story(db: Database) -> None:
        world = await make_world(db)
        began = asyncio.Event()
        loop = asyncio.get_running_loop()

        def cut_off(conn: Connection) -> None:
            set_state(conn, world.project, ProjectState.PAUSED, by=None, now_ms=NOW_MS)
            loop.call_soon_threadsafe(began.set)
            conn.exec_driver_sql("SELECT pg_sleep(30)")

        waiting = asyncio.create_task(db.write(cut_off))
        await began.wait()
        other = await open_database(postgres_url)
        await other.read(_end_the_others)
        with pytest.raises(DatabaseTrouble, match="cannot be reached"):
            await waiting
        await other.close()
        assert (await db.read(project_by_id, world.project)).state is ProjectState.RUNNING

    on(postgres_url, story)


def _end_the_others(conn: Connection) -> None:
    conn.exec_driver_sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


@pytest.mark.parametrize("state", ["57P01", "57P02", "57P03"])
def test_a_server_that_restarts_is_said(postgres_url: str, state: str) -> None:
    """While it shuts down, has crashed or comes up, as the server itself says it: no process of ours ends for that."""

    async def story(db: Database) -> None:
        raising = text(
            f"DO $$ BEGIN RAISE EXCEPTION 'the database system is starting up' USING ERRCODE = '{state}'; END $$"
        )
        with pytest.raises(DatabaseTrouble, match="restarting"):
            await db.write(lambda conn: conn.execute(raising))
        assert await db.read(lambda conn: conn.execute(text("SELECT 1")).scalar_one()) == 1

    on(postgres_url, story)
