"""A backup taken while people label is whole and consistent, and restores on either engine, whole or not at all."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, select

from core.background.processes import Process, announce
from core.db import schema
from core.db.database import Database, open_database
from core.db.tables import ACCOUNT, EVENT, ITEM, Base
from core.errors import BadInput
from core.labeling.queue import claim_page
from core.labeling.submissions import submit
from core.upkeep.backup import back_up, restore
from core.upkeep.invariants import violations
from tests.builders import NOW_MS, World, make_account, make_release, make_world
from tests.conftest import Run, fresh_postgres


@pytest.fixture(params=["sqlite", "postgres"])
def other_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Another, empty database of either engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'other.db'}"
    else:
        with fresh_postgres(request.getfixturevalue("postgres_server")) as url:
            yield url


async def label(db: Database, world: World, who: int, pages: int) -> int:
    """One labeler's pages; how many items were acknowledged."""
    done = 0
    for _ in range(pages):
        page = await db.write(claim_page, world.project, world.labelers[who].id, 4, now_ms=NOW_MS)
        given = [world.submission(held) for held in page.items]
        receipt = await db.write(submit, world.project, world.labelers[who].id, given, now_ms=NOW_MS)
        done += len(receipt.accepted)
    return done


def everything(conn: Connection) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table that a backup holds."""
    return {
        table.name: [tuple(row) for row in conn.execute(select(table).order_by(*table.primary_key.columns))]
        for table in Base.metadata.sorted_tables
        if table.name != "process"
    }


def test_a_backup_while_people_label_restores_whole(run: Run, other_url: str, tmp_path: Path) -> None:
    """It holds what was acknowledged before it began, breaks no rule, and comes back row by row; work goes on from it."""
    file = tmp_path / "backup.tagline"

    async def body(db: Database) -> None:
        world = await make_world(db, items=200, labelers=4)
        before = await label(db, world, 0, 5)
        _, backed = await asyncio.gather(
            asyncio.gather(*(label(db, world, n, 8) for n in (1, 2, 3))), back_up(db, file)
        )
        assert backed.rows["item"] == 200
        assert file.stat().st_mode & 0o077 == 0
        await restore(other_url, file, replace=False, now_ms=NOW_MS)
        other = await open_database(other_url)
        try:
            assert not any((await other.read(violations)).values())
            done = await other.read(
                lambda conn: conn.execute(select(func.count()).where(ITEM.c.state == 1)).scalar_one()
            )
            assert before <= done <= before + 96
            await make_account(other, "newcomer")
            assert await label(other, world, 0, 1) == 4
        finally:
            await other.close()

    run(body)


def test_what_comes_back_is_what_went(run: Run, other_url: str, tmp_path: Path) -> None:
    """Row by row the same, from either engine into either; no half of a backup is left beside it."""
    file = tmp_path / "backup.tagline"

    async def body(db: Database) -> None:
        world = await make_world(db, items=30)
        await label(db, world, 0, 3)
        await back_up(db, file)
        await restore(other_url, file, replace=False, now_ms=NOW_MS)
        other = await open_database(other_url)
        try:
            assert await other.read(everything) == await db.read(everything)
        finally:
            await other.close()

    run(body)
    assert not list(tmp_path.glob("*.part*"))


def test_a_restore_is_refused_before_anything_is_touched(run: Run, database_url: str, tmp_path: Path) -> None:
    """A file that is none, one of a newer Tagline, one that breaks a rule, a database in use: each is said, nothing changes."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=10)
        await label(db, world, 0, 1)
        file, other = tmp_path / "backup.tagline", tmp_path / "other.tagline"
        await back_up(db, file)
        before = await db.read(everything)

        async def refused(path: Path, words: str, *, replace: bool = True) -> None:
            with pytest.raises(BadInput, match=words):
                await restore(database_url, path, replace=replace, now_ms=NOW_MS)
            assert await db.read(everything) == before

        await refused(file, "--replace", replace=False)
        await refused(tmp_path / "none", "cannot be read")
        other.write_bytes(b"PK\x03\x04 no database")
        await refused(other, "no backup of Tagline")
        other.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        await refused(other, "nothing was restored|not sound")
        for statement, words in (
            ("UPDATE alembic_version SET version_num='9999'", "newer Tagline"),
            ("UPDATE tally SET n = n + 1 WHERE what = 'item'", "does not hold together"),
            ("UPDATE item SET open_slots = 0 WHERE state = 0", "does not hold together"),
        ):
            other.write_bytes(file.read_bytes())
            with sqlite3.connect(other) as connection:
                connection.execute(statement)
            connection.close()
            await refused(other, words)
        await db.write(announce, Process("front-end x 1", "front-end", "x", "1", NOW_MS, NOW_MS, {}))
        await refused(file, "still serves")

    run(body)


@pytest.mark.parametrize("revision", sorted(schema.known_revisions()))
def test_an_older_backup_is_upgraded_on_its_way_in(tmp_path: Path, sqlite_url: str, revision: str) -> None:
    """A backup of any release restores into this one."""
    file = tmp_path / "old.tagline"

    async def main() -> list[str]:
        old = await open_database(f"sqlite:///{file}", check=False)
        await old.write(make_release, revision)
        await old.close()
        await restore(sqlite_url, file, replace=False, now_ms=NOW_MS)
        db = await open_database(sqlite_url)
        try:
            return list(await db.read(lambda conn: conn.execute(select(ACCOUNT.c.name)).scalars().all()))
        finally:
            await db.close()

    assert asyncio.run(main()) == ["a"]


def test_a_migration_that_fails_rolls_back_whole(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed by an error in its last step, an upgrade from the first release leaves that release's database as it was."""

    def failing(conn: Connection) -> None:
        schema.upgrade(conn)
        conn.execute(insert(EVENT).values(at_ms=1, what="x", account_id=99, body={}))
        raise RuntimeError("the last step fails")

    def shape(conn: Connection) -> object:
        from sqlalchemy import inspect

        inspector = inspect(conn)
        tables = {name: sorted(c["name"] for c in inspector.get_columns(name)) for name in inspector.get_table_names()}
        return tables, schema.found_revision(conn), conn.exec_driver_sql("SELECT count(*) FROM account").scalar_one()

    async def main() -> None:
        db = await open_database(database_url, check=False)
        try:
            await db.write(make_release, "0001")
            before = await db.read(shape)
            with pytest.raises(Exception, match=r"last step|FOREIGN|foreign"):
                await db.write(failing)
            assert await db.read(shape) == before
        finally:
            await db.close()

    asyncio.run(main())
