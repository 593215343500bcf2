"""So many labelers at once over real SSH, one page each three seconds, pictures on, every third at boxes: what the machine bears.

Times are taken inside the servers (`benchmarks.watched_front_end`): key to first byte out, Enter to the last byte of the next page's
pictures. The clients answer what the server asks and count bytes; they share the machine, and what they take of it is said.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncssh
import psutil

from benchmarks.databases import database_url, opened
from benchmarks.report import latencies_ms
from benchmarks.sessions import KEYS_IN, _by_user, _cpu_s, _mb, last_pictures, notes_of
from benchmarks.team import LABELS, Team, free_port, link_photos, make_team
from core import ingest, people, projects
from core.database import Database
from core.ids import Role, TaskType
from core.ingest import NewItem
from core.projects import NewProject
from sshd.config import load_config
from sshd.demo import PHOTOS
from sshd.supervisor import Job, Supervisor
from storage import open_store
from tests.ssh.client import KITTY

COUNTS = (10, 25, 50, 75, 100, 125, 150)
COMPARED, MANY_ITEMS = 50, 1_000_000
FRONT_ENDS = 2
THINK_S = 3.0
WARM_S = 8.0
TOGETHER = 5
PHOTOS_A_LABELER = 160
SIZE_CELLS, SIZE_PX = (120, 32), (1200, 640)
NEXT_P95_MS, KEY_P95_MS, LABELER_MB = 250, 100, 15
SAME_WITHIN = 1.2


def run(args: argparse.Namespace) -> dict[str, Any]:
    """A curve over numbers of labelers until one does not hold, and the same number on many items as on few."""
    curve: dict[str, Any] = {}
    for count in COUNTS:
        curve[str(count)] = found = asyncio.run(_load(count, args.seconds, 0))
        if not found["holds"]:
            break
    best = max((int(count) for count, found in curve.items() if found["holds"]), default=0)
    most = curve[str(best)] if best else next(iter(curve.values()))
    items = args.items or MANY_ITEMS
    few = curve.get(str(COMPARED), most)
    many = asyncio.run(_load(COMPARED, args.seconds, items))
    ratio = many["CPU ms a labeler and second"] / few["CPU ms a labeler and second"]
    met = {
        "100 labelers within the bounds": best >= 100,
        f"under {LABELER_MB} MB a labeler": most["MB a labeler beyond the first"] < LABELER_MB,
        f"as much CPU on {items:,} items, within {SAME_WITHIN} times": ratio < SAME_WITHIN,
    }
    return {
        "front_ends": FRONT_ENDS, "think_s": THINK_S, "labelers sustained": best, "curve": curve,
        f"{COMPARED} labelers on {items:,} items": many, "CPU, times that on few": round(ratio, 2), "met": met,
    }  # fmt: skip


class Client(asyncssh.SSHClientSession[bytes]):
    """A terminal that shows nothing: answers questions, counts bytes, knows when it last heard something."""

    def __init__(self) -> None:
        self.received = 0
        self.heard_s = 0.0
        self.is_gone = False
        self._tail = b""

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """The channel is there."""
        self.channel = chan

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """Answer what is asked in it."""
        self.received += len(data)
        self.heard_s = time.monotonic()
        text = self._tail + data
        if b"\x1b[5n" in text or self.received < 4096:
            found = sorted((m.end(), answer) for question, answer in KITTY for m in re.finditer(question, text))
            for _, answer in found:
                self.send(answer)
            text = text[found[-1][0] :] if found else text
        self._tail = text[-32:]

    def connection_lost(self, exc: Exception | None) -> None:
        """Cut off, or ended."""
        self.is_gone = True

    def send(self, data: bytes) -> None:
        """Type."""
        if not self.is_gone:
            self.channel.write(data)

    async def still(self, for_s: float = 0.4) -> None:
        """Wait until nothing has come for a while."""
        while time.monotonic() - self.heard_s < for_s:  # noqa: ASYNC110 - silence is no event
            await asyncio.sleep(0.1)


@dataclass
class Crowd:
    """Everybody who labels, and what went wrong for them."""

    port: int
    team: Team
    errors: int = 0
    pages: int = 0
    clients: dict[str, Client] = field(default_factory=dict)


async def _load(count: int, seconds: float, items: int) -> dict[str, Any]:
    with TemporaryDirectory(prefix="tagline-load-") as name, database_url("sqlite") as url:
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
                await _many_more(db, team, items)
            await _boxes(db, folder, team, count)
            supervisor = Supervisor(
                config, [Job(f"watched {n}", "benchmarks.watched_front_end") for n in range(FRONT_ENDS)]
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


async def _many_more(db: Database, team: Team, items: int) -> None:
    """Items that nobody is given during the run: the last in the queue's order, so that every picture is there."""
    for start in range(0, items, 20_000):
        rows = [NewItem(f"more/{n:07}.jpg", "1", 100, (640, 480)) for n in range(start, min(items, start + 20_000))]
        await db.write(_add_last, team.project, rows)


def _add_last(conn: Any, project: Any, rows: Sequence[NewItem]) -> None:
    from sqlalchemy import update

    from core.tables import ITEM

    ingest.add_items(conn, project, 7, rows)
    paths = [row.path for row in rows]
    for start in range(0, len(paths), 5000):
        some = ITEM.c.path.in_(paths[start : start + 5000])
        conn.execute(update(ITEM).where(ITEM.c.project_id == project, some).values(priority=9))


async def _boxes(db: Database, folder: Path, team: Team, count: int) -> None:
    """A second project, of boxes, for every third labeler; their first project is taken from them."""
    (folder / "boxes").mkdir()
    store = open_store(f"local:{link_photos(folder / 'boxes', count * PHOTOS_A_LABELER // 12 + 20, PHOTOS / 'cells')}")
    new = NewProject("Boxes", TaskType.OBJECT_DETECTION, store.url, LABELS, seed=3)
    project = await db.write(projects.create_project, new, by=None, now_ms=0)
    await ingest.import_files(db, project.id, store, by=None, now_ms=lambda: 0)
    for name in list(team.keys)[::3]:
        account = await db.read(people.account_by_name, name)
        await db.write(people.remove_member, team.project, account.id, by=None, now_ms=0)
        await db.write(people.add_member, project.id, account.id, Role.LABELER, by=None, now_ms=0)
        await db.write(people.remember, project.id, account, instructions_seen_ms=1)


async def _measure(
    stack: AsyncExitStack, crowd: Crowd, servers: list[psutil.Process], seconds: float
) -> dict[str, float]:
    names = list(crowd.team.keys)
    await _seat(stack, crowd, names[0])
    first_mb = sum(map(_mb, servers))
    for start in range(1, len(names), TOGETHER):
        await asyncio.gather(*(_seat(stack, crowd, name) for name in names[start : start + TOGETHER]))
    until_s = time.monotonic() + WARM_S + seconds
    at_boxes = set(names[::3])
    working = [
        asyncio.create_task(_labeler(crowd, client, until_s, is_boxes=name in at_boxes))
        for name, client in crowd.clients.items()
    ]
    await asyncio.sleep(WARM_S)
    pages, cpu_s, ours_s, began = crowd.pages, sum(map(_cpu_s, servers)), time.process_time(), time.perf_counter()
    await asyncio.gather(*working)
    took = time.perf_counter() - began
    return {
        "since": began, "pages": crowd.pages - pages, "seconds": took, "server_cpu": (sum(map(_cpu_s, servers)) - cpu_s) / took,
        "client_cpu": (time.process_time() - ours_s) / took,
        "mb": (sum(map(_mb, servers)) - first_mb) / max(1, len(names) - 1),
    }  # fmt: skip


async def _seat(stack: AsyncExitStack, crowd: Crowd, name: str) -> None:
    connection = await stack.enter_async_context(
        asyncssh.connect(
            "127.0.0.1", crowd.port, username=name, client_keys=[crowd.team.keys[name]], known_hosts=None, agent_path=None,
            config=None, compression_algs=["none"],
        )
    )  # fmt: skip
    _, client = await connection.create_session(
        Client, term_type="xterm-256color", term_size=(*SIZE_CELLS, *SIZE_PX), encoding=None
    )
    crowd.clients[name] = client
    await client.still()
    client.send(b"\r")
    await client.still()


async def _labeler(crowd: Crowd, client: Client, until_s: float, *, is_boxes: bool) -> None:
    """A page each three seconds or so, keys half-way; who was cut off is an error."""
    rng, label = random.Random(id(client)), 0
    await asyncio.sleep(rng.uniform(0, THINK_S))
    while time.monotonic() < until_s and not client.is_gone:
        await asyncio.sleep(THINK_S / 2 * rng.uniform(0.8, 1.2))
        label = (label + rng.randrange(1, len(LABELS))) % len(LABELS)  # another one: a label again changes nothing
        digit = str(label + 1).encode()
        for key in (b"t", b" ", digit) if is_boxes else (b"a", digit):
            client.send(key)
            await asyncio.sleep(0.15)
        await asyncio.sleep(THINK_S / 2 * rng.uniform(0.8, 1.2) - 0.3)
        before = client.received
        client.send(b"\r")
        crowd.pages += 1
        await asyncio.sleep(0.05)
        crowd.errors += client.received == before and client.is_gone
    crowd.errors += client.is_gone


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
    for rows in _by_user(notes):
        keys = [n for n, row in enumerate(rows) if row[1] in KEYS_IN]
        for start, end in zip(keys, [*keys[1:], len(rows)], strict=True):
            out = [row for row in rows[start + 1 : end] if row[1] not in KEYS_IN]
            if rows[start][1] == "key" and out:
                times.append(out[0][0] - rows[start][0])
    return times


def _p95(seconds: Sequence[float]) -> float:
    ordered = sorted(seconds)
    return round(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 1) if ordered else float("inf")
