"""Bringing data in: rows a second for 500,000 items (peer: the ORM), files a second for 10,000 real photos."""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection
from sqlmodel import Session

from benchmarks.rig.databases import database_url, engines, opened
from core.db.database import Database
from core.db.tables import Item
from core.ids import TaskType
from core.intake import ingest
from core.intake.ingest import NewItem, import_files
from core.project import projects
from core.project.projects import NewProject
from sshd.demo import PHOTOS
from storage import open_store

ITEMS, FILES, PEER_ROWS, BATCH = 500_000, 10_000, 20_000, 10_000
ROWS_S, REFERENCE_FILES_S = 50_000, 20


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Figures an engine."""
    items = args.items or ITEMS
    found: dict[str, Any] = {}
    for engine in engines(args.engine):
        with database_url(engine) as url:
            found[engine] = asyncio.run(_rows(url, items))
    with database_url("sqlite") as url:
        found["files"] = asyncio.run(_files(url))
    met = {f"{engine}: {ROWS_S} rows/s": found[engine]["rows_per_s"] >= ROWS_S for engine in engines(args.engine)}
    met["faster than the reference's 20 files/s"] = found["files"]["files_per_s"] > REFERENCE_FILES_S
    return {"items": items, **found, "met": met}


def _items(start: int, count: int) -> list[NewItem]:
    return [NewItem(f"photos/{n:07}.jpg", "1", 100, (640, 480)) for n in range(start, start + count)]


async def _rows(url: str, items: int) -> dict[str, Any]:
    async with opened(url) as db:
        new = NewProject("Rows", TaskType.MULTI_CLASS, "local:/", ("robin",), seed=7)
        project = await db.write(projects.create_project, new, by=None, now_ms=0)
        began = time.perf_counter()
        for start in range(0, items, BATCH):
            await db.write(ingest.add_items, project.id, project.seed, _items(start, min(BATCH, items - start)))
        took = time.perf_counter() - began
        peer_s = await _orm(db, project.id, project.seed)
    return {
        "rows_per_s": round(items / took), "seconds": round(took, 2),
        "orm_rows_per_s (peer)": round(PEER_ROWS / peer_s),
    }  # fmt: skip


async def _orm(db: Database, project: Any, seed: int) -> float:
    rows = [ingest.row_of(project, seed, item) for item in _items(10_000_000, PEER_ROWS)]

    def add_all(conn: Connection) -> None:
        with Session(bind=conn, join_transaction_mode="create_savepoint") as session:
            session.add_all([Item(**row) for row in rows])
            session.commit()

    began = time.perf_counter()
    await db.write(add_all)
    return time.perf_counter() - began


async def _files(url: str) -> dict[str, Any]:
    photos = sorted(PHOTOS.rglob("*.jpg"))
    with TemporaryDirectory(prefix="tagline-files-") as folder:
        for n in range(FILES):
            photo = photos[n % len(photos)]
            try:
                os.link(photo, Path(folder) / f"{n:05}.jpg")
            except OSError:
                (Path(folder) / f"{n:05}.jpg").write_bytes(photo.read_bytes())
        async with opened(url) as db:
            store = open_store(f"local:{folder}")
            new = NewProject("Files", TaskType.MULTI_CLASS, store.url, ("robin",), seed=7)
            project = await db.write(projects.create_project, new, by=None, now_ms=0)
            began = time.perf_counter()
            report = await import_files(db, project.id, store, by=None, now_ms=lambda: 0)
            took = time.perf_counter() - began
    return {"files": report.added, "files_per_s": round(report.added / took), "seconds": round(took, 2)}
