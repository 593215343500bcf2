"""Files of labels taken in by a background worker, so that whoever labels meanwhile does not notice.

What came of a job is in the history, as it is of every import; a look without writing leaves its report there too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from shutil import rmtree
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

from sqlalchemy import Connection

from core.background import jobs
from core.background.job_runs import run_next
from core.background.jobs import Job
from core.db.database import Database
from core.errors import BadInput
from core.ids import ProjectId
from core.project.projects import Project, project_by_id
from core.roles import Action
from core.team.access import acting, actor, require_in
from core.team.people import Account
from core.transfer.imported import COMPARED, IMPORTED, record_import
from exporters.importers.compare import As
from exporters.importers.run import OnProgress, Wish, compare, write
from storage import open_store

KIND = "labels"
BEAT_S = 1.0
FOLDER, LEFT_S = "tagline-labels-", 24 * 3600
DONE = {False: IMPORTED, True: COMPARED}


def ask_labels(
    conn: Connection, by: Account, project: Project, file: str, wish: Wish, *, dry_run: bool, now_ms: int
) -> int:
    """Ask for a file of labels to be taken in; returns the job.

    Args:
        file: its path in the project's datastore.
        dry_run: only compare.

    Raises:
        BadInput: another file is being taken in.
        Forbidden: only admins import.
    """
    require_in(conn, project.id, by, Action.IMPORT)
    payload = {"by": actor(by), "file": file, "wish": asdict(wish) | {"use": wish.use.value}, "dry_run": dry_run}
    asked = jobs.enqueue(conn, KIND, f"project {project.id}", payload, now_ms=now_ms, project=project.id, needs=KIND)
    if asked is None:
        raise BadInput(f"Labels are being taken into {project.name} just now; try again when that is done.")
    return asked


async def work_one(db: Database, worker: str, *, now_ms: Callable[[], int]) -> bool:
    """Take in one file for which that was asked; False where it was for none."""

    async def take(job: Job, project: ProjectId) -> None:
        here = await db.read(project_by_id, project)
        by = await db.read(acting, job.payload["by"])
        await asyncio.to_thread(clear_leftovers, time.time())
        with TemporaryDirectory(prefix=FOLDER) as folder:
            path = await asyncio.to_thread(_fetch, here.datastore, job.payload["file"], Path(folder))
            await _take(db, by, here, path, job, now_ms)

    return await run_next(db, worker, KIND, take, now_ms=now_ms)


def clear_leftovers(now_s: float) -> None:
    """Remove the copies of files of labels that workers left behind on this machine when they were killed, a day ago or more."""
    for folder in Path(gettempdir()).glob(f"{FOLDER}*"):
        with suppress(OSError):
            if now_s - folder.stat().st_mtime > LEFT_S:
                rmtree(folder)


def _fetch(datastore: str, file: str, folder: Path) -> Path:
    """A file of the datastore as one of this machine, under its own name."""
    path = folder / PurePosixPath(file).name
    open_store(datastore).get_file(file, path)
    return path


async def _take(db: Database, by: Account, project: Project, path: Path, job: Job, now_ms: Callable[[], int]) -> None:
    wish = _wish(job.payload["wish"])
    found = await compare(db, by, project, path, wish)
    if job.payload["dry_run"]:
        facts = {"format": found.format, "as": wish.use.value, "images": found.images, "report": found.facts()}
        await db.write(record_import, by, project.id, facts, now_ms=now_ms(), what=COMPARED)
        return
    await write(db, by, project, found, wish, now_ms=now_ms(), on_progress=_told(db, job, now_ms))


def _wish(given: Mapping[str, Any]) -> Wish:
    return Wish(**{**given, "use": As(given["use"])})


def _told(db: Database, job: Job, now_ms: Callable[[], int]) -> OnProgress:
    """Says how far the job is, once a second."""
    said = time.monotonic()

    async def tell(done: int, total: int) -> None:
        nonlocal said
        if time.monotonic() - said >= BEAT_S:
            said = time.monotonic()
            await db.write(jobs.beat, job.id, job.attempt, now_ms=now_ms(), progress=done / max(1, total))

    return tell
