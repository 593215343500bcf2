"""Writing 500,000 images with 2,000,000 boxes in every format: seconds and peak memory.

Beside COCO stand json.dump of one object and Datumaro, which is none of Tagline's requirements: `--peer PYTHON` names a Python
that has it, and without one it is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, update

from benchmarks.rig.apart import apart, figures, print_figures
from benchmarks.rig.databases import database_url, opened
from benchmarks.rig.report import peak_mb
from core.annotation import Answer, Region
from core.db.database import open_database
from core.db.tables import ITEM
from core.geometry import Box
from core.ids import ItemState, TaskType
from core.intake import ingest
from core.intake.ingest import NewItem
from core.project import projects
from core.project.projects import NewProject
from exporters.formats import FORMATS
from exporters.run import export_to_path

ITEMS, BOXES, BATCH = 500_000, 4, 10_000
COCO_S, COCO_MB = 10, 100
WRITTEN = ("coco", "coco-aml", "jsonl", "csv", "parquet", "yolo", "voc")
DUMP = "json.dump"
PEER = Path(__file__).parent / "rig" / "export_peer.py"
NO_PEER = {"skipped": "no Python with Datumaro was named by --peer; pip install datumaro in an environment of its own"}


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Figures a format; `added_MB` is the peak beyond that of the idle process."""
    items = args.items or ITEMS
    with TemporaryDirectory(prefix="tagline-export-") as folder, database_url("sqlite") as url:
        asyncio.run(_fill(url, items))
        paths = {name: Path(folder, name.replace(".", "-")) for name in (*WRITTEN, DUMP)}
        found = {name: apart("benchmarks.export", name, url, path) for name, path in paths.items()}
        peer = _by_peer(args.peer, items, Path(folder, "peer")) if args.peer else NO_PEER
    met = {f"every format: {items} images": all(figures["images"] == items for figures in found.values())}
    if items == ITEMS:
        met[f"coco under {COCO_S} s"] = found["coco"]["seconds"] < COCO_S
        met[f"coco under {COCO_MB} MB"] = found["coco"]["added_MB"] < COCO_MB
    return {"items": items, "boxes": items * BOXES, **found, "datumaro": peer, "met": met}


async def _fill(url: str, items: int) -> None:
    async with opened(url) as db:
        new = NewProject("Cells", TaskType.OBJECT_DETECTION, "local:/", ("robin", "wren"), seed=7, max_items=items)
        project = await db.write(projects.create_project, new, by=None, now_ms=0)
        labels = await db.read(projects.label_classes, project.id)
        regions = tuple(Region(labels[n % 2].id, Box(10.5 + n, 20, 110 + n, 220.25)) for n in range(BOXES))
        for start in range(0, items, BATCH):
            rows = [
                NewItem(f"photos/{n:07}.jpg", "1", 100, (640, 480)) for n in range(start, min(items, start + BATCH))
            ]
            await db.write(ingest.add_items, project.id, project.seed, rows)
        await db.write(_label_all, Answer((), regions).to_json())


def _label_all(conn: Connection, body: dict[str, Any]) -> None:
    conn.execute(update(ITEM).values(state=ItemState.LABELED.value, open_slots=0, answer=body, decided_ms=0))


def _by_peer(python: str, items: int, folder: Path) -> dict[str, Any]:
    command = [python, "-P", str(PEER), str(items), str(BOXES), str(folder)]
    return figures(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


async def _export(name: str, url: str, path: Path) -> dict[str, Any]:
    db = await open_database(url)
    idle_mb, began = peak_mb(), time.perf_counter()
    if name == DUMP:
        images = await _dump(db, path)
    else:
        format = FORMATS[name]
        target = path.with_suffix(format.ending)
        images = (await export_to_path(db, "Cells", format, target, now_ms=0)).images
    took = time.perf_counter() - began
    await db.close()
    return {
        "seconds": round(took, 2),
        "added_MB": round(peak_mb() - idle_mb),
        "peak_MB": round(peak_mb()),
        "images": images,
    }


async def _dump(db: Any, path: Path) -> int:
    """The usual way: everything in one object, then json.dump."""
    from exporters.coco import annotations_of
    from exporters.items import items_after, open_export

    begun = await db.read(open_export, "Cells", all_items=False, now_ms=0)
    categories = {label.id: n for n, label in enumerate(begun.labels, start=1)}
    body: dict[str, list[Any]] = {"images": [], "annotations": []}
    after = 0
    while batch := await db.read(items_after, begun.project.id, after, 2000, labeled_only=True):
        for item in batch:
            body["images"].append({"id": len(body["images"]) + 1, "file_name": item.path, "width": item.width})
            body["annotations"].extend(annotations_of(item, categories))
        after = batch[-1].item
    with open(path, "w") as file:  # noqa: ASYNC230, PTH123 - nothing else runs here
        json.dump(body, file)
    return len(body["images"])


if __name__ == "__main__":
    print_figures(_export(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
