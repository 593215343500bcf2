"""Claim and submit on a large project: latency and pages a second at 1, 10 and 50 labelers, on both engines.

Labelers without a pause show what the queue can do: with 50 of them in turn, each waits 50 pages' time. Fifty who hand in a
page a second, several times the pace of people, show what one waits. The peer is the usual way: one transaction and one
fsync a call, without group commit (SQLite only).
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.rig.databases import database_url, engines, opened
from benchmarks.rig.report import latencies_ms
from core.annotation import Answer, SubmittedItem
from core.db import sqlite_writer
from core.db.database import Database
from core.ids import ProjectState, Role, TaskType
from core.intake import ingest
from core.intake.ingest import NewItem
from core.labeling import queue, submissions
from core.project import projects
from core.project.projects import NewProject
from core.team import people
from tests.builders import World

LABELERS = (1, 10, 50)
PAGE = 4
ITEMS = 500_000
BATCH = 20_000
PACE_S = 1.0
P99_MS = 50
PAGES_S = 1000
PACED = f"50, a page in {PACE_S:g} s each"


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Figures an engine and a number of labelers."""
    items = args.items or ITEMS
    found: dict[str, Any] = {}
    for engine in engines(args.engine):
        with database_url(engine) as url:
            found[engine] = asyncio.run(_engine(url, items, args.seconds))
    met = {
        f"{engine}: p99 under {P99_MS} ms at {n}": figures[n]["claim+submit"]["p99_ms"] < P99_MS
        for engine, figures in found.items()
        for n in (*map(str, LABELERS), PACED)
    }
    if "sqlite" in found:
        met[f"sqlite: {PAGES_S} pages/s at 50"] = found["sqlite"]["50"]["pages_per_s"] >= PAGES_S
    return {"items": items, "page": PAGE, **found, "met": met}


async def _engine(url: str, items: int, seconds: float) -> dict[str, Any]:
    async with opened(url) as db:
        began = time.perf_counter()
        world = await make_large_world(db, items)
        found: dict[str, Any] = {"import_rows_per_s": round(items / (time.perf_counter() - began))}
        turn = itertools.count(1)
        for labelers in LABELERS:
            found[str(labelers)] = await _labelers(db, world, labelers, seconds, turn)
        found[PACED] = await _labelers(db, world, 50, seconds, turn, pace_s=PACE_S)
        if db.dialect == "sqlite":
            with one_commit_a_call():
                found["50, a commit a call (peer)"] = await _labelers(db, world, 50, seconds, turn)
        return found


@contextmanager
def one_commit_a_call() -> Iterator[None]:
    """Group commit off, for comparison."""
    before, sqlite_writer.MAX_GROUP = sqlite_writer.MAX_GROUP, 1
    try:
        yield
    finally:
        sqlite_writer.MAX_GROUP = before


async def make_large_world(db: Database, items: int) -> World:
    """A running project of so many items, and fifty labelers."""
    new = NewProject("Large", TaskType.MULTI_CLASS, "local:/", ("robin", "wren"), seed=7)
    project = await db.write(projects.create_project, new, by=None, now_ms=0)
    for start in range(0, items, BATCH):
        rows = [NewItem(f"{n:07}.jpg", "1", 100, (640, 480)) for n in range(start, min(items, start + BATCH))]
        await db.write(ingest.add_items, project.id, project.seed, rows)
    await db.write(projects.set_state, project.id, ProjectState.RUNNING, by=None, now_ms=0)
    accounts = [
        await db.write(people.add_account, f"l{n}", Role.LABELER, by=None, now_ms=0) for n in range(max(LABELERS))
    ]
    for account in accounts:
        await db.write(people.add_member, project.id, account.id, Role.LABELER, by=None, now_ms=0)
    labels = await db.read(projects.label_classes, project.id)
    return World(project.id, tuple(accounts), tuple(label.id for label in labels), project.lease_s * 1000)


async def _labelers(
    db: Database, world: World, count: int, seconds: float, turn: Any, *, pace_s: float = 0.0
) -> dict[str, Any]:
    until = time.perf_counter() + seconds
    claims: list[float] = []
    submits: list[float] = []
    both: list[float] = []

    async def labeler(number: int) -> None:
        account, after = world.labelers[number].id, {}
        await asyncio.sleep(pace_s * number / count)
        while time.perf_counter() < until:
            began = time.perf_counter()
            page = await db.write(queue.claim_page, world.project, account, PAGE, now_ms=next(turn), after=after)
            claimed = time.perf_counter()
            answers = [SubmittedItem(held.item, held.token, Answer((world.labels[0],))) for held in page.items]
            receipt = await db.write(submissions.submit, world.project, account, answers, now_ms=next(turn))
            done = time.perf_counter()
            if len(receipt.accepted) != PAGE:
                raise RuntimeError("the queue ran dry or refused an answer")
            claims.append(claimed - began)
            submits.append(done - claimed)
            both.append(done - began)
            after = page.cursor
            await asyncio.sleep(max(0.0, pace_s - (done - began)))

    began = time.perf_counter()
    await asyncio.gather(*(labeler(n) for n in range(count)))
    took = time.perf_counter() - began
    return {
        "pages_per_s": round(len(both) / took),
        "claim": latencies_ms(claims),
        "submit": latencies_ms(submits),
        "claim+submit": latencies_ms(both),
    }
