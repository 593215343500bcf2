"""Two hosts serve a few labelers for a long time while everything that can break is broken, again and again.

Kill -9 of every kind of process and of a whole host, a network that is cut or falls silent, slow clients, two hundred connections
at once, a rolling restart, a clock that jumps, a disk that fills up, a blob store that is down or slow; on PostgreSQL a crash and a
restart of the database as well, and hosts that are cut off from it. Every kind comes once before any comes again. What was
acknowledged is remembered and compared with the database at the end, with every rule.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from benchmarks.faults import Memory, compare, labeler, watch
from benchmarks.rig.blobs import pictures_in_blobs
from benchmarks.rig.breaking import ACTS, Siege, possible_now
from benchmarks.rig.databases import engines, opened
from benchmarks.rig.hosts import Host
from benchmarks.rig.postgres import postgres
from benchmarks.rig.team import free_port, make_team
from benchmarks.rig.wire import Wire
from core.errors import TaglineError
from core.upkeep.invariants import violations

ITEMS, LABELERS = 12_000, 5
LEASE_S = 30
THINK_S = 4.0
PAUSE_S = (8.0, 22.0)
TMPFS_MB = 700
SNAPSHOT_S = 300.0


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Counts an engine, over `--seconds`."""
    found = {engine: asyncio.run(_engine(engine, args.items or ITEMS, args.seconds)) for engine in engines(args.engine)}
    met = {f"{engine}: nothing lost, doubled or stuck": not any(of["wrong"].values()) for engine, of in found.items()}
    return {"labelers": LABELERS, "lease_s": LEASE_S, **found, "met": met}


async def _engine(engine: str, items: int, seconds: float) -> dict[str, Any]:
    async with AsyncExitStack() as stack:
        folder = await stack.enter_async_context(small_disk())
        server = (
            await stack.enter_async_context(postgres(disk=folder if folder.is_mount() else None))
            if engine == "postgres"
            else None
        )
        between = await _wire(stack, *server.address) if server else None
        url = server.url if server else f"sqlite:///{folder / 'tagline.db'}"
        db = await stack.enter_async_context(opened(url, pool_size=3))
        team = await make_team(db, folder, labelers=LABELERS, items=items, lease_s=LEASE_S)
        blobs = await stack.enter_async_context(pictures_in_blobs(team, folder / "photos"))
        seen = server.url_by(between.port) if server and between else url
        hosts = [_host(folder, seen, n, blobs.env if blobs else {}) for n in range(2 if server else 1)]
        for host in hosts:
            stack.push_async_callback(host.stop)
            await host.start()
        wires = [await _wire(stack, "127.0.0.1", host.port) for host in hosts]
        siege = Siege(db, team, hosts, wires, Memory(think_s=THINK_S), server, folder, blobs, between)
        return await _besiege(siege, seconds)


async def _wire(stack: AsyncExitStack, address: str, port: int) -> Wire:
    wire = Wire(address, port)
    await wire.open()
    stack.callback(wire.close)
    return wire


@asynccontextmanager
async def small_disk() -> AsyncIterator[Path]:
    """A folder on a small file system of its own where we may mount one, else a plain one."""
    with TemporaryDirectory(prefix="tagline-siege-") as name:
        is_mounted = (
            os.geteuid() == 0
            and not subprocess.run(  # noqa: ASYNC221 - at the start
                ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_MB}m", "none", name], check=False
            ).returncode
        )
        try:
            yield Path(name)
        finally:
            if is_mounted:
                subprocess.run(["umount", "-l", name], check=False)  # noqa: ASYNC221 - at the end


def _host(folder: Path, url: str, number: int, env: dict[str, str]) -> Host:
    """The second host's clock can be moved."""
    clock = folder / "clock" if number == 1 else None
    if clock is not None:
        clock.write_text("+0")
    return Host(
        f"host {number + 1}", folder / f"host{number}", url, "127.0.0.1", free_port(), 2, 1, clock=clock, env=env
    )


async def _besiege(siege: Siege, seconds: float) -> dict[str, Any]:
    began = time.monotonic()
    watching = asyncio.create_task(watch(siege.db, siege.team, siege.memory))
    chaos = [asyncio.create_task(one) for one in (_break(siege), _tell(siege, began))]
    working = [asyncio.create_task(labeler(siege, siege.team, name, siege.memory)) for name in siege.team.keys]
    while time.monotonic() - began < seconds and not siege.memory.is_done:
        if (await asyncio.wait(chaos, timeout=1, return_when=asyncio.FIRST_COMPLETED))[0]:
            break
    for task in chaos:
        task.cancel()
    for ended in await asyncio.gather(*chaos, return_exceptions=True):
        if isinstance(ended, Exception):  # what no act is known to fail of
            raise ended
    await _mend(siege)
    siege.memory.is_done = True
    await asyncio.wait(working, timeout=60)
    for task in (*working, watching):
        task.cancel()
    await asyncio.gather(*working, watching, return_exceptions=True)
    return await _verdict(siege, time.monotonic() - began)


async def _mend(siege: Siege) -> None:
    """Everything runs again, at the right time."""
    await siege.recover()
    for host in siege.hosts:
        if host.clock is not None:
            host.clock.write_text("+0")
        if host.process is None or host.process.poll() is not None:
            await host.start()


async def _verdict(siege: Siege, took: float) -> dict[str, Any]:
    """What was lost, doubled or left over, once the lease time has passed."""
    await asyncio.sleep(LEASE_S + 15)
    memory = siege.memory
    lost = await siege.db.read(compare, siege.team.project, memory.acknowledged)
    rules = await siege.db.read(violations)
    names = (
        "acknowledged and lost",
        "acknowledged with another label",
        "acknowledged twice",
        "submitted twice",
        "leases left over",
    )
    wrong = {name: lost[name] for name in names} | rules | {"in two hands": memory.twice_at_once}
    return {
        "minutes": round(took / 60, 1), "acts": dict(siege.acts), "acts in all": siege.acts.total(),
        "acts that failed": dict(siege.failed),
        "acknowledged": len(memory.acknowledged), "pages": memory.pages, "sessions": memory.connects,
        "tries and sessions that failed": memory.lost, "sessions that got to a page": memory.seated, "waits over 30 s": memory.slow,
        "acknowledgements that a notice covered": memory.unclear, "over time": siege.over_time, "wrong": wrong,
    }  # fmt: skip


async def _tell(siege: Siege, began: float) -> None:
    """Note how it stands every few minutes."""
    while True:
        await asyncio.sleep(SNAPSHOT_S)
        memory = siege.memory
        now = {
            "minute": round((time.monotonic() - began) / 60), "acts": siege.acts.total(), "acknowledged": len(memory.acknowledged),
            "sessions": memory.connects, "in two hands": memory.twice_at_once,
        }  # fmt: skip
        siege.over_time.append(now)
        sys.stderr.buffer.write(orjson.dumps(now) + b"\n")


async def _break(siege: Siege) -> None:
    """One thing after the other, in random order, none twice before each came once."""
    deck: list[str] = []
    while True:
        await asyncio.sleep(siege.rng.uniform(*PAUSE_S))
        if not deck:
            deck = [act for act in ACTS if possible_now(siege, act)]
            siege.rng.shuffle(deck)
        act = deck.pop()
        try:
            if await ACTS[act](siege):
                siege.acts[act] += 1
        except (OSError, RuntimeError, subprocess.SubprocessError, TaglineError) as error:
            siege.failed[f"{act}: {type(error).__name__}"] += 1
