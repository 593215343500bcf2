"""Everything that people want to know of a project's ML assist, in one look; constant time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from core.assist import learning, suggestions
from core.assist import schedule as assist_schedule
from core.assist import settings as assist_settings
from core.assist.learning import Live, Run, RunState
from core.assist.schedule import FEATURIZE, KINDS, TRAIN
from core.assist.settings import AssistSettings
from core.assist.suggestions import Judged
from core.background import jobs
from core.background.jobs import Job, JobState, Worker
from core.counts.progress import queue_counts
from core.errors import BadInput
from core.ids import ItemKind, ProjectId, ProjectState, TaskType
from core.project.projects import project_by_id
from core.project.settings import settings_of
from core.roles import Action
from core.team.access import require_in
from core.team.people import Account

SEEN_LATELY_MS = 90_000


@dataclass(frozen=True)
class AssistStatus:
    """ML assist of one project.

    Attributes:
        labeled, next_training: answers so far, and the number of them at which the next training starts.
        active: the run whose suggestions are shown, with what people made of them; None where there is none.
        regions: what they made of suggested boxes or polygons, one by one.
        job: what waits or runs now, or None.
        audited, audit: items of the audit stream that are labeled, and all of them, counted up to `learning.MOST_COUNTED`.
        says: one sentence on how things stand.
    """

    settings: AssistSettings
    labeled: int
    next_training: int
    queue: Mapping[ItemKind, int]
    audited: int
    audit: int
    active: Run | None
    live: Live
    regions: Judged
    runs: tuple[Run, ...]
    job: Job | None
    workers: tuple[Worker, ...]
    says: str


def assist_status(conn: Connection, by: Account, project: ProjectId, *, now_ms: int) -> AssistStatus:
    """One look. Raises Forbidden for labelers."""
    require_in(conn, project, by, Action.SEE_PROGRESS)
    task_type = project_by_id(conn, project).task_type
    settings = assist_settings.read(settings_of(conn, project).assist)
    facts = assist_schedule.project_facts(conn, project, task_type, settings)
    active = learning.active_run(conn, project)
    runs = learning.runs_of(conn, project)
    waiting = next((job for job in jobs.jobs_of(conn, project, KINDS) if job.is_unfinished), None)
    found = jobs.workers(conn, seen_since_ms=now_ms - SEEN_LATELY_MS)
    audited, audit = learning.audit_counts(conn, project)
    says = _says(task_type, settings, waiting, found, runs)
    return AssistStatus(
        settings, facts.labeled, assist_schedule.next_training(facts), queue_counts(conn, project),
        audited, audit, active,
        learning.live(conn, active.id) if active else Live(0, 0.0),
        suggestions.regions_judged(conn, active.id) if active else Judged(), runs, waiting, found, says,
    )  # fmt: skip


def _says(
    task_type: TaskType, settings: AssistSettings, job: Job | None, found: tuple[Worker, ...], runs: tuple[Run, ...]
) -> str:
    """How things stand, in a sentence. Pure."""
    able = [worker for worker in found if not worker.note or not assist_settings.needs(task_type, settings)]
    if not settings.on:
        return "ML assist is off for this project."
    if job is not None and job.state is JobState.RUNNING:
        return f"{'Training' if job.kind == TRAIN else 'Looking at new pictures'}: {job.progress:.0%}, by {job.worker}."
    if not able:
        return found[0].note if found else "No learning worker has been seen lately; `tagline serve` starts one."
    if job is not None:
        return f"Waiting: {job.error}" if job.error else "Waiting for the learning worker."
    return _last_words(runs)


def _last_words(runs: tuple[Run, ...]) -> str:
    if runs and runs[0].state is RunState.FAILED and runs[0].log.strip():
        return runs[0].log.strip().splitlines()[-1]
    latest = next((run for run in runs if run.kind == TRAIN), None)
    if latest is not None and latest.log.strip():
        return latest.log.strip().splitlines()[-1]
    if any(run.kind == FEATURIZE for run in runs):
        return "The pictures have been looked at; the first training waits for labels."
    return "Nothing has been learned yet."


def train_now(conn: Connection, by: Account, project: ProjectId, *, now_ms: int) -> bool:
    """Ask for a training at once; False where one waits or runs already.

    Raises:
        Forbidden: only admins do.
        BadInput: ML assist is off, or the project does not run.
    """
    require_in(conn, project, by, Action.CHANGE_PROJECT)
    found = project_by_id(conn, project)
    settings = assist_settings.read(settings_of(conn, project).assist)
    if not settings.on:
        raise BadInput(f"ML assist is off; switch it on with `assist on {found.name}`.")
    if found.state is not ProjectState.RUNNING:
        raise BadInput(f"The project is {found.state}; it is learned from while it runs.")
    key = assist_schedule.dedup(project)
    needs = assist_settings.needs(found.task_type, settings)
    return jobs.enqueue(conn, TRAIN, key, {}, now_ms=now_ms, project=project, needs=needs) is not None


def cancel(conn: Connection, by: Account, project: ProjectId, *, now_ms: int) -> int:
    """Stop what the worker does for this project; returns how many jobs there were. Raises Forbidden."""
    require_in(conn, project, by, Action.CHANGE_PROJECT)
    return jobs.cancel(conn, project, KINDS, now_ms=now_ms)
