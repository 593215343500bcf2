"""What labelers notice of a large file of labels that comes in behind them, and what it takes: seconds and memory.

Labelers type over SSH on one front end, first alone, then while `data labels` of a COCO file over SSH runs in the server's
worker. The peer is the same import inside of the front end, as a thread of it: what it was before.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncssh
import orjson
import psutil

from benchmarks.rig.report import latencies_ms
from benchmarks.rig.team import Typist
from benchmarks.sessions import SIZE_CELLS, Note, answers_to_keys, key_of, notes_of, seated, watched
from core.db.database import Database
from core.ids import Role, TaskType
from core.intake import ingest
from core.intake.ingest import NewItem
from core.project import projects
from core.project.projects import NewProject
from core.team import people
from core.team.people import KeyLine
from sshd.life import Job
from tests.ssh.client import KITTY

ITEMS, BOXES, BATCH = 100_000, 4, 10_000
LABELERS, PHOTOS, ALONE_S, KEY_EVERY_S = 10, 4000, 15.0, 0.5
LONGEST_S = 900.0
NAME = "Cells"
KEY_P99_MS, SAVED_P99_MS = 50, 500


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Key to bytes and Enter to "saved", alone and meanwhile; the import's seconds, items a second and memory."""
    items = args.items or ITEMS
    found = asyncio.run(_live(items))
    meanwhile = found["meanwhile"]
    met = {
        f"every one of {items} labeled": found["import"].pop("written") == items,
        f"key to bytes p99 under {KEY_P99_MS} ms meanwhile": meanwhile["key to bytes"]["p99_ms"] < KEY_P99_MS,
        f"Enter to saved p99 under {SAVED_P99_MS} ms meanwhile": meanwhile["Enter to saved"]["p99_ms"] < SAVED_P99_MS,
    }
    return {"items": items, "boxes": items * BOXES, "labelers": LABELERS, **found, "met": met}


async def _live(items: int) -> dict[str, Any]:
    with TemporaryDirectory(prefix="tagline-imports-") as name:
        folder = Path(name)
        async with watched(folder, LABELERS, PHOTOS, Job("janitor", "sshd.janitor")) as (config, team, supervisor):
            key = await _big_project(team.db, folder / "big", items)
            janitor = psutil.Process(supervisor.children["janitor"].process.pid)
            async with AsyncExitStack() as stack:
                typists = [await seated(stack, config, team, user, KITTY) for user in team.keys]
                alone = await _typing(typists, asyncio.sleep(ALONE_S))
                began = time.perf_counter()
                importing = _command(config.port, key, f"data labels {NAME} labels.json --json")
                meanwhile = await _typing(typists, importing)
                took = time.perf_counter() - began
            peak_mb = _peak_mb(janitor)
        notes = notes_of(folder)
    facts = orjson.loads(meanwhile.said)
    return {
        "size_cells": SIZE_CELLS,
        "alone": alone.figures(notes),
        "meanwhile": meanwhile.figures(notes),
        "import": {
            "seconds": round(took, 1), "items_per_s": round(items / took), "worker's peak_MB": peak_mb,
            "written": facts["written"],
        },
    }  # fmt: skip


class Phase:
    """What was noted while labelers typed: from when to when, and how long each Enter took to be said saved."""

    def __init__(self) -> None:
        self.began, self.ended = time.perf_counter(), 0.0
        self.saved_s: list[float] = []
        self.said = ""

    def figures(self, notes: list[Note]) -> dict[str, Any]:
        """Times taken in the server within this phase, and those of its submissions."""
        within = [note for note in notes if self.began <= note[1] < self.ended]
        times, _ = answers_to_keys(within)
        return {"key to bytes": latencies_ms(times), "Enter to saved": latencies_ms(self.saved_s)}


async def _typing(typists: list[Typist], until: Any) -> Phase:
    """Everybody types and submits until something else has ended."""
    phase, stop = Phase(), asyncio.Event()
    typing = [asyncio.create_task(_work(typist, n, phase, stop)) for n, typist in enumerate(typists)]
    async with asyncio.timeout(LONGEST_S):
        phase.said = str(await until or "")
    phase.ended = time.perf_counter()
    stop.set()
    await asyncio.gather(*typing)
    return phase


async def _work(typist: Typist, number: int, phase: Phase, stop: asyncio.Event) -> None:
    """Arrows and digits twice a second; every few keys the page is labeled and submitted."""
    rng = random.Random(number)
    turn = number
    while not stop.is_set():
        await asyncio.sleep(KEY_EVERY_S * rng.uniform(0.8, 1.2))
        turn += 1
        if turn % 6:
            typist.send(key_of(turn))
            continue
        typist.send(b"a1")
        await asyncio.sleep(KEY_EVERY_S)
        before, began = _saved(typist), time.perf_counter()
        typist.send(b"\r")
        await typist.until(lambda _text, before=before: _saved(typist) > before)
        phase.saved_s.append(time.perf_counter() - began)


def _saved(typist: Typist) -> int:
    words = typist.text().partition("saved ")[2].split()
    return int(words[0]) if words and words[0].isdigit() else 0


async def _big_project(db: Database, folder: Path, items: int) -> asyncssh.SSHKey:
    """A project of so many items, a COCO file of boxes for all of them in its datastore, and an admin's key."""
    new = NewProject(NAME, TaskType.OBJECT_DETECTION, f"local:{folder}", ("robin", "wren"), seed=7, max_items=items)
    project = await db.write(projects.create_project, new, by=None, now_ms=0)
    for start in range(0, items, BATCH):
        rows = [NewItem(_path(n), "1", 100, (640, 480)) for n in range(start, min(items, start + BATCH))]
        await db.write(ingest.add_items, project.id, project.seed, rows)
    await asyncio.to_thread(_write_coco, folder / "uploads" / "labels.json", items)
    key = asyncssh.generate_private_key("ssh-ed25519")
    line = KeyLine(key.get_fingerprint(), key.export_public_key().decode().strip())
    await db.write(people.add_account, "boss", Role.ADMIN, keys=[line], by=None, now_ms=0)
    return key


def _path(number: int) -> str:
    return f"photos/{number:07}.jpg"


def _write_coco(path: Path, items: int) -> None:
    path.parent.mkdir(parents=True)
    images = [{"id": n, "file_name": _path(n), "width": 640, "height": 480} for n in range(items)]
    boxes = [
        {
            "id": n * BOXES + k,
            "image_id": n,
            "category_id": 1 + k % 2,
            "bbox": [10.5 + k, 20, 99.5, 200.25],
            "iscrowd": 0,
        }
        for n in range(items)
        for k in range(BOXES)
    ]
    categories = [{"id": 1, "name": "robin"}, {"id": 2, "name": "wren"}]
    path.write_bytes(orjson.dumps({"images": images, "annotations": boxes, "categories": categories}))


async def _command(port: int, key: asyncssh.SSHKey, line: str) -> str:
    async with asyncssh.connect(
        "127.0.0.1", port, username="boss", client_keys=[key], known_hosts=None, config=None
    ) as connection:
        return str((await connection.run(line, check=True)).stdout)


def _peak_mb(process: psutil.Process) -> int:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) // 1024
