"""When the learning worker has something to do: facts of a project, read from counts, in; the jobs that it needs out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from core.assist import learning
from core.assist.learning import RunState, Subject
from core.assist.settings import AssistSettings
from core.counts.progress import project_progress, queue_counts
from core.ids import ItemKind, ProjectId, TaskType

FEATURIZE, TRAIN = "featurize", "train"
KINDS = (FEATURIZE, TRAIN)
GROWTH = 1.35
REGION_GROWTH = 1.6  # a detector takes minutes where a head on embeddings takes seconds
LEAST_GROWTH = 25
LEAST_JUDGED = 50
SURE_OF_HARM = 0.95


@dataclass(frozen=True)
class Facts:
    """What the schedule looks at.

    Attributes:
        labeled: items with an answer.
        todo: items still to do, and of them `assisted` as prelabels or clusters.
        pictures: items that have a picture, whatever their state.
        featurized: how many had one at the last featurize run; None before the first.
        trained: labels at the last training, whatever came of it; None before the first.
    """

    task_type: TaskType
    settings: AssistSettings
    labeled: int
    todo: int
    assisted: int
    pictures: int
    featurized: int | None
    trained: int | None


def due(facts: Facts) -> tuple[str, ...]:
    """The kinds of jobs that the project needs now."""
    if not facts.settings.on:
        return ()
    if facts.todo and facts.pictures and facts.pictures != facts.featurized:
        return (FEATURIZE,)
    return (TRAIN,) if facts.todo and facts.labeled >= next_training(facts) else ()


def dedup(project: ProjectId) -> str:
    """By what a project's jobs are told apart from other projects'."""
    return f"project {project}"


def next_training(facts: Facts) -> int:
    """The number of labels at which the next training starts."""
    if facts.trained is None:
        return facts.settings.first
    if not facts.assisted and not facts.task_type.has_regions:
        return facts.trained + LEAST_GROWTH
    return facts.trained + growth(facts.task_type, facts.trained)


def growth(task_type: TaskType, labeled: int) -> int:
    """How many labels more are wanted for the next training."""
    return max(LEAST_GROWTH, round(((REGION_GROWTH if task_type.has_regions else GROWTH) - 1) * labeled))


def facts_of(conn: Connection, subject: Subject) -> Facts:
    """What the schedule looks at, from counts."""
    return project_facts(conn, subject.project, subject.task_type, subject.settings)


def project_facts(conn: Connection, project: ProjectId, task_type: TaskType, settings: AssistSettings) -> Facts:
    """The same for a project that may not be learned from now."""
    progress = project_progress(conn, project)
    queue = queue_counts(conn, project)
    last = _last_counts(conn, project)
    return Facts(
        task_type=task_type,
        settings=settings,
        labeled=progress.labeled,
        todo=progress.todo,
        assisted=queue.get(ItemKind.PRELABELED, 0) + queue.get(ItemKind.CLUSTERED, 0),
        pictures=learning.picture_count(conn, project),
        featurized=last.get(FEATURIZE),
        trained=last.get(TRAIN),
    )


def _last_counts(conn: Connection, project: ProjectId) -> Mapping[str, int]:
    """The `labels` of the newest run of each kind that has ended, whatever came of it."""
    runs = learning.runs_of(conn, project, 50)
    return {run.kind: run.labels for run in reversed(runs) if run.state is not RunState.RUNNING}
