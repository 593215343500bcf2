"""One export from beginning to end: read a snapshot, write it, check the counts, and only then hand it over."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from core.db.database import Database, Snapshot
from core.errors import BadInput
from core.ids import ItemId
from exporters.items import BATCH, Labeled, StoredItem, items_after, open_export
from exporters.manifest import Manifest, check, made_at
from exporters.output import FolderOutput, Output, ZipOutput
from exporters.writer import Format, Writer

PIECE_BYTES = 256 * 1024

Write = Callable[[bytes], Awaitable[None]]
OnProgress = Callable[[int, int], Awaitable[None]]


async def _silent(_done: int, _total: int) -> None:
    return


async def write_export(
    db: Database,
    name: str,
    format: Format,
    output: Output,
    *,
    all_items: bool = False,
    now_ms: int,
    on_progress: OnProgress = _silent,
) -> Manifest:
    """Write a project's labels into `output`, as they were at one moment, in memory that does not grow with the project.

    Raises:
        NotFound: there is no such project.
        BadInput: the format does not hold what this kind of project has.
        ExportMismatch: what was written does not add up to what the database holds.
    """
    async with db.snapshot() as view:
        begun = await view.read(open_export, name, all_items=all_items, now_ms=now_ms)
        writer = await asyncio.to_thread(format.writer, begun, output)
        try:
            await _write_all(view, begun, writer, on_progress)
        finally:
            await asyncio.to_thread(writer.close)
    manifest = Manifest(
        name, format.name, made_at(now_ms), writer.images, writer.written, len(begun.labels), output.files, output.bytes
    )
    check(manifest, begun)
    if not format.is_single:
        await asyncio.to_thread(output.put_sums)
    manifest.sha256 = output.sha256
    return manifest


async def _write_all(view: Snapshot, begun: Labeled, writer: Writer, on_progress: OnProgress) -> None:
    await on_progress(0, begun.items)
    async with aclosing(_batches(view, begun)) as batches:
        async for batch in batches:
            await asyncio.to_thread(writer.add, batch)
            await on_progress(writer.images, begun.items)
    await asyncio.to_thread(writer.finish)


async def _batches(view: Snapshot, begun: Labeled) -> AsyncGenerator[tuple[StoredItem, ...], None]:
    """Items in the order of their ids; the next batch is read while one is written."""

    def read(after: ItemId) -> asyncio.Task[tuple[StoredItem, ...]]:
        only = not begun.all_items
        return asyncio.create_task(view.read(items_after, begun.project.id, after, BATCH, labeled_only=only))

    coming = read(ItemId(0))
    try:
        while batch := await coming:
            coming = read(batch[-1].item)
            yield batch
    finally:
        await asyncio.wait([coming])  # the snapshot's connection must not close under a read


async def export_to_pipe(
    db: Database,
    name: str,
    format: Format,
    write: Write,
    *,
    all_items: bool = False,
    now_ms: int,
    on_progress: OnProgress = _silent,
) -> Manifest:
    """Write one file, or a zip where the format has many, to a pipe. Not a byte is sent before the counts are right."""
    with TemporaryDirectory(prefix="tagline-export-") as folder:
        path, manifest = await export_to_file(
            db, name, format, Path(folder), all_items=all_items, now_ms=now_ms, on_progress=on_progress
        )
        with path.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
                await write(piece)
    return manifest


async def export_to_file(
    db: Database,
    name: str,
    format: Format,
    folder: Path,
    *,
    all_items: bool = False,
    now_ms: int,
    on_progress: OnProgress = _silent,
) -> tuple[Path, Manifest]:
    """Write one file, or a zip where the format has many, into a folder; returns where it is."""
    path = folder / (format.file or f"{format.name}.zip")
    with FolderOutput(folder) if format.is_single else ZipOutput(path) as output:
        manifest = await write_export(
            db, name, format, output, all_items=all_items, now_ms=now_ms, on_progress=on_progress
        )
        if not format.is_single:
            await asyncio.to_thread(output.put, "manifest.json", manifest.to_json())
    return path, manifest


async def export_to_path(
    db: Database,
    name: str,
    format: Format,
    path: Path,
    *,
    all_items: bool = False,
    now_ms: int,
    on_progress: OnProgress = _silent,
) -> Manifest:
    """Write to a file, a .zip or a folder: whole, or nothing at all.

    Raises:
        BadInput: the path cannot be written, or is a folder that holds something.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        await asyncio.to_thread(_refuse_full, path)
        with _output(format, path, part) as output:
            manifest = await write_export(
                db, name, format, output, all_items=all_items, now_ms=now_ms, on_progress=on_progress
            )
            if not _is_bare(format, path):
                await asyncio.to_thread(output.put, "manifest.json", manifest.to_json())
        if _is_bare(format, path):
            (part / (format.file or "")).replace(path)
        else:
            part.replace(path)
    except OSError as error:
        raise BadInput(f"The export cannot be written to {path}: {error.strerror}.") from error
    finally:
        await asyncio.to_thread(_remove, part)
    return manifest


def _refuse_full(path: Path) -> None:
    if path.is_dir() and any(path.iterdir()):
        raise BadInput(f"The folder {path} is not empty; nothing was written. Name a new one.")


def _is_bare(format: Format, path: Path) -> bool:
    """True where the one file itself is wanted."""
    return format.is_single and path.suffix != ".zip" and not path.is_dir()


def _output(format: Format, path: Path, part: Path) -> Output:
    if path.suffix == ".zip":
        return ZipOutput(part)
    part.mkdir(parents=True)
    return FolderOutput(part)


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        with suppress(OSError):  # never there, or its folder is none: the error that led here says more
            part.unlink()
