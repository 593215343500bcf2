"""Loading a project's files, and looking for new ones, in the background: by whichever worker is there, and nothing is lost
when it dies. Sessions go on meanwhile, for none of it happens in their process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from core.background import jobs
from core.background.job_runs import run_next
from core.background.jobs import Job, JobState
from core.db.database import Database
from core.db.tables import PROJECT
from core.ids import AccountId, ProjectId, ProjectState, Role
from core.intake.ingest import ImportReport, import_files
from core.intake.refresh import refresh
from core.project import projects
from core.project.projects import NewProject, Project, project_by_id
from core.project.settings import change_settings
from core.roles import Action
from core.team import people
from core.team.access import acting, actor, require_anywhere, require_in
from core.team.people import Account
from storage import open_store

KIND = "import"
REFRESH = "refresh"


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
        changes: settings by name, as `core.project.settings.change_settings` takes them.

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


def ask_import(conn: Connection, by: Account, project: ProjectId, *, now_ms: int) -> int:
    """Ask for a project's files to be loaded, unless that is asked for already; returns the job. Raises Forbidden."""
    return _ask(conn, by, KIND, project, now_ms)


def ask_refresh(conn: Connection, by: Account, project: ProjectId, *, now_ms: int) -> int:
    """Ask for a look at the datastore, unless that is asked for already; returns the job. Raises Forbidden."""
    return _ask(conn, by, REFRESH, project, now_ms)


def _ask(conn: Connection, by: Account, kind: str, project: ProjectId, now_ms: int) -> int:
    require_in(conn, project, by, Action.IMPORT)
    asked = jobs.enqueue(
        conn, kind, f"project {project}", {"by": actor(by)}, now_ms=now_ms, project=project, needs=kind
    )
    return asked or jobs.jobs_of(conn, project, [kind], 1)[0].id


def troubles(conn: Connection, by: Account) -> Mapping[ProjectId, str]:
    """Why projects that are still initializing do not get on, where their last import failed. Raises Forbidden."""
    require_anywhere(conn, by, Action.CHANGE_PROJECT)
    waiting = conn.execute(select(PROJECT.c.id).where(PROJECT.c.state == ProjectState.INITIALIZING.value)).scalars()
    newest = {ProjectId(id_): jobs.jobs_of(conn, ProjectId(id_), [KIND], 1) for id_ in waiting.all()}
    return {id_: of[0].error or "" for id_, of in newest.items() if of and of[0].state is JobState.FAILED}


async def work_one(db: Database, worker: str, *, now_ms: Callable[[], int]) -> bool:
    """Load the files of one project that waits for it; False where none does."""

    async def load(job: Job, project: ProjectId) -> None:
        await _load(db, job, project, now_ms)

    return await run_next(db, worker, KIND, load, now_ms=now_ms)


async def refresh_one(db: Database, worker: str, *, now_ms: Callable[[], int]) -> bool:
    """Look at the datastore of one project for which that was asked; False where it was for none."""

    async def look(job: Job, project: ProjectId) -> None:
        here = await db.read(project_by_id, project)
        store = await asyncio.to_thread(open_store, here.datastore)
        await refresh(db, await db.read(acting, job.payload.get("by")), project, store, now_ms=now_ms)

    return await run_next(db, worker, REFRESH, look, now_ms=now_ms)


async def _load(db: Database, job: Job, project: ProjectId, now_ms: Callable[[], int]) -> ImportReport:
    here = await db.read(project_by_id, project)
    store = await asyncio.to_thread(open_store, here.datastore)
    by = job.payload.get("by")
    return await import_files(db, project, store, by=None if by is None else AccountId(by), now_ms=now_ms)
