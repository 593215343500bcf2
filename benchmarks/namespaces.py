"""Two front-end hosts and three learning workers in network namespaces of their own, one PostgreSQL; then one host is cut off.

Its labelers, each with labels placed and not submitted, go to the other host: when are they back on their page, is their draft
there, when is their next answer acknowledged? The target is the lease time. Needs root and `ip`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, select

from benchmarks.faults import Memory, Seen, held_twice, label, look, submit
from benchmarks.rig.databases import opened
from benchmarks.rig.hosts import Host
from benchmarks.rig.postgres import postgres
from benchmarks.rig.report import latencies_ms
from benchmarks.rig.team import PROJECT, Gone, Team, Typist, connected, link_photos, make_team
from core.db.database import Database
from core.db.tables import JOB
from core.ids import TaskType
from core.intake.ingest import import_files
from core.project import projects
from core.project.settings import change_settings
from core.team.access import OPERATOR
from core.upkeep.invariants import violations
from sshd.demo import PHOTOS
from storage import open_store

BRIDGE, NET = "tagline0", "10.77.0"
HOSTS, WORKERS, LABELERS, PROJECTS = 2, 3, 6, 3
ITEMS, LEARNED = 1500, 200
LEASE_S = 60
BEFORE_S, AFTER_S = 20.0, 60.0
NOTICE_S = 6.0
PORT = 2440


@dataclass
class Times:
    """Seconds after the cut, a labeler of the host that was cut off."""

    page: list[float] = field(default_factory=list)
    saved: list[float] = field(default_factory=list)
    same_page: int = 0
    same_draft: int = 0


@dataclass
class Net:
    """Who is where; `cut_s` is when the first host was cut off."""

    team: Team
    hosts: list[Host]
    memory: Memory
    times: Times = field(default_factory=Times)
    cut_s: float | None = None
    holding: dict[str, Seen] = field(default_factory=dict)
    is_over: bool = False

    @property
    def cut_off(self) -> set[str]:
        """The labelers of the first host."""
        return set(list(self.team.keys)[: LABELERS // 2])


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Figures of one cut; empty where namespaces cannot be made."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return {"not run": "network namespaces need root and ip", "met": {}}
    found = asyncio.run(_all(args.items or ITEMS))
    met = {
        "every labeler of the cut host was back within the lease time": found["back"] == found["cut off"]
        and found["next acknowledgement after the cut"].get("max_ms", 1e9) <= LEASE_S * 1000,
        "page and draft were there": found["page and draft as they were"] == found["cut off"],
        "nothing lost, doubled or stuck": not any(found["wrong"].values()),
        "each job was done once": found["jobs"].get("done", 0) >= PROJECTS and not found["jobs"].get("failed"),
    }
    return {"hosts": HOSTS, "workers": WORKERS, "labelers": LABELERS, "lease_s": LEASE_S, **found, "met": met}


def _ip(*words: str, check: bool = True) -> None:
    subprocess.run(["ip", *words], check=check, stderr=None if check else subprocess.DEVNULL)


@asynccontextmanager
async def network(names: list[str]) -> AsyncIterator[None]:
    """A bridge with our end at .1, and a namespace for each name at .11 and so on; gone afterwards."""
    try:
        _ip("link", "add", BRIDGE, "type", "bridge")
        _ip("addr", "add", f"{NET}.1/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        for n, name in enumerate(names):
            _ip("netns", "add", name)
            _ip("link", "add", f"v{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("link", "set", f"v{name}", "master", BRIDGE, "up")
            _ip("-n", name, "addr", "add", f"{NET}.{11 + n}/24", "dev", "eth0")
            _ip("-n", name, "link", "set", "eth0", "up")
            _ip("-n", name, "link", "set", "lo", "up")
        yield
    finally:
        for name in names:
            _ip("netns", "del", name, check=False)
        _ip("link", "del", BRIDGE, check=False)


async def _all(items: int) -> dict[str, Any]:
    names = [f"tlhost{n + 1}" for n in range(HOSTS)] + [f"tlwork{n + 1}" for n in range(WORKERS)]
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="tagline-net-")))
        await stack.enter_async_context(network(names))
        server = await stack.enter_async_context(postgres(f"{NET}.1", (f"{NET}.0/24",)))
        db = await stack.enter_async_context(opened(server.url))
        team = await make_team(db, folder, labelers=LABELERS, items=items, lease_s=LEASE_S)
        await _learned_projects(db, folder)
        hosts = [
            Host(name, folder / name, server.url, f"{NET}.{11 + n}", PORT, before=("ip", "netns", "exec", name))
            for n, name in enumerate(names[:HOSTS])
        ]
        for host in hosts:
            stack.push_async_callback(host.stop)
            await host.start()
        workers = [_worker(name, folder / name, server.url) for name in names[HOSTS:]]
        for worker in workers:
            stack.callback(worker.kill)
        return await _cut_and_see(Net(team, hosts, Memory()), db)


async def _learned_projects(db: Database, folder: Path) -> None:
    """Projects that the workers have something to do for."""
    for n in range(PROJECTS):
        (folder / f"p{n}").mkdir()
        store = open_store(f"local:{link_photos(folder / f'p{n}', LEARNED, PHOTOS / 'signs')}")
        new = projects.NewProject(f"Learned {n}", TaskType.MULTI_CLASS, store.url, ("a", "b"), seed=n)
        project = await db.write(projects.create_project, new, by=None, now_ms=0)
        await import_files(db, project.id, store, by=None, now_ms=lambda: 0)
        assist = {"assist": {"on": True, "backbone": "plain"}}
        await db.write(change_settings, OPERATOR, project.id, assist, now_ms=_now_ms())


def _worker(name: str, data: Path, url: str) -> subprocess.Popen[bytes]:
    data.mkdir()
    command = ["ip", "netns", "exec", name, sys.executable, "-m", "assist", "--data", str(data), "--database-url", url]
    with (data / "worker.log").open("ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


async def _cut_and_see(net: Net, db: Database) -> dict[str, Any]:
    names = list(net.team.keys)
    working = [
        asyncio.create_task(_labeler(net, name, host=0 if n < LABELERS // 2 else 1)) for n, name in enumerate(names)
    ]
    await asyncio.sleep(BEFORE_S)
    net.holding.clear()
    async with asyncio.timeout(60):
        while not net.cut_off <= net.holding.keys():  # noqa: ASYNC110 - each has labels placed, none submitted
            await asyncio.sleep(0.02)
    _ip("link", "set", "vtlhost1", "down")
    net.cut_s = time.monotonic()
    twice = 0
    while time.monotonic() - net.cut_s < AFTER_S:
        twice += (await db.read(held_twice, net.team.project))[0]
        await asyncio.sleep(0.2)
    _ip("link", "set", "vtlhost1", "up")
    healed_s = time.monotonic()
    await _serves_again(net)
    back_s = time.monotonic() - healed_s
    net.is_over = True
    await asyncio.wait(working, timeout=60)
    for task in working:
        task.cancel()
    await asyncio.gather(*working, return_exceptions=True)
    rules = await db.read(violations)
    return {
        "cut off": LABELERS // 2, "back": len(net.times.saved),
        "page on the other host after the cut": latencies_ms(net.times.page),
        "next acknowledgement after the cut": latencies_ms(net.times.saved),
        "noticed by the client after, s": NOTICE_S,
        "page and draft as they were": min(net.times.same_page, net.times.same_draft),
        "acknowledged": len(net.memory.acknowledged), "the cut host lets labelers in again, s after the cable": round(back_s, 1),
        "jobs": await db.read(_jobs), "wrong": rules | {"in two hands": twice},
    }  # fmt: skip


async def _serves_again(net: Net) -> None:
    """Wait until a labeler gets in at the host that was cut off."""
    name = next(iter(net.team.keys))
    async with asyncio.timeout(120):
        while True:
            try:
                async with connected(PORT, name, net.team.keys[name], host=net.hosts[0].address) as (typist, _):
                    await typist.until(lambda text: PROJECT in text, timeout_s=20)
                    return
            except (Gone, TimeoutError):
                await asyncio.sleep(1)


def _jobs(conn: Connection) -> dict[str, int]:
    """The workers' jobs by state, and how many workers did some."""
    rows = conn.execute(select(JOB.c.state, JOB.c.worker)).all()
    return dict(Counter(row.state for row in rows)) | {
        "workers that did some": len({row.worker for row in rows if row.worker})
    }


async def _labeler(net: Net, name: str, host: int) -> None:
    """Label on one host; when it falls silent, go on at the other."""
    rng = random.Random(name)
    while not net.is_over:
        try:
            async with connected(PORT, name, net.team.keys[name], host=net.hosts[host].address) as (typist, _):
                await _session(net, name, typist, rng)
        except (Gone, TimeoutError):
            host = 1 - host


async def _session(net: Net, name: str, typist: Typist, rng: random.Random) -> None:
    await typist.until(lambda text: PROJECT in text and "labeled" in text, timeout_s=30)
    typist.send(b"\r")
    before = net.holding.pop(name, None) if net.cut_s is not None and name in net.cut_off else None
    while not net.is_over:
        seen = await typist.until(look, timeout_s=NOTICE_S if before is None else 30)
        assert isinstance(seen, Seen)
        if before is not None and net.cut_s is not None:
            net.times.page.append(time.monotonic() - net.cut_s)
            net.times.same_page += seen.names == before.names
            net.times.same_draft += seen.label == before.label
        async with asyncio.timeout(NOTICE_S):
            await label(typist, seen, rng)
        now = look(typist.text())
        await asyncio.sleep(2)
        if now is not None and net.cut_s is None:
            net.holding[name] = now
        await asyncio.sleep(rng.uniform(0.5, 2))
        if net.cut_s is None:
            net.holding.pop(name, None)
        async with asyncio.timeout(NOTICE_S):
            await submit(typist, net.memory)
        if before is not None and net.cut_s is not None:
            net.times.saved.append(time.monotonic() - net.cut_s)
            before = None
