"""How the whole installation stands: its projects and queues, its jobs, its workers and processes. Reads counts, never items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, text

from core.background import jobs
from core.background.jobs import Worker
from core.background.processes import Process, processes
from core.counts.progress import Progress, project_progress, queue_counts
from core.db.schema import found_revision
from core.db.tables import ACCOUNT, EVENT, JOB, PROJECT
from core.ids import ItemKind, ProjectId, ProjectState

WORKER_SILENT_S = 60.0


@dataclass(frozen=True)
class ProjectLine:
    """One project's state, items and queue."""

    name: str
    state: ProjectState
    items: Progress
    queue: Mapping[ItemKind, int]


@dataclass(frozen=True)
class Installation:
    """Everything at one moment; `events` is the id of the newest line of history, which only grows."""

    dialect: str
    schema: str
    size_bytes: int
    accounts: int
    events: int
    projects: tuple[ProjectLine, ...]
    jobs: Mapping[str, Mapping[str, int]]
    workers: tuple[Worker, ...]
    processes: tuple[Process, ...]


def installation(conn: Connection, *, now_ms: int) -> Installation:
    """Look at everything; takes as long with a million items as with none."""
    return Installation(
        dialect=conn.dialect.name,
        schema=found_revision(conn) or "",
        size_bytes=_size_bytes(conn),
        accounts=conn.execute(select(func.count()).select_from(ACCOUNT)).scalar_one(),
        events=conn.execute(select(func.coalesce(func.max(EVENT.c.id), 0))).scalar_one(),
        projects=_projects(conn),
        jobs=_jobs(conn),
        workers=jobs.workers(conn, seen_since_ms=now_ms - int(WORKER_SILENT_S * 1000)),
        processes=processes(conn),
    )


def _projects(conn: Connection) -> tuple[ProjectLine, ...]:
    there = PROJECT.c.state != ProjectState.DELETED.value
    rows = conn.execute(select(PROJECT.c.id, PROJECT.c.name, PROJECT.c.state).where(there).order_by(PROJECT.c.name))
    return tuple(
        ProjectLine(
            row.name,
            ProjectState(row.state),
            project_progress(conn, ProjectId(row.id)),
            queue_counts(conn, ProjectId(row.id)),
        )
        for row in rows.all()
    )


def _jobs(conn: Connection) -> dict[str, dict[str, int]]:
    """Jobs by kind and state; finished ones are counted as well, so that a rise of failures can be seen."""
    rows = conn.execute(select(JOB.c.kind, JOB.c.state, func.count()).group_by(JOB.c.kind, JOB.c.state))
    found: dict[str, dict[str, int]] = {}
    for kind, state, n in rows:
        found.setdefault(kind, {})[state] = n
    return found


def _size_bytes(conn: Connection) -> int:
    if conn.dialect.name == "postgresql":
        return int(conn.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    pages, size = (conn.execute(text(f"PRAGMA {name}")).scalar_one() for name in ("page_count", "page_size"))
    return int(pages) * int(size)
