"""So many labelers at once over real SSH, one page each three seconds, pictures on, every third at boxes: what the machine bears.

Times are taken inside the servers (`benchmarks.rig.watched_front_end`): key to first byte out, Enter to the last byte of the next page's
pictures. The clients answer what the server asks and count bytes; they share the machine, and what they take of it is said.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from benchmarks.rig.crowd import THINK_S, Crowd, labeler, seat
from benchmarks.rig.databases import database_url, opened
from benchmarks.rig.load_projects import boxes_for_some, many_more
from benchmarks.rig.report import latencies_ms
from benchmarks.rig.team import free_port, make_team
from benchmarks.sessions import KEYS_IN, by_user, cpu_seconds, last_pictures, memory_mb, notes_of
from sshd.config import load_config
from sshd.life import Job
from sshd.supervisor import Supervisor

COUNTS = (10, 25, 50, 75, 100, 125, 150)
COMPARED, MANY_ITEMS, REGIONS = 50, 1_000_000, (10, 100)
FRONT_ENDS = 2
WARM_S = 8.0
TOGETHER = 5
PHOTOS_A_LABELER = 160
NEXT_P95_MS, KEY_P95_MS, LABELER_MB = 250, 100, 15
SAME_WITHIN = 1.2


def run(args: argparse.Namespace) -> dict[str, Any]:
    """A curve over numbers of labelers until one does not hold; then the same number on many items, and on many regions. SQLite unless asked."""
    curve: dict[str, Any] = {}
    measured = partial(_load, "postgres" if args.engine == "postgres" else "sqlite", args.seconds)
    for count in COUNTS:
        curve[str(count)] = found = asyncio.run(measured(count))
        if not found["holds"]:
            break
    best = max((int(count) for count, found in curve.items() if found["holds"]), default=0)
    most = curve[str(best)] if best else next(iter(curve.values()))
    items = args.items or MANY_ITEMS
    few = asyncio.run(measured(COMPARED))
    many = asyncio.run(measured(COMPARED, items=items))
    regions = {str(count): asyncio.run(measured(COMPARED, regions=count)) for count in REGIONS}
    ratios = {
        what: round(many[what] / few[what], 2)
        for what in ("CPU ms a labeler and second", "MB a labeler beyond the first")
    }
    ratios |= {
        f"{what}, median": round(many[what]["p50_ms"] / few[what]["p50_ms"], 2)
        for what in ("submit to next picture", "key to paint")
    }
    met = {
        "100 labelers within the bounds": best >= 100,
        f"under {LABELER_MB} MB a labeler": most["MB a labeler beyond the first"] < LABELER_MB,
        f"the same on {items:,} items, within {SAME_WITHIN} times": max(ratios.values()) < SAME_WITHIN,
    }
    return {
        "front_ends": FRONT_ENDS, "think_s": THINK_S, "labelers sustained": best, "curve": curve,
        f"{COMPARED} labelers": few, f"{COMPARED} labelers on {items:,} items": many, "times that on few items": ratios,
        f"{COMPARED} labelers, a third at boxes with so many prelabeled regions an image": regions, "met": met,
    }  # fmt: skip


async def _load(engine: str, seconds: float, count: int, *, items: int = 0, regions: int = 0) -> dict[str, Any]:
    with TemporaryDirectory(prefix="tagline-load-") as name, database_url(engine) as url:
        folder = Path(name)
        config = replace(
            load_config(folder, {}),
            host="127.0.0.1",
            port=free_port(),
            front_ends=FRONT_ENDS,
            log_level="ERROR",
            database_url=url,
        )
        async with opened(url) as db, AsyncExitStack() as stack:
            team = await make_team(db, folder, labelers=count, items=count * PHOTOS_A_LABELER // 4)
            if items:
                await many_more(db, team, items)
            await boxes_for_some(db, folder, team, count * PHOTOS_A_LABELER // 12, regions)
            supervisor = Supervisor(
                config, [Job(f"watched {n}", "benchmarks.rig.watched_front_end") for n in range(FRONT_ENDS)]
            )
            ready = asyncio.Event()
            serving = asyncio.create_task(supervisor.run(lambda _port: ready.set()))
            await ready.wait()
            crowd = Crowd(config.port, team)
            pids = [child.process.pid for child in supervisor.children.values()]
            figures = await _measure(stack, crowd, [psutil.Process(pid) for pid in pids], seconds)
            supervisor.stop()
            await serving
        return _verdict(figures, notes_of(folder), crowd)


async def _measure(
    stack: AsyncExitStack, crowd: Crowd, servers: list[psutil.Process], seconds: float
) -> dict[str, float]:
    names = list(crowd.team.keys)
    await seat(stack, crowd, names[0])
    first_mb = sum(map(memory_mb, servers))
    for start in range(1, len(names), TOGETHER):
        await asyncio.gather(*(seat(stack, crowd, name) for name in names[start : start + TOGETHER]))
    until_s = time.monotonic() + WARM_S + seconds
    at_boxes = set(names[::3])
    working = [
        asyncio.create_task(labeler(crowd, client, until_s, is_boxes=name in at_boxes))
        for name, client in crowd.clients.items()
    ]
    await asyncio.sleep(WARM_S)
    pages, cpu_s, ours_s, began = crowd.pages, sum(map(cpu_seconds, servers)), time.process_time(), time.perf_counter()
    await asyncio.gather(*working)
    took = time.perf_counter() - began
    return {
        "since": began, "pages": crowd.pages - pages, "seconds": took, "server_cpu": (sum(map(cpu_seconds, servers)) - cpu_s) / took,
        "client_cpu": (time.process_time() - ours_s) / took,
        "mb": (sum(map(memory_mb, servers)) - first_mb) / max(1, len(names) - 1),
    }  # fmt: skip


def _verdict(figures: dict[str, float], notes: Sequence[tuple[str, float, str, int]], crowd: Crowd) -> dict[str, Any]:
    late = [note for note in notes if note[1] >= figures["since"]]
    nexts, sizes = last_pictures(late)
    keys = _key_times(late)
    figure = {
        "pages a second": round(figures["pages"] / figures["seconds"], 1),
        "submit to next picture": latencies_ms(nexts) | {"p95_ms": _p95(nexts)},
        "key to paint": latencies_ms(keys) | {"p95_ms": _p95(keys)},
        "kB of pictures a page, median": round(sorted(sizes)[len(sizes) // 2] / 1000) if sizes else 0,
        "front ends' CPU, cores": round(figures["server_cpu"], 2), "clients' CPU, cores": round(figures["client_cpu"], 2),
        "CPU ms a labeler and second": round(1000 * figures["server_cpu"] / len(crowd.clients), 1),
        "MB a labeler beyond the first": round(figures["mb"], 2), "errors": crowd.errors,
    }  # fmt: skip
    holds = (
        _p95(nexts) < NEXT_P95_MS and _p95(keys) < KEY_P95_MS and not crowd.errors and len(nexts) > figures["pages"] / 2
    )
    return figure | {"holds": holds}


def _key_times(notes: Sequence[tuple[str, float, str, int]]) -> list[float]:
    """For each key but Enter: seconds to the first bytes out before the next key."""
    times = []
    for rows in by_user(notes):
        keys = [n for n, row in enumerate(rows) if row[1] in KEYS_IN]
        for start, end in zip(keys, [*keys[1:], len(rows)], strict=True):
            out = [row for row in rows[start + 1 : end] if row[1] not in KEYS_IN]
            if rows[start][1] == "key" and out:
                times.append(out[0][0] - rows[start][0])
    return times


def _p95(seconds: Sequence[float]) -> float:
    ordered = sorted(seconds)
    return round(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 1) if ordered else float("inf")
