"""The one writer thread of a SQLite database: group commit, so that many labelers share one fsync.

It drains what waits, runs each operation in a SAVEPOINT of its own inside one BEGIN IMMEDIATE, commits once, and only then
resolves the callers' futures: an operation that is answered is on disk.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine

MAX_GROUP = 64


@dataclass(frozen=True)
class Operation:
    """One write: a function of the connection, and where its result goes."""

    act: Callable[[Connection], Any]
    done: Future[Any]


class SqliteWriter:
    """Owns the only connection of this process that writes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: queue.SimpleQueue[Operation | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    def submit(self, act: Callable[[Connection], Any]) -> Future[Any]:
        """Queue one write; the future resolves after the commit that holds it."""
        operation = Operation(act, Future())
        self._waiting.put(operation)
        return operation.done

    def close(self) -> None:
        """Finish what waits, then end the thread."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            group, ending = self._drain(first)
            self._commit(group)
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

    def _commit(self, waiting: list[Operation]) -> None:
        # From here on a caller that is cancelled changes nothing; one that was cancelled before has nothing run.
        group = [operation for operation in waiting if operation.done.set_running_or_notify_cancel()]
        settle: list[Callable[[], None]] = []
        try:
            with self._engine.begin() as connection:
                settle = [_run_in_savepoint(connection, operation) for operation in group]
        except BaseException as error:
            for operation in group:
                operation.done.set_exception(error)
            return
        for resolve in settle:
            resolve()


def _run_in_savepoint(connection: Connection, operation: Operation) -> Callable[[], None]:
    """Run one operation; a failure undoes it alone. Returns what tells the caller after the commit.

    Raises:
        Exception: SQLite gave up the whole transaction, as it does when the disk is full; the group fails with it.
    """
    driver: Any = connection.connection.driver_connection
    driver.execute("SAVEPOINT operation")
    try:
        result = operation.act(connection)
        driver.execute("RELEASE operation")
    except Exception as error:
        failure = error
        if not driver.in_transaction:
            raise _first_cause(failure) from None
        driver.execute("ROLLBACK TO operation")
        driver.execute("RELEASE operation")
        return lambda: operation.done.set_exception(failure)
    return lambda: operation.done.set_result(result)


def _first_cause(error: Exception) -> Exception:
    """The error that ended the transaction, under those of undoing savepoints that were gone with it."""
    while "no such savepoint" in str(error) and isinstance(error.__context__, Exception):
        error = error.__context__
    return error
