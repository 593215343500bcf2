"""A team labels while front ends are killed and connections are cut: nothing is given twice, nothing acknowledged is lost.

The peer of this figure is zero. Every labeler types over SSH, reads names and the number of saved images off the screen,
and remembers what was acknowledged; the database is compared with that memory at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import asyncssh
from sqlalchemy import Connection, func, select

from benchmarks.rig.databases import database_url, engines, opened
from benchmarks.rig.team import LABELS, PROJECT, Gone, Server, Team, Typist, connected, make_team, served
from core.db.database import Database
from core.db.tables import ASSIGNMENT, EVENT, ITEM, LABEL_CLASS
from core.errors import TaglineError
from core.ids import ProjectId

ITEMS, LABELERS, FRONT_ENDS = 2000, 50, 8
LEASE_S = 30
KILL_EVERY_S, CUT_EVERY_S = 10.0, 1.0
LONGEST_S = 900.0
_NAME = re.compile(r"\b(\d{5}\.jpg)")
_SAVED = re.compile(r"saved (\d+)")


@dataclass
class Memory:
    """What the labelers saw: acknowledged (name, label) pairs, and what was done to them."""

    acknowledged: list[tuple[str, str]] = field(default_factory=list)
    pages: int = 0
    connects: int = 0
    cuts: int = 0
    kills: int = 0
    slow: int = 0
    unclear: int = 0
    twice_at_once: int = 0
    open_connections: dict[str, asyncssh.SSHClientConnection] = field(default_factory=dict)
    seated: int = 0
    lost: int = 0
    think_s: float = 0.0
    is_done: bool = False


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Counts an engine."""
    items = args.items or ITEMS
    found = {engine: asyncio.run(_engine(engine, items, LABELERS, FRONT_ENDS)) for engine in engines(args.engine)}
    met = {
        f"{engine}: nothing lost, doubled or left": not any(figures["wrong"].values())
        for engine, figures in found.items()
    }
    return {"items": items, "labelers": LABELERS, "front_ends": FRONT_ENDS, **found, "met": met}


async def _engine(engine: str, items: int, labelers: int, front_ends: int) -> dict[str, Any]:
    with database_url(engine) as url, TemporaryDirectory(prefix="tagline-faults-") as folder:
        return await work_through(url, Path(folder), items=items, labelers=labelers, front_ends=front_ends)


async def work_through(url: str, folder: Path, *, items: int, labelers: int, front_ends: int) -> dict[str, Any]:
    """Label a project to its end under faults; returns the counts, `wrong` among them."""
    memory = Memory()
    async with opened(url) as db:
        team = await make_team(db, folder, labelers=labelers, items=items, lease_s=LEASE_S)
        async with served(folder, url, front_ends) as server:
            began = time.monotonic()
            chaos = [
                asyncio.create_task(work) for work in (_kill(server, memory), _cut(memory), watch(db, team, memory))
            ]
            try:
                async with asyncio.timeout(LONGEST_S):
                    await asyncio.gather(*(labeler(server, team, name, memory) for name in team.keys))
            except TimeoutError:
                memory.is_done = True
            for task in chaos:
                task.cancel()
            await asyncio.gather(*chaos, return_exceptions=True)
            took = time.monotonic() - began
        wrong = await db.read(compare, team.project, memory.acknowledged) | {"in two hands": memory.twice_at_once}
    return {
        "seconds": round(took, 1), "pages": memory.pages, "acknowledged": len(memory.acknowledged),
        "front ends killed": memory.kills, "connections cut": memory.cuts, "connections": memory.connects,
        "waits over 30 s": memory.slow, "acknowledgements that a notice covered": memory.unclear, "wrong": wrong,
    }  # fmt: skip


async def _kill(server: Server, memory: Memory) -> None:
    rng = random.Random(1)
    while True:
        await asyncio.sleep(rng.uniform(0.5, 1.5) * KILL_EVERY_S)
        memory.kills += server.kill_one(rng.choice)


async def _cut(memory: Memory) -> None:
    rng = random.Random(2)
    while True:
        await asyncio.sleep(rng.uniform(0.5, 1.5) * CUT_EVERY_S)
        if memory.open_connections:
            memory.open_connections.pop(rng.choice(sorted(memory.open_connections))).abort()
            memory.cuts += 1


async def watch(db: Database, team: Team, memory: Memory) -> None:
    """Look at the database many times a second for an item that two labelers hold; notice the end."""
    while True:
        with suppress(TaglineError):
            twice, left = await db.read(held_twice, team.project)
            memory.twice_at_once += twice
            memory.is_done = memory.is_done or left == 0
        await asyncio.sleep(0.1)


def held_twice(conn: Connection, project: ProjectId) -> tuple[int, int]:
    """Items in two hands now, and items that are not labeled yet."""
    leased = (
        select(ASSIGNMENT.c.item_id)
        .where(ASSIGNMENT.c.state == 0, ASSIGNMENT.c.project_id == project)
        .group_by(ASSIGNMENT.c.item_id)
        .having(func.count() > 1)
    )
    left = select(func.count()).select_from(ITEM).where(ITEM.c.project_id == project, ITEM.c.state != 1)
    return len(conn.execute(leased).all()), conn.execute(left).scalar_one()


class Door(Protocol):
    """Where labelers connect to; it may be another port each time."""

    @property
    def port(self) -> int:
        """The port to try now."""


async def labeler(server: Door, team: Team, name: str, memory: Memory) -> None:
    """Connect, work until cut off, connect again, until all is done."""
    rng = random.Random(name)
    await asyncio.sleep(rng.uniform(0, 3))
    while not memory.is_done:
        try:
            async with connected(server.port, name, team.keys[name]) as (typist, connection):
                memory.connects += 1
                memory.open_connections[name] = connection
                await _session(typist, memory, rng)
        except Gone:
            memory.lost += 1
            await asyncio.sleep(rng.uniform(0.1, 1.0))
        except TimeoutError:
            memory.slow += 1
        finally:
            memory.open_connections.pop(name, None)


@dataclass(frozen=True)
class Seen:
    """What a labeler reads off the page: the names, the one label that all of them have, and how many are selected."""

    names: tuple[str, ...]
    label: str | None
    selected: int
    saved: int


def look(text: str) -> Seen | None:
    """Read the screen; None while it shows no page."""
    lines, saved = text.split("\n"), _SAVED.search(text)
    frames = [line for line in lines if "\u2500" in line or "\u2501" in line]
    names = tuple(name for line in frames for name in _NAME.findall(line))
    if saved is None or not names:
        return None
    tags = [label for line in frames for label in LABELS for _ in range(line.count(f" {label} "))]
    label = tags[0] if len(tags) == len(names) and len(set(tags)) == 1 else None
    return Seen(names, label, sum(line.count("selected") for line in frames), int(saved[1]))


async def _session(typist: Typist, memory: Memory, rng: random.Random) -> None:
    await typist.until(lambda text: PROJECT in text and "labeled" in text)
    typist.send(b"\r")
    is_seated = False
    while not memory.is_done:
        seen = await typist.until(lambda text: look(text) or "queue is empty" in text or "Press Enter" in text)
        if not isinstance(seen, Seen):
            typist.send(b"\r" if "Press Enter" in typist.text() else b"")
            await asyncio.sleep(0.5)
            continue
        memory.seated, is_seated = memory.seated + (not is_seated), True
        await asyncio.sleep(rng.uniform(0.5, 1.5) * memory.think_s)
        await label(typist, seen, rng)
        await submit(typist, memory)


async def label(typist: Typist, seen: Seen, rng: random.Random) -> None:
    """Select all and press a digit, unless an earlier session of this labeler did."""
    if seen.label is None:
        digit = str(rng.randrange(len(LABELS)) + 1).encode()
        typist.send((b"" if seen.selected == len(seen.names) else b"a") + digit)
        await typist.until(lambda text: (now := look(text)) and now.label)


async def submit(typist: Typist, memory: Memory) -> None:
    """Press Enter, wait for the acknowledgement, remember what was acknowledged."""
    seen = look(typist.text())
    if seen is None or seen.label is None:
        return
    typist.send(b"\r")
    saved = await typist.until(lambda text: (m := _SAVED.search(text)) and int(m[1]) > seen.saved and int(m[1]))
    memory.pages += 1
    if saved - seen.saved == len(seen.names):
        memory.acknowledged += [(name, seen.label) for name in seen.names]
    else:
        memory.unclear += 1


def compare(conn: Connection, project: ProjectId, acknowledged: list[tuple[str, str]]) -> dict[str, int]:
    """What the database holds against what was acknowledged; every figure should be 0."""
    labels = {row.id: row.path for row in conn.execute(select(LABEL_CLASS.c.id, LABEL_CLASS.c.path))}
    items = conn.execute(select(ITEM).where(ITEM.c.project_id == project)).all()
    stored = {row.path: labels[row.answer["labels"][0]] for row in items if row.answer}
    submitted = Counter(
        conn.execute(
            select(EVENT.c.item_id).where(EVENT.c.what == "item-submitted", EVENT.c.project_id == project)
        ).scalars()
    )
    return {
        "acknowledged and lost": sum(name not in stored for name, _ in acknowledged),
        "acknowledged with another label": sum(stored.get(name, label) != label for name, label in acknowledged),
        "acknowledged twice": sum(n - 1 for n in Counter(name for name, _ in acknowledged).values()),
        "submitted twice": sum(n - 1 for n in submitted.values()),
        "not done": sum(row.state != 1 for row in items),
        "leases left over": len(conn.execute(select(ASSIGNMENT.c.item_id).where(ASSIGNMENT.c.state == 0)).all()),
        "slots that do not add up": sum(row.open_slots != 0 for row in items),
    }
