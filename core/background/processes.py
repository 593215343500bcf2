"""The processes of an installation, on whatever host: each says every few seconds that it lives and how much it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from core.db.prepared import INSERT
from core.db.tables import PROCESS

SILENT_S = 35.0
FORGOTTEN_S = 3600.0


@dataclass(frozen=True)
class Process:
    """One process as it last reported.

    Attributes:
        name: its kind, host and process id: no two that live have the same.
        figures: its counters since it started, and its gauges.
    """

    name: str
    kind: str
    host: str
    version: str
    started_ms: int
    seen_ms: int
    figures: Mapping[str, float]

    def is_alive(self, now_ms: int) -> bool:
        """True unless it has been silent for longer than a living process is."""
        return now_ms - self.seen_ms < SILENT_S * 1000


def announce(conn: Connection, process: Process) -> None:
    """A process says that it lives; who has been silent for an hour is forgotten."""
    values: dict[str, Any] = {**vars(process), "figures": dict(process.figures)}
    said = INSERT[conn.dialect.name](PROCESS).values(values)
    conn.execute(said.on_conflict_do_update(index_elements=["name"], set_=values))
    conn.execute(PROCESS.delete().where(PROCESS.c.seen_ms < process.seen_ms - int(FORGOTTEN_S * 1000)))


def leave(conn: Connection, name: str) -> None:
    """A process ends in order."""
    conn.execute(PROCESS.delete().where(PROCESS.c.name == name))


def forget_all(conn: Connection) -> None:
    """None of them is here: the database came from elsewhere."""
    conn.execute(PROCESS.delete())


def processes(conn: Connection) -> tuple[Process, ...]:
    """Every process that reported within the last hour and did not say goodbye, by name."""
    rows = conn.execute(select(PROCESS).order_by(PROCESS.c.name))
    return tuple(Process(**row._mapping) for row in rows)
