"""The one writer thread of a SQLite database: group commit, so that many labelers share one fsync.

It drains what waits, runs all of it inside one BEGIN IMMEDIATE, commits once, and only then answers the callers, all in one
call of the event loop: an operation that is answered is on disk. Should one fail, nothing of the group is kept and it runs
again with a SAVEPOINT around each, which costs SQLite a copy of every page touched: a tenth of the time where all goes well.
Moving what was committed from the write-ahead log into the database is another thread's work (`Checkpointer`).
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine

MAX_GROUP = 64
CHECKPOINT_EVERY = 16
"""Groups between two checkpoints."""


@dataclass(frozen=True)
class Operation:
    """One write: a function of the connection, and the caller who waits for its result."""

    act: Callable[[Connection], Any]
    caller: asyncio.Future[Any]


@dataclass(frozen=True)
class Outcome:
    """What to tell the caller of one operation."""

    caller: asyncio.Future[Any]
    result: Any = None
    failure: BaseException | None = None

    def tell(self) -> None:
        """Answer the caller; one who gave up meanwhile is not there to hear it."""
        if self.caller.done():
            return
        if self.failure is None:
            self.caller.set_result(self.result)
        else:
            self.caller.set_exception(self.failure)


class SqliteWriter:
    """Owns the only connection of this process that writes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: queue.SimpleQueue[Operation | None] = queue.SimpleQueue()
        self._checkpointer = Checkpointer(engine)
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    def submit(self, act: Callable[[Connection], Any]) -> asyncio.Future[Any]:
        """Queue one write of the running event loop; the future resolves after the commit that holds it."""
        operation = Operation(act, asyncio.get_running_loop().create_future())
        self._waiting.put(operation)
        return operation.caller

    def close(self) -> None:
        """Finish what waits, then end the threads."""
        self._waiting.put(None)
        self._thread.join()
        self._checkpointer.close()

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            group, ending = self._drain(first)
            _answer(self._commit(group))
            self._checkpointer.count()
            if ending:
                return

    def _drain(self, first: Operation) -> tuple[list[Operation], bool]:
        group = [first]
        while len(group) < MAX_GROUP:
            try:
                operation = self._waiting.get_nowait()
            except queue.Empty:
                break
            if operation is None:
                return group, True
            group.append(operation)
        return group, False

    def _commit(self, waiting: Sequence[Operation]) -> list[Outcome]:
        # From here on a caller that gives up changes nothing; one that gave up before has nothing run.
        group = [operation for operation in waiting if not operation.caller.cancelled()]
        try:
            with self._engine.begin() as connection:
                return [Outcome(operation.caller, operation.act(connection)) for operation in group]
        except Exception as error:
            return self._apart(group) if len(group) > 1 else [Outcome(o.caller, failure=error) for o in group]

    def _apart(self, group: Sequence[Operation]) -> list[Outcome]:
        """Run a group again of which one operation failed, so that it fails alone."""
        try:
            with self._engine.begin() as connection:
                return [_run_in_savepoint(connection, operation) for operation in group]
        except Exception as error:
            return [Outcome(operation.caller, failure=error) for operation in group]


def _answer(outcomes: Sequence[Outcome]) -> None:
    """Wake every event loop that waits once, whatever the number of its callers."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Outcome]] = {}
    for outcome in outcomes:
        by_loop.setdefault(outcome.caller.get_loop(), []).append(outcome)
    for loop, mine in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody is left to hear it
            loop.call_soon_threadsafe(_tell, mine)


def _tell(outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        outcome.tell()


def _run_in_savepoint(connection: Connection, operation: Operation) -> Outcome:
    """Run one operation; a failure undoes it alone.

    Raises:
        Exception: SQLite gave up the whole transaction, as it does when the disk is full; the group fails with it.
    """
    driver: Any = connection.connection.driver_connection
    driver.execute("SAVEPOINT operation")
    try:
        result = operation.act(connection)
        driver.execute("RELEASE operation")
    except Exception as error:
        if not driver.in_transaction:
            raise _first_cause(error) from None
        driver.execute("ROLLBACK TO operation")
        driver.execute("RELEASE operation")
        return Outcome(operation.caller, failure=error)
    return Outcome(operation.caller, result)


def _first_cause(error: Exception) -> Exception:
    """The error that ended the transaction, under those of undoing savepoints that were gone with it."""
    while "no such savepoint" in str(error) and isinstance(error.__context__, Exception):
        error = error.__context__
    return error


class Checkpointer:
    """Copies the write-ahead log into the database beside the writer, which SQLite allows at any time.

    Should it ever fall behind, as under a reader that keeps an old view for long, the writer's own limit
    (`wal_autocheckpoint` in `core.db.database`) still bounds the log.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._groups = 0
        self._due = threading.Event()
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="sqlite-checkpointer", daemon=True)
        self._thread.start()

    def count(self) -> None:
        """One more group was committed."""
        self._groups += 1
        if self._groups % CHECKPOINT_EVERY == 0:
            self._due.set()

    def close(self) -> None:
        """End the thread."""
        self._ending = True
        self._due.set()
        self._thread.join()

    def _run(self) -> None:
        while self._due.wait() and not self._ending:
            self._due.clear()
            # A database that is away or read-only just now is the writer's to report; this is tried again.
            with contextlib.suppress(sqlite3.Error):
                self._checkpoint()

    def _checkpoint(self) -> None:
        connection = self._engine.raw_connection()
        try:
            driver: Any = connection.driver_connection
            driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        finally:
            connection.close()
