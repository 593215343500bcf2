"""Exports into the project's own datastore, under `Labeling/export/FORMAT/TIME/`, and as background runs with progress.

The manifest is written last: a folder without one is what a cut export left, and nothing reads it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection

from core.background import jobs
from core.background.job_runs import run_next
from core.background.jobs import Job
from core.db.database import Database
from core.errors import BadInput
from core.ids import AccountId, ProjectId
from core.project.projects import Project, get_project, project_by_id
from core.roles import Action
from core.team import audit
from core.team.access import actor, require_in
from core.team.audit import Happening
from core.team.people import Account
from exporters.formats import FORMATS
from exporters.manifest import Manifest, made_at
from exporters.output import FolderOutput, Output, ZipOutput
from exporters.run import write_export
from exporters.writer import Format
from storage import open_store
from storage.base import NoSuchFile, Store
from storage.images import EXPORTS

KIND = "export"
EXPORTED = "labels-exported"
UNPACKED = ("mltable",)  # what reads it wants the folder itself
BEAT_S = 1.0
OnProgress = Callable[[int, int], Awaitable[None]]


async def _silent(_done: int, _total: int) -> None:
    return


@dataclass(frozen=True)
class Stored:
    """An export in the datastore; `folder` is its path there."""

    folder: str
    url: str
    manifest: Manifest = field(compare=False)


async def export_to_datastore(
    db: Database,
    by: AccountId | None,
    name: str,
    format: Format,
    *,
    all_items: bool = False,
    now_ms: int,
    on_progress: OnProgress = _silent,
) -> Stored:
    """Write a project's labels into its datastore, and say so in the history.

    Raises:
        NotFound, BadInput, ExportMismatch: as `write_export`; nothing was written.
        StorageError: the datastore cannot be written to.
    """
    project = await db.read(get_project, name)
    store = await asyncio.to_thread(open_store, project.datastore)
    with TemporaryDirectory(prefix="tagline-export-") as given:
        folder = Path(given)
        with _output(format, folder) as output:
            manifest = await write_export(
                db, name, format, output, all_items=all_items, now_ms=now_ms, on_progress=on_progress
            )
        where = await asyncio.to_thread(_put_all, store, format, folder, manifest, now_ms)
    await db.write(_record, project.id, by, where, manifest, now_ms=now_ms)
    return Stored(where, store.url, manifest)


def _output(format: Format, folder: Path) -> Output:
    if format.is_single or format.name in UNPACKED:
        return FolderOutput(folder)
    return ZipOutput(folder / f"{format.name}.zip")


def _put_all(store: Store, format: Format, folder: Path, manifest: Manifest, now_ms: int) -> str:
    where = _free(store, f"{EXPORTS}/{format.name}/{made_at(now_ms)[:19].replace(':', '-')}")
    for file in sorted(one for one in folder.rglob("*") if one.is_file()):
        store.put_file(f"{where}/{file.relative_to(folder).as_posix()}", file)
    store.put(f"{where}/manifest.json", manifest.to_json())
    return where


def _free(store: Store, wanted: str) -> str:
    """A folder that no export has: two may begin in the same second."""
    for n in range(1, 100):
        where = wanted if n == 1 else f"{wanted}-{n}"
        try:
            store.head(f"{where}/manifest.json")
        except NoSuchFile:
            return where
    raise BadInput("A hundred exports began in the same second; try again in a moment.")


def _record(
    conn: Connection, project: ProjectId, by: AccountId | None, where: str, manifest: Manifest, *, now_ms: int
) -> None:
    facts = {"folder": where, **asdict(manifest)}
    audit.record(conn, [Happening(EXPORTED, by, project, body=facts)], now_ms=now_ms)


def ask_export(
    conn: Connection, by: Account, project: Project, format: str, *, all_items: bool, now_ms: int
) -> int | None:
    """Ask for an export in the background; returns the job, or None where the same one waits or runs. Raises Forbidden."""
    require_in(conn, project.id, by, Action.EXPORT)
    payload: dict[str, Any] = {"by": actor(by), "format": format, "all": all_items}
    asked = f"{project.id} {format} {all_items}"
    return jobs.enqueue(conn, KIND, asked, payload, now_ms=now_ms, project=project.id, needs=KIND)


def export_jobs(conn: Connection, by: Account, project: ProjectId) -> tuple[Job, ...]:
    """The project's background exports, newest first. Raises Forbidden."""
    require_in(conn, project, by, Action.EXPORT)
    return jobs.jobs_of(conn, project, [KIND])


async def work_one(db: Database, worker: str, *, now_ms: Callable[[], int]) -> bool:
    """Do one export that was asked for; False where none was."""

    async def export(job: Job, project: ProjectId) -> None:
        here = await db.read(project_by_id, project)
        by, said = job.payload.get("by"), time.monotonic()

        async def progress(done: int, total: int) -> None:
            nonlocal said
            if time.monotonic() - said >= BEAT_S:
                said = time.monotonic()
                part = done / total if total else 1.0
                await db.write(jobs.beat, job.id, job.attempt, now_ms=now_ms(), progress=part)

        await export_to_datastore(
            db, None if by is None else AccountId(by), here.name, FORMATS[job.payload["format"]],
            all_items=bool(job.payload["all"]), now_ms=now_ms(), on_progress=progress,
        )  # fmt: skip

    return await run_next(db, worker, KIND, export, now_ms=now_ms)
