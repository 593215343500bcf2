"""The dashboard and the data page on a large project: 500,000 items, 1.5 million answers, 100 labelers, both engines.

The rows are made by the database itself, in the shape in which the queue writes them. The peer is the usual way: GROUP BY over
the rows at each refresh, and OFFSET for the last page.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import Connection, func, make_url, select, text
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks.rig.databases import database_url, engines, opened
from benchmarks.rig.report import latencies_ms
from core.assist.learning import MOST_COUNTED
from core.counts.tally import pace_code
from core.db.database import Database
from core.db.tables import ASSIGNMENT, ITEM
from core.ids import AccountId, ItemState, LabelId, ProjectId, ProjectState, Role, Source, TaskType
from core.oversight import agreement, assist_status, browse, dashboard
from core.oversight.browse import Filter
from core.project import projects
from core.project.projects import NewProject
from core.team import people
from core.team.access import OPERATOR
from sshd.hardening import tune_garbage_collection
from tui.manager import AGREEMENT_ITEMS

ITEMS, LABELERS, ANSWERS_AN_ITEM, DAYS, LABELS = 500_000, 100, 3, 365, 20
RUNS, PEER_RUNS, PAGE = 100, 5, 50
NOW_MS = 1_800_000_000_000
DASHBOARD_P99_MS, PAGE_P99_MS = 20, 100


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Figures an engine."""
    items = args.items or ITEMS
    found: dict[str, Any] = {}
    for engine in engines(args.engine):
        with database_url(engine) as url:
            found[engine] = asyncio.run(_engine(url, items))
    met = {}
    for engine, figures in found.items():
        met[f"{engine}: dashboard p99 under {DASHBOARD_P99_MS} ms"] = figures["dashboard"]["p99_ms"] < DASHBOARD_P99_MS
        met[f"{engine}: ML assist p99 under {DASHBOARD_P99_MS} ms"] = figures["ML assist"]["p99_ms"] < DASHBOARD_P99_MS
        for name in figures["reads"]:
            met[f"{engine}: {name} p99 under {PAGE_P99_MS} ms"] = figures["reads"][name]["p99_ms"] < PAGE_P99_MS
    return {"items": items, "answers": items * ANSWERS_AN_ITEM, "labelers": LABELERS, **found, "met": met}


async def _engine(url: str, items: int) -> dict[str, Any]:
    async with opened(url) as db:
        began = time.perf_counter()
        project, labels = await _make(db, items)
        await _vacuum(url)
        made_s = time.perf_counter() - began
        tune_garbage_collection()  # as a front end does
        found: dict[str, Any] = {"rows_made_s": round(made_s, 1)}
        look = lambda: db.read(dashboard.dashboard, OPERATOR, project, now_ms=NOW_MS)  # noqa: E731
        board = await look()
        if board.progress.labeled != items // 2 or len(board.labels) != LABELS:
            raise RuntimeError("the counts do not say what the rows say")
        found["dashboard"] = await _time(look, RUNS)
        learned = lambda: db.read(assist_status.assist_status, OPERATOR, project, now_ms=NOW_MS)  # noqa: E731
        if (status := await learned()).live.judged != MOST_COUNTED or status.audit != MOST_COUNTED:
            raise RuntimeError("the figures of ML assist are to be counted up to their bound")
        found["ML assist"] = await _time(learned, RUNS)
        agree = lambda: db.read(agreement.agreement, OPERATOR, project, newest=AGREEMENT_ITEMS)  # noqa: E731
        found["agreement"] = await _time(agree, PEER_RUNS)
        found["dashboard by GROUP BY (peer)"] = await _time(lambda: db.read(_group_by, project), PEER_RUNS)
        reads = found["reads"] = {}
        for name, wanted, where in _pages(labels, items):
            reads[name] = await _time(lambda w=wanted, o=where: _page(db, project, w, **o), RUNS)
        for name, wanted in _rare(labels, items):
            reads[f"{name}, one read"] = await _time(lambda w=wanted: _read(db, project, w), RUNS)
            found[f"{name}, until the page is full"] = await _time(lambda w=wanted: _full(db, project, w), PEER_RUNS)
        found["last page by OFFSET (peer)"] = await _time(lambda: db.read(_offset, project, items - PAGE), PEER_RUNS)
        return found


def _pages(labels: list[LabelId], items: int) -> list[tuple[str, Filter, dict[str, Any]]]:
    label = Filter(label=labels[3])
    return [
        ("first page", Filter(), {}),
        ("last page", Filter(), {"from_end": True}),
        ("by label", label, {}),
        ("by label, last page", label, {"from_end": True}),
        ("by state", Filter(states=(ItemState.LABELED,)), {}),
        ("by labeler", Filter(labeler=AccountId(7)), {}),
        ("by label and labeler", Filter(label=labels[14], labeler=AccountId(7)), {}),
        ("unreviewed", Filter(reviewed=False), {}),
        ("by date", Filter(since_ms=NOW_MS - 40_000, until_ms=NOW_MS - 20_000), {}),
        ("by source", Filter(source=Source.PRELABEL_CORRECTED), {}),
        ("by score", Filter(score_from=0.2, score_until=0.5), {}),
    ]


def _rare(labels: list[LabelId], items: int) -> list[tuple[str, Filter]]:
    """What is found at the far end, or nowhere: each read looks at so many rows, and a page takes several."""
    return [
        ("by a rare text in the path", Filter(text=f"{items - 9:07}")),
        ("by label and labeler, none there", Filter(label=labels[3], labeler=AccountId(7))),
        ("by a score that none has", Filter(score_from=0.9995)),
    ]


async def _full(db: Database, project: ProjectId, wanted: Filter) -> None:
    page = await browse.full_page(db, OPERATOR, project, wanted, limit=PAGE)
    if wanted.text and len(page.items) != 1:
        raise RuntimeError("the search has missed its item")


async def _page(db: Database, project: ProjectId, wanted: Filter, **where: Any) -> None:
    page = await browse.full_page(db, OPERATOR, project, wanted, limit=PAGE, **where)
    if not page.items and wanted.source is None:
        raise RuntimeError("an empty page measures nothing")


async def _read(db: Database, project: ProjectId, wanted: Filter) -> None:
    page = await db.read(browse.browse, OPERATOR, project, wanted, limit=PAGE)
    if page.items or not page.more:
        raise RuntimeError("this read is to look at as many rows as one may, and find nothing")


async def _time(act: Callable[[], Awaitable[Any]], runs: int) -> dict[str, float]:
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        await act()
        taken.append(time.perf_counter() - began)
    return latencies_ms(taken)


def _group_by(conn: Connection, project: ProjectId) -> None:
    conn.execute(select(ITEM.c.state, func.count()).where(ITEM.c.project_id == project).group_by(ITEM.c.state)).all()
    mine = (ASSIGNMENT.c.project_id == project, ASSIGNMENT.c.state == 1)
    query = select(ASSIGNMENT.c.account_id, func.count(), func.sum(ASSIGNMENT.c.active_ms)).where(*mine)
    conn.execute(query.group_by(ASSIGNMENT.c.account_id)).all()


def _offset(conn: Connection, project: ProjectId, offset: int) -> None:
    conn.execute(select(ITEM).where(ITEM.c.project_id == project).order_by(ITEM.c.id).offset(offset).limit(PAGE)).all()


async def _make(db: Database, items: int) -> tuple[ProjectId, list[LabelId]]:
    new = NewProject("Large", TaskType.MULTI_CLASS, "local:/", tuple(f"label {n}" for n in range(LABELS)), seed=7)
    project = (await db.write(projects.create_project, new, by=None, now_ms=0)).id
    for n in range(LABELERS):
        account = await db.write(people.add_account, f"l{n}", Role.LABELER, by=None, now_ms=0)
        await db.write(people.add_member, project, account.id, Role.LABELER, by=None, now_ms=0)
    labels = [label.id for label in await db.read(projects.label_classes, project)]
    await db.write(_fill, project, items, labels[0])
    await db.write(projects.set_state, project, ProjectState.RUNNING, by=None, now_ms=0)
    return project, labels


async def _vacuum(url: str) -> None:
    """What PostgreSQL does by itself a minute after so many rows came; the first reads would pay for it."""
    if not url.startswith("sqlite"):
        engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), isolation_level="AUTOCOMMIT")
        async with engine.connect() as conn:
            await conn.exec_driver_sql("VACUUM ANALYZE")
        await engine.dispose()


def _fill(conn: Connection, project: ProjectId, items: int, first_label: int) -> None:
    """Half of the items labeled, each answered three times; counts as the submissions would have left them."""
    sqlite = conn.dialect.name == "sqlite"
    numbers = (
        "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :items) SELECT i FROM n)"
        if sqlite
        else "(SELECT generate_series(1, :items) AS i)"
    )
    path = "printf('photos/%07d.jpg', i)" if sqlite else "'photos/' || lpad(i::text, 7, '0') || '.jpg'"
    label = f"({first_label} + i / 2 % {LABELS})"
    answer = f"'{{\"labels\":[' || {label} || '],\"regions\":[]}}'"
    cast = "" if sqlite else "::json"
    given = {"items": items, "project": project}
    conn.execute(
        text(
            "INSERT INTO item (id, project_id, path, etag, bytes, width, height, frames, key, kind, priority, open_slots, "
            "state, answer, decided_ms, source) "
            f"SELECT i, :project, {path}, '1', 100, 640, 480, 1, CAST(i AS BIGINT) * 7919 % 1000003, 2, 0, 1 - i % 2, i % 2, "
            f"CASE WHEN i % 2 = 1 THEN ({answer}){cast} END, CASE WHEN i % 2 = 1 THEN {NOW_MS} - i END, "
            f"CASE WHEN i % 2 = 1 THEN 'manual' END FROM {numbers} AS numbers"
        ),
        given,
    )
    conn.execute(
        text(
            "INSERT INTO item_label (project_id, label_id, item_id) "
            f"SELECT :project, {label}, i FROM {numbers} AS numbers WHERE i % 2 = 1"
        ),
        given,
    )
    for n in range(ANSWERS_AN_ITEM):
        account = f"(1 + (i + {n} * 37) % {LABELERS})"
        conn.execute(
            text(
                "INSERT INTO assignment (item_id, account_id, project_id, state, token, held_seq, active_ms, body, source, "
                f"comment, submitted_ms, version) SELECT i, {account}, :project, 1, 1, 0, 2000, ({answer}){cast}, "
                f"'manual', '', {NOW_MS} - i, 1 FROM {numbers} AS numbers"
            ),
            given,
        )
    _suggest(conn, given)
    _count(conn, project, items, first_label)
    conn.execute(text("ANALYZE"))


def _suggest(conn: Connection, given: dict[str, int]) -> None:
    """One model has suggested something for every item that is to do, and half of it was judged; a fifth is the audit's."""
    conn.execute(
        text(
            "INSERT INTO model_run (id, project_id, kind, state, device, metrics, log, started_ms, labels) "
            "VALUES (1, :project, 'train', 'active', 'cpu', '{}', '', 0, 100)"
        ),
        given,
    )
    conn.execute(
        text(
            "INSERT INTO prediction (item_id, model_id, score, body, kept) "
            "SELECT id, 1, id % 1000 / 1000.0, '{}', CASE WHEN id % 4 = 0 THEN 0.9 END FROM item WHERE project_id = :project AND state = 0"
        ),
        given,
    )
    conn.execute(text("UPDATE item SET model_id = 1 WHERE project_id = :project AND state = 0"), given)
    conn.execute(text("UPDATE item SET audit = 1 WHERE project_id = :project AND id % 5 = 0"), given)


def _count(conn: Connection, project: ProjectId, items: int, first_label: int) -> None:
    today, labeled = NOW_MS // 86_400_000, items // 2
    rows: list[tuple[str, int, int, int, int]] = [
        ("item", 0, 0, 0, items - labeled),
        ("queue", 0, 0, 2, items - labeled),
    ]
    rows += [("item", 1, 0, 1, labeled)]
    each = items * ANSWERS_AN_ITEM // LABELERS
    for account in range(1, LABELERS + 1):
        rows += [("daily", account, day, 0, each // DAYS) for day in range(today - DAYS + 1, today + 1)]
        rows += [("done", account, 0, 0, each), ("active-ms", account, 0, 0, each * 2000)]
        rows += [("skipped", account, 0, 0, 45), ("rejected", account, 0, 0, 30)]
        rows += [("pace", account, 0, pace_code(500 * 2**step), each // 6) for step in range(6)]
        rows += [("label", account, 0, first_label + n, labeled // LABELS // LABELERS) for n in range(LABELS)]
    conn.execute(
        text("INSERT INTO tally (project_id, what, account_id, day, code, n) VALUES (:project, :w, :a, :d, :c, :n)"),
        [{"project": project, "w": w, "a": a, "d": d, "c": c, "n": n} for w, a, d, c, n in rows],
    )
