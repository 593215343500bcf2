"""A whole installation in one file while it serves, and back, on either engine: `tagline backup` and `restore`.

The file is a SQLite database of Tagline's own schema, whatever the engine it came from: SQLite's is copied by its online backup,
PostgreSQL's row by row from one snapshot. So a backup restores into either engine, and an older one is upgraded on its way in.
Images are not in it, nor what a learning worker keeps outside of the database.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, func, select, text

from core.background.processes import forget_all, processes
from core.db.database import Database, Snapshot, SqliteDatabase, open_database, sqlite_engine
from core.db.schema import found_revision, known_revisions, migrate, upgrade
from core.db.troubles import translate
from core.errors import BadInput, DatabaseTrouble
from core.upkeep import copying
from core.upkeep.invariants import violations

T = TypeVar("T")

SQLITE_MAGIC = b"SQLite format 3\x00"


@dataclass(frozen=True)
class Backed:
    """What a backup holds."""

    rows: dict[str, int]
    bytes: int
    schema: str


async def back_up(db: Database, path: Path) -> Backed:
    """Write everything as it is at one moment; whole, or nothing. Readable by its owner only, for it has password hashes.

    Raises:
        BadInput: the file cannot be written.
        DatabaseTrouble: the database cannot be read.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        if isinstance(db, SqliteDatabase):
            await asyncio.to_thread(_copy_file, db.path, part)
        else:
            async with db.snapshot() as view:
                await _copy_rows(view, part)
        backed = await asyncio.to_thread(_sealed, part)
        await asyncio.to_thread(part.replace, path)
        return backed
    except (OSError, sqlite3.Error) as error:
        known = translate(error)
        why = known if known is not error else getattr(error, "strerror", None) or error
        raise BadInput(f"The backup cannot be written to {path}: {why}") from error
    finally:
        with suppress(OSError):
            part.unlink()


def _copy_file(source: Path, target: Path) -> None:
    """SQLite's online backup in one step: one snapshot, and no writer waits for it."""
    reading = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
    writing = sqlite3.connect(target)
    try:
        reading.backup(writing)
    finally:
        writing.close()
        reading.close()


async def _copy_rows(view: Snapshot, target: Path) -> None:
    """Every row of a snapshot into a new SQLite database; reading and writing take turns, a batch at a time."""
    with _opened(target) as connection:
        await asyncio.to_thread(upgrade, connection)
        for table in copying.tables():
            after = None
            while found := await view.read(copying.rows_after, table, after):
                await asyncio.to_thread(copying.put, connection, table, found)
                after = copying.key_of(table, found[-1])


@contextmanager
def _opened(path: Path) -> Iterator[Connection]:
    """A transaction on a database file of our own; references are checked at its end, not row by row."""
    engine = sqlite_engine(f"sqlite:///{path}", begin="BEGIN", pooled=False)
    try:
        with engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute("PRAGMA foreign_keys=OFF")
            with connection.begin():
                yield connection
    finally:
        engine.dispose()


def _sealed(part: Path) -> Backed:
    """See that the copy is whole, make it one file without a log beside it, and put it on disk."""
    with sqlite3.connect(part, isolation_level=None) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        _require_sound(connection)
        names = [table.name for table in copying.tables()]
        there = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")}
        counts = {name: _rows_of(connection, name) for name in names if name in there}
        (schema,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    connection.close()
    with part.open("rb") as file:
        os.fsync(file.fileno())
    return Backed(counts, part.stat().st_size, schema)


def _rows_of(connection: sqlite3.Connection, table: str) -> int:
    (count,) = connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()  # noqa: S608 - a name of our own
    return int(count)


def _require_sound(connection: sqlite3.Connection) -> None:
    found = [row[0] for row in connection.execute("PRAGMA integrity_check(1)")]
    dangling = connection.execute("PRAGMA foreign_key_check").fetchone()
    if found != ["ok"] or dangling is not None:
        what = found[0] if found != ["ok"] else f"a row of {dangling[0]} refers to nothing"
        raise DatabaseTrouble(f"The copy is not sound: {what}. The database may be damaged; run `tagline doctor`.")


async def restore(url: str, path: Path, *, replace: bool, now_ms: int) -> Backed:
    """Bring a backup in; whole, or nothing. An older one is upgraded on a copy first, and checked before anything is touched.

    Raises:
        BadInput: the file is no backup, of a newer Tagline or not sound; or the database holds something and `replace` is not
            given; or processes still serve it.
    """
    with tempfile.TemporaryDirectory(prefix="tagline-restore-") as folder:
        copy = Path(folder, "backup.db")
        await asyncio.to_thread(_copy_checked, path, copy)
        await migrate(f"sqlite:///{copy}")
        await asyncio.to_thread(_on_file, copy, forget_all)
        backed = await asyncio.to_thread(_sealed, copy)
        await asyncio.to_thread(_on_file, copy, _require_rules, path.name)
        await migrate(url)
        db = await open_database(url)
        try:
            await db.read(_require_free, replace=replace, now_ms=now_ms)
            if isinstance(db, SqliteDatabase):
                await asyncio.to_thread(_copy_back, copy, db.path)
            else:
                await db.write(_take_all, copy)
            await db.read(_require_rules, path.name)
        finally:
            await db.close()
    return backed


def _copy_checked(path: Path, copy: Path) -> None:
    """Copy the file, if it is a backup of ours. Raises BadInput."""
    try:
        with path.open("rb") as file:
            if file.read(16) != SQLITE_MAGIC:
                raise BadInput(f"{path} is no backup of Tagline; nothing was restored.")
        _copy_file(path.resolve(), copy)
        schema = _on_file(copy, found_revision)
    except (OSError, sqlite3.Error) as error:
        raise BadInput(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or error}; nothing was restored."
        ) from error
    if schema is None:
        raise BadInput(f"{path} is no backup of Tagline; nothing was restored.")
    if schema not in known_revisions():
        raise BadInput(f"{path} was made by a newer Tagline (schema {schema}); upgrade this one first.")


def _on_file(path: Path, act: Callable[..., T], *args: object) -> T:
    with _opened(path) as connection:
        return act(connection, *args)


def _require_rules(conn: Connection, name: str) -> None:
    broken = [f"{what}: {n}" for what, n in violations(conn).items() if n]
    if broken:
        raise BadInput(f"{name} does not hold together ({'; '.join(broken)}); nothing was restored.")


def _require_free(conn: Connection, *, replace: bool, now_ms: int) -> None:
    alive = [one.name for one in processes(conn) if one.is_alive(now_ms)]
    if alive:
        raise BadInput(
            f"{alive[0]} still serves this database; stop `serve` on every host first. Nothing was restored."
        )
    if copying.has_content(conn) and not replace:
        raise BadInput("The database is in use; --replace restores over everything in it. Nothing was restored.")


def _copy_back(copy: Path, target: Path) -> None:
    """Over the live file in one transaction of SQLite's; killed half-way, the old content is still there."""
    reading, writing = sqlite3.connect(copy), sqlite3.connect(target, timeout=30)
    try:
        reading.backup(writing)
    finally:
        writing.close()
        reading.close()


def _take_all(conn: Connection, copy: Path) -> None:
    """Empty PostgreSQL and fill it from the copy, in the caller's transaction."""
    copying.empty(conn)
    with _opened(copy) as source:
        for table in copying.tables():
            count = 0
            for rows in copying.batches(source, table):
                copying.put(conn, table, rows)
                count += len(rows)
            if count != conn.execute(select(func.count()).select_from(table)).scalar_one():
                raise DatabaseTrouble(f"Not every row of {table.name} came in; nothing was restored.")
    copying.continue_numbers(conn)
    conn.execute(text("ANALYZE"))
