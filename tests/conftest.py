"""Real databases for every test: a SQLite file, and a PostgreSQL server from a wheel."""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import tempfile
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy.engine import make_url

from core.db.database import Database, open_database
from core.db.schema import migrate

T = TypeVar("T")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a running PostgreSQL; missing, it is a skip, and in CI a failure.

    Its folder is not pytest's: each run of pytest closes that to other users, and for root PostgreSQL runs as another one.
    """
    folder = tempfile.mkdtemp(prefix="tagline-postgres-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # after pgserver's own, which is registered later
    # pgserver looks for it when imported, and warns where there is none, as in most containers.
    os.environ.setdefault("XDG_RUNTIME_DIR", folder)
    try:
        import pgserver
    except ImportError:
        if os.environ.get("CI"):
            pytest.fail("CI must test PostgreSQL; the wheel pgserver is missing")
        pytest.skip("the wheel pgserver is missing")
    server = pgserver.get_server(Path(folder) / "data")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite database that nobody has used."""
    return f"sqlite:///{tmp_path / 'tagline.db'}"


@contextmanager
def fresh_postgres(server: str) -> Iterator[str]:
    """A database of its own on the PostgreSQL server, gone afterwards."""
    import asyncpg

    name = f"t{uuid.uuid4().hex}"

    async def administer(statement: str) -> None:
        connection = await asyncpg.connect(server)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(administer(f'CREATE DATABASE "{name}"'))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    asyncio.run(administer(f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty PostgreSQL database."""
    with fresh_postgres(postgres_server) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Each test runs on both engines."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


Run = Callable[[Callable[[Database], Awaitable[Any]]], Any]


@pytest.fixture
def run(database_url: str) -> Run:
    """Run an async test body on a migrated database of either engine."""

    def act(body: Callable[[Database], Awaitable[T]]) -> T:
        async def main() -> T:
            await migrate(database_url)
            db = await open_database(database_url)
            try:
                return await body(db)
            finally:
                await db.close()

        return asyncio.run(main())

    return act


@pytest.fixture
def run_sqlite(sqlite_url: str) -> Run:
    """Run an async test body on a migrated SQLite database, where the engine makes no difference."""

    def act(body: Callable[[Database], Awaitable[T]]) -> T:
        async def main() -> T:
            await migrate(sqlite_url)
            db = await open_database(sqlite_url)
            try:
                return await body(db)
            finally:
                await db.close()

        return asyncio.run(main())

    return act
