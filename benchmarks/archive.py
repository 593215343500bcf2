"""A project of 500,000 labeled images with their history, archived and restored: seconds and memory, on each engine.

While it is restored, a labeler of another project claims and hands in a page again and again, in another process.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.queue import make_large_world
from benchmarks.rig.apart import apart, print_figures
from benchmarks.rig.databases import database_url, engines, opened
from benchmarks.rig.report import latencies_ms, peak_mb
from core.annotation import Answer, Region, SubmittedItem
from core.db.database import open_database
from core.geometry import Box
from core.ids import ItemId, ProjectState, TaskType
from core.intake import ingest
from core.intake.ingest import NewItem
from core.labeling import queue, submissions
from core.project import projects
from core.project.projects import NewProject
from core.team.access import OPERATOR
from core.transfer.imported import targets_after, write_labels
from exporters.archive import archive_project, restore_project

ITEMS, BOXES, BATCH = 500_000, 4, 10_000
NAME, AGAIN = "Cells", "Cells again"
MOST_MB = 300
MEANWHILE_ITEMS, PAGE, PACE_S = 20_000, 4, 0.2


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Figures an engine; `added_MB` is the peak beyond that of the idle process."""
    items = args.items or ITEMS
    found: dict[str, Any] = {}
    for engine in engines(args.engine):
        with TemporaryDirectory(prefix="tagline-archive-") as folder, database_url(engine) as url:
            asyncio.run(_fill(url, items))
            file = Path(folder, "cells.zip")
            found[engine] = {"archive": apart("benchmarks.archive", "archive", url, file)}
            found[engine]["restore"], found[engine]["page meanwhile"] = asyncio.run(_restored(url, file))
            found[engine]["bytes"] = file.stat().st_size
    steps = [found[engine][step] for engine in found for step in ("archive", "restore")]
    met = {
        f"every item and event of {items}": all(step["items"] == items <= step["events"] for step in steps),
        f"under {MOST_MB} MB": all(step["added_MB"] < MOST_MB for step in steps),
    }
    return {"items": items, **found, "met": met}


async def _fill(url: str, items: int) -> None:
    """Items labeled by an import, which writes their index, their counts and an event each."""
    async with opened(url) as db:
        new = NewProject(NAME, TaskType.OBJECT_DETECTION, "local:/", ("robin", "wren"), seed=7, max_items=items)
        project = await db.write(projects.create_project, new, by=None, now_ms=0)
        labels = await db.read(projects.label_classes, project.id)
        answer = Answer((), tuple(Region(labels[n % 2].id, Box(10.5 + n, 20, 110 + n, 220.25)) for n in range(BOXES)))
        for start in range(0, items, BATCH):
            rows = [NewItem(f"p/{n:07}.jpg", "1", 100, (640, 480)) for n in range(start, min(items, start + BATCH))]
            await db.write(ingest.add_items, project.id, project.seed, rows)
        after = ItemId(0)
        while found := await db.read(targets_after, OPERATOR, project.id, after, BATCH):
            answers = {row.item: answer for row in found}
            await db.write(write_labels, OPERATOR, project.id, answers, replace=False, now_ms=1)
            after = found[-1].item
        await db.write(projects.set_state, project.id, ProjectState.RUNNING, by=None, now_ms=1)


async def _restored(url: str, file: Path) -> tuple[dict[str, Any], dict[str, float]]:
    """The figures of a restore, and what a labeler waits for a page meanwhile."""
    async with opened(url) as db:
        world = await make_large_world(db, MEANWHILE_ITEMS)
        labeler, waited, turn, cursor = world.labelers[0].id, list[float](), itertools.count(1), None
        restoring = asyncio.ensure_future(asyncio.to_thread(apart, "benchmarks.archive", "restore", url, file))
        while not restoring.done():
            began = time.perf_counter()
            now_ms = next(turn)
            page = await db.write(queue.claim_page, world.project, labeler, PAGE, now_ms=now_ms, after=cursor or {})
            given = [SubmittedItem(held.item, held.token, Answer((world.labels[0],))) for held in page.items]
            await db.write(submissions.submit, world.project, labeler, given, now_ms=now_ms)
            waited.append(time.perf_counter() - began)
            cursor = page.cursor
            await asyncio.sleep(PACE_S)
        return await restoring, latencies_ms(waited)


async def _step(step: str, url: str, file: Path) -> dict[str, Any]:
    db = await open_database(url)
    idle_mb, began = peak_mb(), time.perf_counter()
    if step == "archive":
        rows = (await archive_project(db, NAME, file, now_ms=2)).rows
    else:
        rows = (await restore_project(db, file, name=AGAIN, now_ms=2)).rows
    took = time.perf_counter() - began
    await db.close()
    return {
        "seconds": round(took, 1), "added_MB": round(peak_mb() - idle_mb), "items": rows["item"], "events": rows["event"],
    }  # fmt: skip


if __name__ == "__main__":
    print_figures(_step(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
