"""Upgrade, backup and restore of a large installation: seconds, what submitting labelers notice, and whether every rule holds.

The upgrade starts from the first released schema with half of the items labeled; a migration whose last step fails must leave it so.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from alembic import command
from sqlalchemy import Connection, text

from benchmarks.queue import make_large_world
from benchmarks.rig.databases import database_url, engines, opened
from benchmarks.rig.report import latencies_ms
from core.annotation import Answer, SubmittedItem
from core.db import schema
from core.db.database import Database, open_database
from core.labeling import queue, submissions
from core.upkeep.backup import back_up, restore
from core.upkeep.invariants import violations
from tests.builders import World

ITEMS, LABELERS, PAGE, THINK_S = 500_000, 8, 4, 0.2
BEFORE_S = 5.0


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Figures an engine."""
    items = args.items or ITEMS
    found = {engine: asyncio.run(_engine(engine, items)) for engine in engines(args.engine)}
    met = {
        f"{engine}: every rule holds after restore and upgrade": not of["rules broken"] for engine, of in found.items()
    } | {
        f"{engine}: a failed migration rolls back whole": of["upgrade"]["failed one left all as it was"]
        for engine, of in found.items()
    }
    return {"items": items, **found, "met": met}


async def _engine(engine: str, items: int) -> dict[str, Any]:
    with database_url(engine) as url, database_url(engine) as old, database_url(engine) as empty:
        upgraded, rules = await _upgrade(old, items)
        with TemporaryDirectory(prefix="tagline-upkeep-") as folder:
            backed, more = await _backup(url, empty, Path(folder) / "backup.tagline", items)
    broken = {name: n for name, n in [*rules.items(), *more.items()] if n}
    return {"upgrade": upgraded, **backed, "rules broken": broken}


async def _upgrade(url: str, items: int) -> tuple[dict[str, Any], dict[str, int]]:
    db = await open_database(url, check=False)
    try:
        await db.write(_first_release, items)
        before = await db.read(_shape)
        failing_s = await _failing(db)
        is_whole = await db.read(_shape) == before
        began = time.perf_counter()
        await db.write(schema.upgrade)
        took = time.perf_counter() - began
        rules = await db.read(violations)
    finally:
        await db.close()
    figures = {
        "from 0001, s": round(took, 1), "one that fails in its last step, s": round(failing_s, 1),
        "failed one left all as it was": is_whole,
    }  # fmt: skip
    return figures, rules


async def _failing(db: Database) -> float:
    def upgrade(conn: Connection) -> None:
        schema.upgrade(conn)
        conn.execute(text("INSERT INTO no_such_table VALUES (1)"))

    began = time.perf_counter()
    try:
        await db.write(upgrade)
    except Exception:
        return time.perf_counter() - began
    raise RuntimeError("the failing migration did not fail")


def _shape(conn: Connection) -> object:
    counted = [
        conn.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in ("item", "assignment", "tally")
    ]
    columns = conn.execute(text("SELECT * FROM item WHERE id = 1")).keys()
    return counted, list(columns), schema.found_revision(conn)


def _first_release(conn: Connection, items: int) -> None:
    """The first schema with so many items, the even ones labeled by one labeler."""
    command.upgrade(schema._config(conn), "0001")
    numbers = (
        f"generate_series(1, {items}) AS s(n)"
        if conn.dialect.name == "postgresql"
        else f"(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {items}) SELECT n FROM s) AS s"
    )
    answer = '{"labels":[1],"regions":[]}'
    for statement in (
        "INSERT INTO account (id, name, role, settings, created_ms) VALUES (1, 'a', 'labeler', '{}', 0)",
        "INSERT INTO project (id, name, task_type, state, datastore, pattern, seed, max_items, min_labelers, max_labelers, lease_s, "
        "instructions, assist, import_done, import_total, created_ms, version) VALUES (1, 'P', 'multi-class', 'running', 'local:/', "
        "'**', 1, 1000000, 1, 1, 900, '', '{}', 0, 0, 0, 1)",
        "INSERT INTO label_class (id, project_id, name, path, position, color) VALUES (1, 1, 'cat', 'cat', 0, '#ffffff')",
        "INSERT INTO item (id, project_id, path, etag, bytes, width, height, frames, key, kind, priority, open_slots, state, answer, "
        "decided_ms) SELECT n, 1, 'photos/' || n || '.jpg', '1', 100, 640, 480, 1, (CAST(n AS BIGINT) * 7919) % 1000003, 2, 0, n % 2, 1 - n % 2, "
        f"CASE WHEN n % 2 = 0 THEN CAST('{answer}' AS JSON) END, CASE WHEN n % 2 = 0 THEN n END FROM {numbers}",
        "INSERT INTO assignment (item_id, account_id, project_id, state, token, held_seq, active_ms, comment, version, body, submitted_ms, "
        f"source) SELECT n, 1, 1, 1, 1, n, 1000, '', 1, CAST('{answer}' AS JSON), n, 'manual' FROM {numbers} WHERE n % 2 = 0",
        "INSERT INTO event (at_ms, what, account_id, project_id, item_id, body) SELECT n, 'item-submitted', 1, 1, n, "
        f"'{{}}' FROM {numbers} WHERE n % 2 = 0",
        "INSERT INTO tally (project_id, what, account_id, day, code, n) SELECT 1, 'item', 0, 0, state, count(*) FROM item GROUP BY state",
        "INSERT INTO tally (project_id, what, account_id, day, code, n) SELECT 1, 'label', 1, 0, 1, count(*) FROM item WHERE state = 1",
    ):
        if conn.dialect.name == "sqlite":
            statement = statement.replace(f"CAST('{answer}' AS JSON)", f"'{answer}'")
        conn.exec_driver_sql(statement)


async def _backup(url: str, empty: str, file: Path, items: int) -> tuple[dict[str, Any], dict[str, int]]:
    """Back up while labelers submit, then restore into an empty database of the same engine."""
    calls: list[tuple[float, float]] = []
    async with opened(url) as db:
        world = await make_large_world(db, items)
        stop = asyncio.Event()
        working = [asyncio.create_task(_label(db, world, n, calls, stop)) for n in range(LABELERS)]
        await asyncio.sleep(BEFORE_S)
        began = time.perf_counter()
        found = await back_up(db, file)
        ended = time.perf_counter()
        stop.set()
        await asyncio.gather(*working)
    restoring = time.perf_counter()
    await restore(empty, file, replace=False, now_ms=2**52)
    took = time.perf_counter() - restoring
    other = await open_database(empty)
    try:
        rules = await other.read(violations)
    finally:
        await other.close()
    figures = {
        "backup during load, s": round(ended - began, 1), "MB": round(found.bytes / 1e6), "restore with all checks, s": round(took, 1),
        "claim+submit before": latencies_ms([took for at, took in calls if at < began]),
        "claim+submit meanwhile": latencies_ms([took for at, took in calls if began <= at < ended]),
    }  # fmt: skip
    return figures, rules


async def _label(
    db: Database, world: World, number: int, calls: list[tuple[float, float]], stop: asyncio.Event
) -> None:
    account, turn, after = world.labelers[number].id, 1, {}
    while not stop.is_set():
        began = time.perf_counter()
        page = await db.write(queue.claim_page, world.project, account, PAGE, now_ms=turn, after=after)
        answers = [SubmittedItem(held.item, held.token, Answer((world.labels[0],))) for held in page.items]
        await db.write(submissions.submit, world.project, account, answers, now_ms=turn)
        calls.append((began, time.perf_counter() - began))
        after, turn = page.cursor, turn + 1
        await asyncio.sleep(THINK_S)
