"""One door to the database, the same on SQLite and PostgreSQL.

Every operation elsewhere in core is a plain function `fn(connection, …)` that neither begins nor commits. `Database.write`
runs it in a transaction, `Database.read` on a connection that must not write. SQLite writes go through one writer thread
(`core.db.sqlite_writer`); PostgreSQL runs the same functions through asyncpg.
"""

from __future__ import annotations

import asyncio
import functools
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import orjson
from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from core.db.schema import check_version
from core.db.sqlite_writer import SqliteWriter
from core.db.troubles import is_passing, translate
from core.errors import BadInput, TaglineError

P = ParamSpec("P")
T = TypeVar("T")

BUSY_TIMEOUT_S = 10
READERS = 4
WAL_PAGES = 16_000
"""The write-ahead log's length at which the writer itself checkpoints, 64 MiB; usually its checkpointer was there before."""
POSTGRES_RETRIES = 5
# A host that vanishes in the middle of a transaction must not hold its locks until the system's two hours are over.
POSTGRES_ARGS: dict[str, Any] = {
    "timeout": 15,
    "server_settings": {
        "application_name": "tagline",
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
        "tcp_user_timeout": "25000",
        "idle_in_transaction_session_timeout": "60000",
        # Every read here is short: to start a worker process, or to compile, takes longer than what they would save.
        "max_parallel_workers_per_gather": "0",
        "jit": "off",
    },
}
JSON_AS: dict[str, Any] = {
    "json_serializer": lambda value: orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode(),
    "json_deserializer": orjson.loads,
}
_TAKEN_URLS = "sqlite:///FILE or postgresql://USER@HOST/NAME"


class Snapshot:
    """One view of the database as it was when it was taken; reads through it, one at a time, see no later change."""

    def __init__(self, run: Callable[[Callable[[Connection], Any]], Awaitable[Any]]) -> None:
        self._run = run

    async def read(self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(connection, …)` on the snapshot; it must not write."""
        result: T = await self._run(functools.partial(_call, fn, args, kwargs))
        return result


class Database(ABC):
    """A database that runs core's functions; safe to share by every task of one event loop."""

    dialect: str

    @abstractmethod
    async def write(self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(connection, …)` in one transaction; when this returns, it is on disk.

        Raises:
            DatabaseTrouble: the database cannot serve; nothing was written.
            TaglineError: what `fn` itself raises; nothing was written.
        """

    @abstractmethod
    async def read(self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(connection, …)` on a consistent snapshot; it must not write."""

    @abstractmethod
    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """Hold one consistent view for many reads, on a connection of its own; keep it for seconds, not for hours."""

    @abstractmethod
    async def close(self) -> None:
        """Finish what waits and let go of every connection."""


def sqlite_engine(url: str, *, begin: str, pooled: bool = True) -> Engine:
    """An engine whose connections use WAL with full sync and open transactions with `begin`."""
    if pooled:
        engine = create_engine(url, pool_size=READERS, max_overflow=0, pool_timeout=60, **JSON_AS)
    else:
        engine = create_engine(url, poolclass=NullPool, **JSON_AS)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_S * 1000}",
            "journal_mode=WAL",
            "synchronous=FULL",
            f"wal_autocheckpoint={WAL_PAGES}",
            "secure_delete=OFF",
            "foreign_keys=ON",
            "cache_size=-65536",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


class SqliteDatabase(Database):
    """SQLite: one writer thread with group commit, readers on connections of their own."""

    dialect = "sqlite"

    def __init__(self, url: str) -> None:
        self.path = Path(make_url(url).database or "")
        self._write_engine = sqlite_engine(url, begin="BEGIN IMMEDIATE")
        self._read_engine = sqlite_engine(url, begin="BEGIN")
        self._snapshot_engine = sqlite_engine(url, begin="BEGIN", pooled=False)
        self._writer = SqliteWriter(self._write_engine)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-reader")

    async def write(self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            result: T = await self._writer.submit(lambda connection: fn(connection, *args, **kwargs))
        except Exception as error:
            raise translate(error) from error
        return result

    async def read(self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        def act() -> T:
            with self._read_engine.connect() as connection:
                return fn(connection, *args, **kwargs)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, act)
        except Exception as error:
            raise translate(error) from error

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        loop = asyncio.get_running_loop()

        async def run(act: Callable[[Connection], Any]) -> Any:
            try:
                return await loop.run_in_executor(self._readers, act, connection)
            except Exception as error:
                raise translate(error) from error

        try:
            connection = await loop.run_in_executor(self._readers, self._snapshot_engine.connect)
        except Exception as error:
            raise translate(error) from error
        try:
            yield Snapshot(run)
        finally:
            await loop.run_in_executor(self._readers, connection.close)

    async def close(self) -> None:
        await asyncio.to_thread(self._writer.close)
        self._readers.shutdown()
        self._write_engine.dispose()
        self._read_engine.dispose()


class PostgresDatabase(Database):
    """PostgreSQL through asyncpg; serialization failures and deadlocks are tried again."""

    dialect = "postgresql"

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def write(self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        act = functools.partial(_call, fn, args, kwargs)
        for attempt in range(POSTGRES_RETRIES):
            try:
                async with self._engine.begin() as connection:
                    return await connection.run_sync(act)
            except TaglineError:
                raise
            except Exception as error:
                if not is_passing(error) or attempt == POSTGRES_RETRIES - 1:
                    raise translate(error) from error
            await asyncio.sleep(0.01 * 2**attempt)
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def read(self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            async with self._engine.connect() as connection:
                return await connection.run_sync(functools.partial(_call, fn, args, kwargs))
        except TaglineError:
            raise
        except Exception as error:
            raise translate(error) from error

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        engine = create_async_engine(self._engine.url, poolclass=NullPool, connect_args=POSTGRES_ARGS, **JSON_AS)
        try:
            async with engine.connect() as connection:
                await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                yield Snapshot(connection.run_sync)
        except TaglineError:
            raise
        except DBAPIError as error:
            raise translate(error) from error
        finally:
            await engine.dispose()

    async def close(self) -> None:
        await self._engine.dispose()


def _call(fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any], connection: Connection) -> T:
    return fn(connection, *args, **kwargs)


def async_url(url: str) -> str:
    """The given URL with the driver that Tagline uses.

    Raises:
        BadInput: neither SQLite nor PostgreSQL.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise BadInput(f"The database URL cannot be read; Tagline takes {_TAKEN_URLS}.") from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return url
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)
    raise BadInput(f"The database URL names {backend!r}; Tagline takes {_TAKEN_URLS}.")


def _connect(url: str, pool_size: int) -> Database:
    if async_url(url) == url and url.startswith("sqlite"):
        return SqliteDatabase(url)
    try:
        engine = create_async_engine(
            async_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=True,
            connect_args=POSTGRES_ARGS,
            **JSON_AS,
        )
    except ModuleNotFoundError as error:
        raise BadInput(f"PostgreSQL needs the package {error.name}; install tagline[postgres].") from error
    return PostgresDatabase(engine)


async def open_database(url: str, *, pool_size: int = 8, check: bool = True) -> Database:
    """Connect, and see that the schema is the one this Tagline was made for.

    Raises:
        DatabaseOlder, DatabaseNewer: the schema is of another version.
        DatabaseTrouble: it cannot be reached or opened.
    """
    database = _connect(url, pool_size)
    try:
        if check:
            await database.read(check_version)
    except BaseException:
        await database.close()
        raise
    return database
