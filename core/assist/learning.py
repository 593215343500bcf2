"""What the learning worker reads: answers to learn from, items to look at; and the runs that it writes down.

Answers are those that stand now, with consensus the agreed ones. `audit` marks items drawn at random that are never shown
with a suggestion: only their answers may tell how good a model is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection, Row, func, insert, literal_column, select, update

from core.annotation import Answer
from core.assist import doubts, suggestions
from core.assist import settings as assist_settings
from core.assist.settings import AssistSettings
from core.counts.progress import project_progress
from core.db.tables import ITEM, JOB, LABEL_CLASS, MODEL_RUN, PREDICTION, PROJECT
from core.ids import ItemId, ItemKind, ItemState, LabelId, ProjectId, ProjectState, Source, TaskType
from core.team import audit

LOG_CHARACTERS = 20_000
MOST_COUNTED = 5_000


class RunState(StrEnum):
    """Life of a run. Of a project's training runs at most one is active: its suggestions are the ones that are shown."""

    RUNNING = "running"
    DONE = "done"
    ACTIVE = "active"
    REPLACED = "replaced"
    SWITCHED_OFF = "switched-off"
    FAILED = "failed"


class Seen(NamedTuple):
    """One item as the worker sees it; `answer` is None where nobody has decided it."""

    item: ItemId
    path: str
    etag: str
    state: ItemState
    audit: bool
    kind: ItemKind
    answer: Answer | None
    source: Source | None
    size_wh: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Subject:
    """A project that the worker may learn from."""

    project: ProjectId
    name: str
    task_type: TaskType
    datastore: str
    seed: int
    settings: AssistSettings
    labels: tuple[LabelId, ...]

    @property
    def needs(self) -> str:
        """What a worker must have to serve this project."""
        return assist_settings.needs(self.task_type, self.settings)


@dataclass(frozen=True)
class Run:
    """One run as it was written down, newest knowledge of it."""

    id: int
    project: ProjectId
    kind: str
    state: RunState
    device: str
    threshold: float | None
    metrics: Mapping[str, Any]
    log: str
    labels: int
    started_ms: int
    ended_ms: int | None

    @property
    def right(self) -> float | None:
        """The part of the audit images that it answers right, or of the regions that it draws there; None before that is known."""
        return cast("float | None", self.metrics.get("audit_accuracy", self.metrics.get("precision")))


def subjects(conn: Connection) -> tuple[Subject, ...]:
    """Running projects whose ML assist is on."""
    rows = conn.execute(select(PROJECT).where(PROJECT.c.state == ProjectState.RUNNING.value).order_by(PROJECT.c.id))
    return tuple(_subject(conn, row) for row in rows.all() if row.assist.get("on"))


def subject(conn: Connection, project: ProjectId) -> Subject | None:
    """The project as the worker sees it, or None where it no longer runs or its ML assist is off."""
    row = conn.execute(select(PROJECT).where(PROJECT.c.id == project)).one_or_none()
    if row is None or row.state != ProjectState.RUNNING or not row.assist.get("on"):
        return None
    return _subject(conn, row)


def _subject(conn: Connection, row: Row[Any]) -> Subject:
    labels = select(LABEL_CLASS.c.id).where(LABEL_CLASS.c.project_id == row.id, LABEL_CLASS.c.retired_ms.is_(None))
    return Subject(
        ProjectId(row.id), row.name, TaskType(row.task_type), row.datastore, row.seed, assist_settings.read(row.assist),
        tuple(LabelId(n) for n in conn.execute(labels.order_by(LABEL_CLASS.c.position)).scalars()),
    )  # fmt: skip


def seen_after(conn: Connection, project: ProjectId, after: ItemId, limit: int) -> tuple[Seen, ...]:
    """Up to `limit` items that have a picture, by id; gold items, whose answers are known, are not among them."""
    found = conn.execute(
        select(ITEM)
        .where(
            ITEM.c.project_id == project,
            ITEM.c.id > after,
            ITEM.c.gold.is_(None),
            ITEM.c.state.in_([ItemState.TODO, ItemState.LABELED, ItemState.NEEDS_REVIEW]),
        )
        .order_by(ITEM.c.id)
        .limit(limit)
    )
    return tuple(_seen(row) for row in found)


def picture_count(conn: Connection, project: ProjectId) -> int:
    """How many items of the project have a picture, from counts; it changes when files come, go, or prove unreadable."""
    progress = project_progress(conn, project)
    return progress.todo + progress.labeled + progress.needs_review + progress.skipped


def _seen(row: Row[Any]) -> Seen:
    is_labeled = row.state == ItemState.LABELED
    return Seen(
        ItemId(row.id), row.path, row.etag, ItemState(row.state), bool(row.audit), ItemKind(row.kind),
        Answer.from_json(row.answer) if is_labeled else None, Source(row.source) if is_labeled and row.source else None,
        (row.width, row.height),
    )  # fmt: skip


def start_run(
    conn: Connection, project: ProjectId, kind: str, job: int, *, device: str, labels: int, now_ms: int
) -> int:
    """Write a run down as begun; returns its id. A job that is taken up again goes on with its own run."""
    found = conn.execute(select(MODEL_RUN.c.id).where(MODEL_RUN.c.job_id == job)).scalar_one_or_none()
    if found is not None:
        conn.execute(update(MODEL_RUN).where(MODEL_RUN.c.id == found).values(device=device))
        return int(found)
    values = {
        "project_id": project, "kind": kind, "state": RunState.RUNNING.value, "device": device, "metrics": {},
        "log": "", "started_ms": now_ms, "job_id": job, "labels": labels,
    }  # fmt: skip
    return int(conn.execute(insert(MODEL_RUN).values(values).returning(MODEL_RUN.c.id)).scalar_one())


def note(conn: Connection, run: int, line: str) -> None:
    """Add a line to a run's log; the oldest lines of a very long one go."""
    log = conn.execute(select(MODEL_RUN.c.log).where(MODEL_RUN.c.id == run)).scalar_one()
    conn.execute(update(MODEL_RUN).where(MODEL_RUN.c.id == run).values(log=f"{log}{line}\n"[-LOG_CHARACTERS:]))


def learned(
    conn: Connection,
    run: int,
    weights: bytes,
    threshold: float | None,
    metrics: Mapping[str, Any],
    labels: int,
    found: Sequence[doubts.Doubt] = (),
) -> None:
    """Keep what a run has learned, and doubts, so that whoever takes it up after a kill need not learn it again."""
    project = conn.execute(select(MODEL_RUN.c.project_id).where(MODEL_RUN.c.id == run)).scalar_one()
    doubts.replace(conn, ProjectId(project), run, found)
    values = {"weights": weights, "threshold": threshold, "metrics": dict(metrics), "labels": labels}
    conn.execute(update(MODEL_RUN).where(MODEL_RUN.c.id == run).values(values))


def weights_of(conn: Connection, run: int) -> bytes | None:
    """What a run has learned, or None as long as it has not."""
    found: bytes | None = conn.execute(select(MODEL_RUN.c.weights).where(MODEL_RUN.c.id == run)).scalar_one_or_none()
    return found


def end_run(
    conn: Connection,
    run: int,
    state: RunState,
    *,
    now_ms: int,
    line: str = "",
    metrics: Mapping[str, Any] | None = None,
) -> None:
    """Write a run down as ended. One that becomes active replaces the one that was."""
    if line:
        note(conn, run, line)
    if state in (RunState.ACTIVE, RunState.DONE):
        project = select(MODEL_RUN.c.project_id).where(MODEL_RUN.c.id == run).scalar_subquery()
        kind = select(MODEL_RUN.c.kind).where(MODEL_RUN.c.id == run).scalar_subquery()
        older = (MODEL_RUN.c.project_id == project, MODEL_RUN.c.kind == kind, MODEL_RUN.c.id != run)
        conn.execute(
            update(MODEL_RUN)
            .where(*older, MODEL_RUN.c.state == RunState.ACTIVE.value)
            .values(state=RunState.REPLACED.value, weights=None)
        )
    values: dict[str, Any] = {"state": state.value, "ended_ms": now_ms}
    if metrics is not None:
        values["metrics"] = dict(metrics)
    conn.execute(update(MODEL_RUN).where(MODEL_RUN.c.id == run).values(values))


def runs_of(conn: Connection, project: ProjectId, limit: int = 20, kind: str | None = None) -> tuple[Run, ...]:
    """The project's runs, newest first, of one kind or all."""
    query = select(MODEL_RUN).where(MODEL_RUN.c.project_id == project)
    if kind is not None:
        query = query.where(MODEL_RUN.c.kind == kind)
    return tuple(_run(row) for row in conn.execute(query.order_by(MODEL_RUN.c.id.desc()).limit(limit)))


def run_by_id(conn: Connection, run: int) -> Run:
    """One run."""
    return _run(conn.execute(select(MODEL_RUN).where(MODEL_RUN.c.id == run)).one())


def active_run(conn: Connection, project: ProjectId) -> Run | None:
    """The run whose suggestions are shown, or None."""
    query = select(MODEL_RUN).where(MODEL_RUN.c.project_id == project, MODEL_RUN.c.state == RunState.ACTIVE.value)
    row = conn.execute(query.order_by(MODEL_RUN.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else _run(row)


def _run(row: Row[Any]) -> Run:
    return Run(
        row.id, ProjectId(row.project_id), row.kind, RunState(row.state), row.device, row.threshold, row.metrics,
        row.log, row.labels, row.started_ms, row.ended_ms,
    )  # fmt: skip


@dataclass(frozen=True)
class Live:
    """What people made of a model's suggestions so far: how many they judged, and how much of them they kept."""

    judged: int
    kept: float

    @property
    def precision(self) -> float | None:
        """Part that was kept, 0 to 1; None before anybody judged."""
        return self.kept / self.judged if self.judged else None


def live(conn: Connection, run: int) -> Live:
    """What people made of this model's suggestions, of so many and no more: a share does not want all of half a million."""
    judged = select(PREDICTION.c.kept).where(PREDICTION.c.model_id == run, PREDICTION.c.kept.is_not(None))
    some = judged.order_by(PREDICTION.c.item_id).limit(MOST_COUNTED).subquery()
    count, kept = conn.execute(select(func.count(), func.coalesce(func.sum(some.c.kept), 0.0)).select_from(some)).one()
    return Live(int(count), float(kept))


def audit_counts(conn: Connection, project: ProjectId) -> tuple[int, int]:
    """Items of the audit stream that are labeled, and all of them, each counted up to `MOST_COUNTED`."""
    stream = select(ITEM.c.id).where(ITEM.c.project_id == project, ITEM.c.audit == literal_column("1"))
    labeled, every = (
        conn.execute(select(func.count()).select_from(some.limit(MOST_COUNTED).subquery())).scalar_one()
        for some in (stream.where(ITEM.c.state == ItemState.LABELED.value), stream)
    )
    return int(labeled), int(every)


def counted(n: int) -> str:
    """A number that was counted up to `MOST_COUNTED`, in words."""
    return f"{n:,}" if n < MOST_COUNTED else f"{MOST_COUNTED:,} or more"


def orphans(conn: Connection) -> Mapping[int, str]:
    """Runs whose job was given up or cancelled, with the reason."""
    dead = JOB.c.state.in_(["failed", "cancelled"])
    query = select(MODEL_RUN.c.id, JOB.c.error).join(JOB, JOB.c.id == MODEL_RUN.c.job_id)
    rows = conn.execute(query.where(MODEL_RUN.c.state == RunState.RUNNING.value, dead))
    return {row.id: row.error or "Cancelled." for row in rows}


def close_orphans(conn: Connection, *, now_ms: int) -> None:
    """Such runs are over."""
    for run, reason in orphans(conn).items():
        end_run(conn, run, RunState.FAILED, now_ms=now_ms, line=reason)


def switch_off(conn: Connection, project: ProjectId, run: int, reason: str, *, now_ms: int) -> None:
    """Take a model's suggestions out of the queue, with the reason; its items are served by hand until the next one."""
    end_run(conn, run, RunState.SWITCHED_OFF, now_ms=now_ms, line=reason)
    suggestions.withdraw(conn, project, run)
    body = {"run": run, "why": reason}
    audit.record(conn, [audit.Happening("model-switched-off", None, project, body=body)], now_ms=now_ms)
