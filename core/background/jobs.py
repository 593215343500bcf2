"""Background jobs: enqueued once, leased to one worker, taken over when it dies, given up after so many attempts.

A claim raises `attempt`, which fences every later write: a worker that was thought dead cannot finish what another has now.
A cancelled job is simply no longer its worker's, who learns it at the next heartbeat.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from core.db.tables import JOB, UNFINISHED, WORKER
from core.errors import JobLost
from core.ids import ProjectId

P = ParamSpec("P")
T = TypeVar("T")

MAX_ATTEMPTS = 5
LEASE_S = 30
RETRY_S = 20
KEPT_ERROR = 2000
DIED = "the worker died {attempt} times at this job, last without a word; see its log"


class JobState(StrEnum):
    """Life of a job: queued → running → done, failed or cancelled; a lost lease makes it queued again."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Job:
    """One job as it stands; `progress` goes from 0 to 1, `error` is why it failed or was last given up."""

    id: int
    kind: str
    project: ProjectId | None
    payload: Mapping[str, Any]
    state: JobState
    attempt: int
    progress: float
    error: str | None
    worker: str
    created_ms: int
    ended_ms: int | None

    @property
    def is_unfinished(self) -> bool:
        """True while it waits or runs."""
        return self.state in (JobState.QUEUED, JobState.RUNNING)


def enqueue(
    conn: Connection,
    kind: str,
    dedup: str,
    payload: Mapping[str, Any],
    *,
    now_ms: int,
    project: ProjectId | None = None,
    needs: str = "",
) -> int | None:
    """Ask for a job; returns its id, or None where the same one (kind and `dedup`) waits or runs already.

    Args:
        needs: what a worker must provide to do it, such as `torch`; empty where any will do.
    """
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    values = {
        "kind": kind, "dedup": dedup, "payload": dict(payload), "state": JobState.QUEUED.value, "attempt": 0,
        "progress": 0.0, "created_ms": now_ms, "project_id": project, "needs": needs, "worker": "",
    }  # fmt: skip
    asked = insert(JOB).values(values).on_conflict_do_nothing(index_elements=["kind", "dedup"], index_where=UNFINISHED)
    return conn.execute(asked.returning(JOB.c.id)).scalar_one_or_none()


def claim(
    conn: Connection,
    worker: str,
    provides: Collection[str] = (),
    *,
    now_ms: int,
    lease_s: int = LEASE_S,
    kinds: Collection[str] = (),
) -> Job | None:
    """Lease the oldest job that this worker can do, or None. Jobs whose worker went silent are taken over, or given up.

    Args:
        provides: what the worker has that jobs may need.
        kinds: the only kinds that it knows; any where none is named.
    """
    silent = and_(JOB.c.state == JobState.RUNNING.value, JOB.c.lease_until_ms < now_ms)
    _give_up(conn, silent, now_ms)
    waited = or_(JOB.c.lease_until_ms.is_(None), JOB.c.lease_until_ms <= now_ms)
    ready = or_(and_(JOB.c.state == JobState.QUEUED.value, waited), silent)
    query = select(JOB).where(UNFINISHED, ready, JOB.c.needs.in_(["", *provides])).order_by(JOB.c.id).limit(1)
    if kinds:
        query = query.where(JOB.c.kind.in_(list(kinds)))
    if conn.dialect.name == "postgresql":
        query = query.with_for_update(skip_locked=True)
    row = conn.execute(query).one_or_none()
    if row is None:
        return None
    taken = (
        update(JOB)
        .where(JOB.c.id == row.id)
        .values(
            state=JobState.RUNNING.value, worker=worker, lease_until_ms=now_ms + lease_s * 1000, attempt=row.attempt + 1
        )
        .returning(JOB)
    )
    return _job(conn.execute(taken).one())


def has_ready(conn: Connection, provides: Collection[str], kinds: Collection[str], *, now_ms: int) -> bool:
    """True when a claim would find something, or has something to give up; a look that writes nothing."""
    silent = and_(JOB.c.state == JobState.RUNNING.value, JOB.c.lease_until_ms < now_ms)
    waited = or_(JOB.c.lease_until_ms.is_(None), JOB.c.lease_until_ms <= now_ms)
    ready = or_(and_(JOB.c.state == JobState.QUEUED.value, waited), silent)
    query = select(JOB.c.id).where(UNFINISHED, ready, JOB.c.needs.in_(["", *provides]), JOB.c.kind.in_(list(kinds)))
    return conn.execute(query.limit(1)).first() is not None


def _give_up(conn: Connection, silent: ColumnElement[bool], now_ms: int) -> None:
    """A job that killed its worker each time is failed, with the reason."""
    rows = conn.execute(select(JOB.c.id, JOB.c.attempt).where(UNFINISHED, silent, JOB.c.attempt >= MAX_ATTEMPTS)).all()
    for row in rows:
        values = {"state": JobState.FAILED.value, "error": DIED.format(attempt=row.attempt), "ended_ms": now_ms}
        conn.execute(update(JOB).where(JOB.c.id == row.id, silent).values(values))


def beat(
    conn: Connection, job: int, attempt: int, *, now_ms: int, progress: float | None = None, lease_s: int = LEASE_S
) -> bool:
    """Keep the lease and say how far it is; False where the job is no longer this worker's, who then stops."""
    values: dict[str, Any] = {"lease_until_ms": now_ms + lease_s * 1000}
    if progress is not None:
        values["progress"] = min(1.0, max(0.0, progress))
    return conn.execute(update(JOB).where(held(job, attempt)).values(values)).rowcount == 1


def held(job: int, attempt: int) -> ColumnElement[bool]:
    """The condition that the job is still this attempt's."""
    return and_(JOB.c.id == job, JOB.c.state == JobState.RUNNING.value, JOB.c.attempt == attempt)


def is_held(conn: Connection, job: int, attempt: int) -> bool:
    """True while the job is still this attempt's; on PostgreSQL nobody takes it before the transaction ends."""
    query = select(JOB.c.id).where(held(job, attempt))
    if conn.dialect.name == "postgresql":
        query = query.with_for_update()
    return conn.execute(query).first() is not None


def fenced(
    conn: Connection,
    job: int,
    attempt: int,
    fn: Callable[Concatenate[Connection, P], T],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Run `fn(connection, …)` in the caller's transaction, in which the job is still this attempt's. Raises JobLost."""
    if not is_held(conn, job, attempt):
        raise JobLost("The job was cancelled, or another worker has it now; nothing was written.")
    return fn(conn, *args, **kwargs)


def finish(conn: Connection, job: int, attempt: int, *, now_ms: int) -> bool:
    """The job is done; False where it was no longer this attempt's."""
    values = {"state": JobState.DONE.value, "progress": 1.0, "ended_ms": now_ms, "error": None}
    return conn.execute(update(JOB).where(held(job, attempt)).values(values)).rowcount == 1


def fail(conn: Connection, job: int, attempt: int, reason: str, *, now_ms: int, again: bool = False) -> bool:
    """The job did not work out, with the reason; `again` has it tried once more in a while, as long as attempts are left."""
    retry = again and attempt < MAX_ATTEMPTS
    values: dict[str, Any] = {"state": JobState.FAILED.value, "error": reason[:KEPT_ERROR], "ended_ms": now_ms}
    if retry:
        values |= {
            "state": JobState.QUEUED.value,
            "ended_ms": None,
            "lease_until_ms": now_ms + RETRY_S * 1000 * attempt,
        }
    return conn.execute(update(JOB).where(held(job, attempt)).values(values)).rowcount == 1


def give_back(conn: Connection, job: int, attempt: int) -> bool:
    """A worker that is told to stop puts its job back; that attempt does not count."""
    values = {"state": JobState.QUEUED.value, "attempt": attempt - 1, "worker": "", "lease_until_ms": None}
    return conn.execute(update(JOB).where(held(job, attempt)).values(values)).rowcount == 1


def cancel(conn: Connection, project: ProjectId, kinds: Collection[str], *, now_ms: int) -> int:
    """End the project's unfinished jobs of these kinds; returns how many there were."""
    mine = and_(JOB.c.project_id == project, JOB.c.kind.in_(list(kinds)), UNFINISHED)
    values = {"state": JobState.CANCELLED.value, "ended_ms": now_ms}
    return conn.execute(update(JOB).where(mine).values(values)).rowcount


def jobs_of(conn: Connection, project: ProjectId, kinds: Collection[str], limit: int = 20) -> tuple[Job, ...]:
    """The project's jobs of these kinds, newest first."""
    query = select(JOB).where(JOB.c.project_id == project, JOB.c.kind.in_(list(kinds)))
    return tuple(map(_job, conn.execute(query.order_by(JOB.c.id.desc()).limit(limit))))


def find(conn: Connection, job: int) -> Job | None:
    """The job with this id, or None."""
    row = conn.execute(select(JOB).where(JOB.c.id == job)).one_or_none()
    return None if row is None else _job(row)


def _job(row: Row[Any]) -> Job:
    return Job(
        row.id, row.kind, None if row.project_id is None else ProjectId(row.project_id), row.payload,
        JobState(row.state), row.attempt, row.progress, row.error, row.worker, row.created_ms, row.ended_ms,
    )  # fmt: skip


@dataclass(frozen=True)
class Worker:
    """A worker process as it last reported: on what it computes, and what it cannot do, if anything."""

    name: str
    device: str
    note: str
    seen_ms: int


def report(conn: Connection, worker: Worker) -> None:
    """A worker says that it is there."""
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    values = {"name": worker.name, "device": worker.device, "note": worker.note, "seen_ms": worker.seen_ms}
    said = insert(WORKER).values(values)
    conn.execute(said.on_conflict_do_update(index_elements=["name"], set_=values))


def workers(conn: Connection, *, seen_since_ms: int) -> tuple[Worker, ...]:
    """Workers that have reported since then, the latest first."""
    query = select(WORKER).where(WORKER.c.seen_ms >= seen_since_ms).order_by(WORKER.c.seen_ms.desc())
    return tuple(Worker(row.name, row.device, row.note, row.seen_ms) for row in conn.execute(query))


def leave(conn: Connection, worker: str) -> None:
    """A worker that ends says so, and is not waited for."""
    conn.execute(delete(WORKER).where(WORKER.c.name == worker))


def unfinished_count(conn: Connection) -> int:
    """How many jobs wait or run."""
    return conn.execute(select(func.count()).select_from(JOB).where(UNFINISHED)).scalar_one()
