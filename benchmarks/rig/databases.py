"""Fresh databases for measurements: SQLite in a temporary folder, PostgreSQL from the wheel that the tests use."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.engine import make_url

from core.db.database import Database, open_database
from core.db.schema import migrate


def engines(chosen: str) -> tuple[str, ...]:
    """The engines of a `--engine` option."""
    return ("sqlite", "postgres") if chosen == "both" else (chosen,)


@contextmanager
def database_url(engine: str) -> Iterator[str]:
    """The URL of an empty database that is gone afterwards."""
    with TemporaryDirectory(prefix="tagline-bench-") as folder:
        if engine == "sqlite":
            yield f"sqlite:///{Path(folder) / 'bench.db'}"
            return
        import pgserver

        server = pgserver.get_server(folder)
        name = f"b{uuid.uuid4().hex}"
        server.psql(f'CREATE DATABASE "{name}"')
        try:
            yield make_url(server.get_uri()).set(database=name).render_as_string(hide_password=False)
        finally:
            server.cleanup()


@asynccontextmanager
async def opened(url: str, pool_size: int = 8) -> AsyncIterator[Database]:
    """A migrated, open database."""
    await migrate(url)
    db = await open_database(url, pool_size=pool_size)
    try:
        yield db
    finally:
        await db.close()
