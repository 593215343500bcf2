"""A whole project with its history in one file, and back, from one database to another: `project archive` and `restore`.

The file is a zip of one JSON Lines file a table, and a manifest with counts and hashes. Images stay in the datastore.
Nothing of an archive is unpacked onto the disk: entries are known by name, read in bounded pieces, and checked first.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

import orjson

from core.background.jobs import Job
from core.db.database import Database, Snapshot
from core.db.schema import head_revision, known_revisions
from core.errors import BadInput, DuplicateName, TaglineError
from core.ids import ProjectId, ProjectState
from core.project.projects import get_project
from core.transfer import restoring
from core.transfer.arrival import Arrival
from core.transfer.moving import BY_NAME, TABLES, as_raw, key_of, rows
from exporters.manifest import made_at
from exporters.output import Output, ZipOutput

VERSION = 1
WHAT = "tagline-archive"
MANIFEST = "manifest.json"
STEP_ROWS = 1000
LONGEST_LINE = 64 * 1024 * 1024


@dataclass(frozen=True)
class Archived:
    """What an archive holds: rows a table."""

    project: str
    rows: dict[str, int]
    bytes: int  # before they were packed


@dataclass(frozen=True)
class Restored:
    """What came in; `strangers` are people whom this installation did not know, as disabled accounts."""

    project: ProjectId
    name: str
    rows: dict[str, int]
    strangers: tuple[str, ...]


async def archive_project(db: Database, name: str, path: Path, *, now_ms: int) -> Archived:
    """Write a project as it is at one moment; whole, or nothing.

    Raises:
        NotFound: there is no such project.
        BadInput: its files are still being loaded, or the file cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        async with db.snapshot() as view:
            with ZipOutput(part) as output:
                counts = await _write(view, name, output, now_ms)
            size = output.bytes
        await asyncio.to_thread(part.replace, path)
        return Archived(name, counts, size)
    except OSError as error:
        raise BadInput(f"The archive cannot be written to {path}: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            part.unlink()


async def _write(view: Snapshot, name: str, output: Output, now_ms: int) -> dict[str, int]:
    project = await view.read(get_project, name)
    if project.state is ProjectState.INITIALIZING:
        raise BadInput(f"The files of {name!r} are still being loaded; archive it once it runs.")
    counts: dict[str, int] = {}
    hashes: dict[str, str] = {}
    for table in TABLES:
        kept = str(table.name)
        counts[kept] = 0
        with output.open(f"{kept}.jsonl") as file:
            after = None
            while found := await view.read(rows, table, project.id, after):
                data = b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in as_raw(table, found))
                await asyncio.to_thread(file.write, data)
                counts[kept] += len(found)
                after = key_of(table, found[-1])
        hashes[kept] = output.sha256
    manifest = {
        "what": WHAT, "version": VERSION, "schema": head_revision(), "project": name, "made": made_at(now_ms),
        "rows": counts, "sha256": hashes,
    }  # fmt: skip
    output.put(MANIFEST, orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return counts


@dataclass(frozen=True)
class _Source:
    """An archive that was found whole, and what it says of itself."""

    file: zipfile.ZipFile
    manifest: dict[str, Any]


def _silent(_done: int, _total: int) -> None:
    pass


async def restore_project(
    db: Database,
    path: Path,
    *,
    name: str | None = None,
    datastore: str | None = None,
    now_ms: int,
    on_progress: Callable[[int, int], None] = _silent,
) -> Restored:
    """Bring an archived project in, paused; whole, or nothing. Others write meanwhile, and see it only once it is whole.

    Args:
        name: another name than it had.
        datastore: where its images are now, if elsewhere.
        on_progress: told how many rows of how many are in.

    Raises:
        DuplicateName: a project has, or once had, the name.
        BadInput: the file is no whole archive, or of a newer Tagline; nothing was restored.
        JobLost: it stood still for so long that it was taken for dead; nothing was restored.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise BadInput(f"{path} is no archive: {getattr(error, 'strerror', None) or error}.") from error
    with archive:
        try:
            manifest = await asyncio.to_thread(_checked, archive, path.name)
            arrival = Arrival(name, datastore, now_ms)
            await _restore(db, _Source(archive, manifest), arrival, on_progress)
        except (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError, OSError) as error:
            raise BadInput(f"{path.name} is damaged ({error}); nothing was restored.") from error
    known = arrival.name or str(manifest["project"])
    return Restored(arrival.project, known, arrival.counts, tuple(arrival.strangers.values()))


def _checked(archive: zipfile.ZipFile, name: str) -> dict[str, Any]:
    """The manifest of an archive whose every part is there and whole. Raises BadInput."""
    manifest = _manifest(archive, name)
    wanted = {MANIFEST, *(f"{table.name}.jsonl" for table in TABLES if table.name in manifest["rows"])}
    there = [info.filename for info in archive.infolist()]
    if sorted(there) != sorted(wanted):
        odd = sorted(set(there) ^ wanted) or ["one twice"]
        raise BadInput(f"{name} holds other files than an archive does ({odd[0]!r}); nothing was restored.")
    for table in manifest["rows"]:
        digest = hashlib.sha256()
        with archive.open(f"{table}.jsonl") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
        if digest.hexdigest() != manifest["sha256"].get(table):
            raise BadInput(f"{name} is damaged: {table}.jsonl is not what was written; nothing was restored.")
    return manifest


def _manifest(archive: zipfile.ZipFile, name: str) -> dict[str, Any]:
    try:
        found = orjson.loads(archive.read(MANIFEST)) if archive.getinfo(MANIFEST).file_size < 1 << 20 else {}
    except (KeyError, orjson.JSONDecodeError):
        found = {}
    if not isinstance(found, dict) or found.get("what") != WHAT:
        raise BadInput(f"{name} is no archive of a Tagline project.")
    if found.get("version") != VERSION or found.get("schema") not in known_revisions():
        raise BadInput(f"{name} was made by a newer Tagline (schema {found.get('schema')}); upgrade this one first.")
    counts = found.get("rows")
    if not isinstance(counts, dict) or not isinstance(found.get("sha256"), dict) or not counts.keys() <= BY_NAME.keys():
        raise BadInput(f"{name} has a manifest that cannot be; nothing was restored.")
    if counts.get("project") != 1:
        raise BadInput(f"{name} holds {counts.get('project')} projects instead of one; nothing was restored.")
    return found


async def _restore(db: Database, source: _Source, arrival: Arrival, on_progress: Callable[[int, int], None]) -> None:
    """Take everything in and show it; what cannot be goes out again."""
    now_ms = _clock(arrival.now_ms)
    worker = f"restore {socket.gethostname()} {os.getpid()}"
    while await restoring.clear_one(db, worker, now_ms=now_ms):
        pass
    name = arrival.name or str(source.manifest["project"])
    if await db.read(restoring.is_arriving, name):
        raise DuplicateName(
            f"{name!r} is being restored just now, or that was cut off; then it is cleared away in {restoring.LEASE_S} s."
        )
    job = await db.write(restoring.begin, worker, now_ms=now_ms())
    try:
        await _take_all(db, source, arrival, job, now_ms, on_progress)
        await db.write(restoring.keep, job, now_ms=now_ms(), lease_s=restoring.CHECK_LEASE_S)
        await db.read(arrival.check)
        await db.write(restoring.finish, job, arrival, now_ms=now_ms())
    except BaseException:
        with suppress(TaglineError):  # else the janitor clears it away
            await asyncio.shield(restoring.discard(db, job, now_ms=now_ms))
        raise


def _clock(began_ms: int) -> Callable[[], int]:
    """The time, going on from when the restore began."""
    at_s = time.monotonic()
    return lambda: began_ms + int(1000 * (time.monotonic() - at_s))


async def _take_all(
    db: Database,
    source: _Source,
    arrival: Arrival,
    job: Job,
    now_ms: Callable[[], int],
    on_progress: Callable[[int, int], None],
) -> None:
    rows_of: dict[str, int] = source.manifest["rows"]
    for table in (table for table in TABLES if table.name in rows_of):
        where = f"{table.name}.jsonl"
        with source.file.open(where) as file:
            batches = _batches(file, where)
            while batch := await asyncio.to_thread(next, batches, None):
                began = time.monotonic()
                taken = await db.write(restoring.step, job, arrival, table, batch, where, now_ms=now_ms())
                arrival.took(table, len(batch), taken)
                on_progress(sum(arrival.counts.values()), sum(rows_of.values()))
                await restoring.rest(db, time.monotonic() - began)
        if arrival.counts.get(table.name, 0) != rows_of[table.name]:
            raise BadInput(f"{where} has not as many rows as the manifest says; nothing was restored.")


def _batches(file: IO[bytes], where: str) -> Iterator[list[dict[str, Any]]]:
    lines = iter(lambda: file.readline(LONGEST_LINE), b"")
    while batch := list(islice(lines, STEP_ROWS)):
        try:
            yield [orjson.loads(line) for line in batch]
        except orjson.JSONDecodeError as error:
            raise BadInput(f"{where} is no JSON Lines: {error.msg}; nothing was restored.") from error
