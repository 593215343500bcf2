"""Making a project at once and loading its files in the background, by whichever worker is there; nothing is lost when it dies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from core import jobs, people, projects
from core.access import actor, require_anywhere, require_in
from core.database import Database
from core.errors import BadInput, LeaseLost, TaglineError
from core.ids import AccountId, ProjectId, ProjectState, Role
from core.ingest import ImportReport, import_files
from core.jobs import Job, JobState
from core.people import Account
from core.projects import NewProject, Project, project_by_id
from core.roles import Action
from core.settings import change_settings
from core.tables import JOB, PROJECT, UNFINISHED
from storage import open_store
from storage.base import StorageError, Unreachable

KIND = NEEDS = "import"
BEAT_S = 5.0


def make_project(
    conn: Connection,
    by: Account,
    new: NewProject,
    changes: Mapping[str, Any],
    members: Sequence[Account],
    *,
    now_ms: int,
) -> Project:
    """Make a project with its settings and members, and ask for its files to be loaded: all of it, or nothing.

    Args:
        changes: settings by name, as `core.settings.change_settings` takes them.

    Raises:
        DuplicateName, BadInput: what was asked for cannot be.
        Forbidden: only admins make projects.
    """
    require_anywhere(conn, by, Action.CHANGE_PROJECT)
    project = projects.create_project(conn, new, by=actor(by), now_ms=now_ms)
    if changes:
        change_settings(conn, by, project.id, changes, now_ms=now_ms)
    for account in members:
        role = Role.LABELER if account.role is Role.ADMIN else account.role
        people.add_member(conn, project.id, account.id, role, by=actor(by), now_ms=now_ms)
    ask_import(conn, by, project.id, now_ms=now_ms)
    return project_by_id(conn, project.id)


def ask_import(conn: Connection, by: Account, project: ProjectId, *, now_ms: int) -> None:
    """Ask for a project's files to be loaded, unless that is asked for already. Raises Forbidden."""
    require_in(conn, project, by, Action.IMPORT)
    jobs.enqueue(conn, KIND, f"project {project}", {"by": actor(by)}, now_ms=now_ms, project=project, needs=NEEDS)


def troubles(conn: Connection, by: Account) -> Mapping[ProjectId, str]:
    """Why projects that are still initializing do not get on, where their last import failed. Raises Forbidden."""
    require_anywhere(conn, by, Action.CHANGE_PROJECT)
    waiting = conn.execute(select(PROJECT.c.id).where(PROJECT.c.state == ProjectState.INITIALIZING.value)).scalars()
    newest = {ProjectId(id_): jobs.jobs_of(conn, ProjectId(id_), [KIND], 1) for id_ in waiting.all()}
    return {id_: of[0].error or "" for id_, of in newest.items() if of and of[0].state is JobState.FAILED}


async def work_one(db: Database, worker: str, *, now_ms: Callable[[], int]) -> bool:
    """Load the files of one project that waits for it; False where none does.

    Cut off, the job goes back and another worker goes on where this one was. What cannot be is kept as the job's error.
    """
    if not await db.read(_is_asked):
        return False
    job = await db.write(jobs.claim, worker, (NEEDS,), kinds=(KIND,), now_ms=now_ms())
    if job is None or job.project is None:
        return False
    try:
        await _while_held(db, job, job.project, _load(db, job, job.project, now_ms), now_ms)
    except LeaseLost:
        pass
    except (TaglineError, StorageError) as error:
        again = isinstance(error, Unreachable)
        await db.write(jobs.fail, job.id, job.attempt, str(error), now_ms=now_ms(), again=again)
    except asyncio.CancelledError:
        await asyncio.shield(db.write(jobs.give_back, job.id, job.attempt))
        raise
    else:
        await db.write(jobs.finish, job.id, job.attempt, now_ms=now_ms())
    return True


def _is_asked(conn: Connection) -> bool:
    """True where an import waits or runs; a look that costs no write."""
    return conn.execute(select(JOB.c.id).where(JOB.c.kind == KIND, UNFINISHED).limit(1)).first() is not None


async def _load(db: Database, job: Job, project: ProjectId, now_ms: Callable[[], int]) -> ImportReport:
    here = await db.read(project_by_id, project)
    store = await asyncio.to_thread(open_store, here.datastore)
    by = job.payload.get("by")
    return await import_files(db, project, store, by=None if by is None else AccountId(by), now_ms=now_ms)


async def _while_held(
    db: Database, job: Job, project: ProjectId, work: Coroutine[Any, Any, object], now_ms: Callable[[], int]
) -> None:
    """Do the work for as long as the job is this worker's and the project is there. Raises LeaseLost."""
    doing = asyncio.ensure_future(work)
    try:
        while not doing.done():
            await asyncio.wait([doing], timeout=BEAT_S)
            if not doing.done():
                await db.write(_keep, job, project, now_ms=now_ms())
        doing.result()
    finally:
        doing.cancel()
        await asyncio.gather(doing, return_exceptions=True)


def _keep(conn: Connection, job: Job, project: ProjectId, *, now_ms: int) -> None:
    if not jobs.beat(conn, job.id, job.attempt, now_ms=now_ms):
        raise LeaseLost("Another worker has this import now.")
    if project_by_id(conn, project).state is ProjectState.DELETED:
        raise BadInput("The project was deleted while its files were loaded.")
