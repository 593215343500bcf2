"""A project over a container, whole, as people have it: loaded by the server, labeled over SSH, refreshed, exported back.

Twice the datastore is cut off: while it is loaded, and while people label. What labelers saw acknowledged is compared with the
database at the end.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncssh
import orjson
from sqlalchemy import Connection, func, select

from benchmarks.rig.databases import opened
from benchmarks.rig.report import latencies_ms
from benchmarks.rig.team import Typist, connected, free_port
from benchmarks.sessions import FRONT_END, last_pictures, notes_of
from core.annotation import Answer
from core.background import jobs
from core.db.database import Database
from core.db.tables import ASSIGNMENT, IS_SUBMITTED
from core.ids import ItemId, ProjectId, ProjectState, Role, TaskType
from core.intake import imports
from core.project import projects
from core.project.projects import NewProject, Project, project_by_id
from core.team import people
from core.team.access import OPERATOR
from core.team.people import KeyLine
from core.transfer.imported import targets_after, write_labels
from sshd.config import load_config
from sshd.installation import install
from sshd.life import Job
from sshd.supervisor import Supervisor
from tests.azurite import Azurite
from tests.ssh.client import KITTY

NAME = "Blobs"
LABELERS, PAGES, THINK_S = 4, 12, 0.8
SIZE_CELLS, PIXELS = (120, 32), (1200, 640)
WAIT_S, LOAD_S = 60.0, 600.0
PICTURES_BYTES = 20_000
_FILE, _SAVED = re.compile(r"\d{6}\.jpg"), re.compile(r"saved (\d+)")
SAYS = "does not answer"  # in the worker's words, and in those on the screen


@dataclass
class Place:
    """A running server, its database, and the keys of everybody."""

    db: Database
    port: int
    keys: dict[str, asyncssh.SSHKey]
    project: Project


async def live(azurite: Azurite, folder: Path, url: str, images: int, upload_more: Callable[[], int]) -> dict[str, Any]:
    """Figures of each step, and whether each kept its promise.

    Args:
        upload_more: puts new files into the container; returns how many.
    """
    async with _served(folder, url) as place:
        loading = await _load(azurite, place, images)
        labeling, acknowledged = await _labeled(azurite, place)
        kept = await place.db.read(_submitted, place.project.id)
        more = await asyncio.to_thread(upload_more)
        refresh_s, fresh = await _timed(_told(place, f"project refresh {NAME} --json"))
        again_s, same = await _timed(_told(place, f"project refresh {NAME} --json"))
        await _label_the_rest(place.db, place.project.id)
        export_s, said = await _timed(_told(place, f"export {NAME} --format coco --to-datastore"))
    pictures, _ = last_pictures([note for note in notes_of(folder) if note[1] < labeling["cut at"]])
    labeling.pop("cut at")
    met = {
        "cut off while loading: said, nothing lost, nothing twice, nothing unreadable": loading.pop("whole"),
        "cut off while labeling: each labeler told, pictures there when it is back": labeling.pop("told"),
        f"each of {acknowledged} acknowledged answers kept, none more": kept == acknowledged,
        f"{more} more found by a refresh, none twice": [_new(fresh), _new(same)] == [more, 0],
        "exported back whole": f"{images + more} images" in said,
    }
    return {
        "loading": loading,
        "labeling": labeling | {"Enter to the next page's last picture": latencies_ms(pictures)},
        f"refresh with {more} new": {"seconds": refresh_s, "without any": again_s},
        "export back": {"seconds": export_s, "said": said.strip()},
        "met": met,
    }


def _new(told: str) -> int:
    return int(orjson.loads(told)[0]["new"])


async def _timed(work: Any) -> tuple[float, Any]:
    began = time.perf_counter()
    done = await work
    return round(time.perf_counter() - began, 2), done


@asynccontextmanager
async def _served(folder: Path, url: str) -> AsyncIterator[Place]:
    """A front end that notes times, and the worker behind it, over a database with a project that nobody loaded yet."""
    config = replace(load_config(folder, {}), host="127.0.0.1", port=free_port(), front_ends=1, log_level="ERROR")
    await install(config)
    async with opened(config.database_url) as db:
        new = NewProject(NAME, TaskType.MULTI_CLASS, url, ("robin", "wren"), seed=7)
        project = await db.write(projects.create_project, new, by=None, now_ms=_now_ms())
        keys = {name: await _account(db, project, name) for name in ("boss", *(f"l{n}" for n in range(LABELERS)))}
        children = [Job(FRONT_END, "benchmarks.rig.watched_front_end"), Job("janitor", "sshd.janitor")]
        supervisor, ready = Supervisor(config, children), asyncio.Event()
        serving = asyncio.create_task(supervisor.run(lambda _port: ready.set()))
        try:
            await asyncio.wait_for(ready.wait(), WAIT_S)
            yield Place(db, config.port, keys, project)
        finally:
            supervisor.stop()
            await serving


async def _account(db: Database, project: Project, name: str) -> asyncssh.SSHKey:
    key = asyncssh.generate_private_key("ssh-ed25519")
    line = KeyLine(key.get_fingerprint(), key.export_public_key().decode().strip())
    role = Role.ADMIN if name == "boss" else Role.LABELER
    account = await db.write(people.add_account, name, role, keys=[line], by=None, now_ms=0)
    if role is Role.LABELER:
        await db.write(people.add_member, project.id, account.id, role, by=None, now_ms=0)
    await db.write(people.remember, project.id, account, instructions_seen_ms=1)
    return key


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


async def _until(fact: Callable[[], Awaitable[Any]], timeout_s: float) -> Any:
    """Wait for what the database tells; returns it."""
    async with asyncio.timeout(timeout_s):
        while not (found := await fact()):  # noqa: ASYNC110 - other processes do it
            await asyncio.sleep(0.1)
    return found


async def _load(azurite: Azurite, place: Place, images: int) -> dict[str, Any]:
    """The worker loads; about half-way the datastore is cut off until the worker says so, and it goes on by itself."""
    db, project = place.db, place.project.id
    began = time.perf_counter()
    number = await db.write(imports.ask_import, OPERATOR, project, now_ms=_now_ms())

    async def half() -> bool:
        return (await db.read(project_by_id, project)).import_done >= images // 2

    async def said() -> bool:
        job = await db.read(jobs.find, number)
        return job is not None and SAYS in (job.error or "")

    async def runs() -> bool:
        return (await db.read(project_by_id, project)).state is ProjectState.RUNNING

    await _until(half, LOAD_S)
    cut = time.perf_counter()
    azurite.stop()
    await _until(said, LOAD_S)
    told = time.perf_counter()
    azurite.start()
    await _until(runs, LOAD_S)
    rows = await _rows(db, project)
    whole = len(rows) == len({row.path for row in rows}) == images and all(row.width for row in rows)
    return {
        "files_per_s until the cut": round(images / 2 / (cut - began)),
        "told after_s": round(told - cut, 1),
        "whole after it is back_s": round(time.perf_counter() - told, 1),
        "whole": whole,
    }


async def _rows(db: Database, project: ProjectId) -> list[Any]:
    found: list[Any] = []
    while more := await db.read(targets_after, OPERATOR, project, found[-1].item if found else ItemId(0), 20_000):
        found += more
    return found


async def _labeled(azurite: Azurite, place: Place) -> tuple[dict[str, Any], int]:
    """Everybody labels; then the datastore is gone for as long as it takes each to be told, and they label on."""
    async with AsyncExitStack() as stack:
        typists = [await _seated(stack, place, f"l{n}") for n in range(LABELERS)]
        began = time.perf_counter()
        await asyncio.gather(*(_pages(typist, PAGES) for typist in typists))
        took = time.perf_counter() - began
        azurite.stop()
        cut = time.perf_counter()
        await asyncio.gather(*(_label_until_told(typist) for typist in typists))
        told_s = time.perf_counter() - cut
        azurite.start()
        back = time.perf_counter()
        await asyncio.gather(*(_sees_pictures(typist) for typist in typists))
        back_s = time.perf_counter() - back
        await asyncio.gather(*(_pages(typist, 2) for typist in typists))
        saved = sum(_saved(typist.text()) for typist in typists)
    figures = {
        "labelers": LABELERS, "images_per_min": round(60 * LABELERS * PAGES * 4 / took), "told after_s": round(told_s, 1),
        "pictures after it is back_s": round(back_s, 1), "told": True, "cut at": cut,
    }  # fmt: skip
    return figures, saved


async def _seated(stack: AsyncExitStack, place: Place, user: str) -> Typist:
    session = connected(place.port, user, place.keys[user], size_cells=SIZE_CELLS, profile=KITTY, pixels=PIXELS)
    typist, _ = await stack.enter_async_context(session)
    await typist.until(lambda text: "labeled" in text)
    typist.send(b"\r")
    await typist.until(lambda text: "saved" in text and _FILE.search(text))
    return typist


def _saved(text: str) -> int:
    found = _SAVED.search(text)
    return int(found[1]) if found else 0


async def _pages(typist: Typist, count: int) -> None:
    """Look, label all four, submit, and see them saved."""
    for _ in range(count):
        await asyncio.sleep(THINK_S)
        await _one_page(typist)


async def _one_page(typist: Typist) -> None:
    before = _saved(typist.text())
    typist.send(b"a1")
    await asyncio.sleep(0.1)
    typist.send(b"\r")
    await typist.until(lambda text: _saved(text) > before, WAIT_S)


async def _label_until_told(typist: Typist) -> None:
    """Pages whose pictures were there ahead are labeled; then the screen says that the datastore does not answer."""
    for _ in range(6):
        try:
            await typist.until(lambda text: SAYS in text, THINK_S)
        except TimeoutError:
            await _one_page(typist)
        else:
            return
    await typist.until(lambda text: SAYS in text, WAIT_S)


async def _sees_pictures(typist: Typist) -> None:
    """Without a key, the pictures of the page come."""
    before = typist.received
    async with asyncio.timeout(WAIT_S):
        while typist.received < before + PICTURES_BYTES:
            typist.changed.clear()
            await typist.changed.wait()


async def _told(place: Place, line: str) -> str:
    """What the boss's command over SSH says. Raises asyncssh.ProcessError where it fails."""
    async with asyncssh.connect(
        "127.0.0.1", place.port, username="boss", client_keys=[place.keys["boss"]], known_hosts=None, config=None
    ) as connection:
        done = await connection.run(line, check=True)
    return str(done.stdout)


def _submitted(conn: Connection, project: ProjectId) -> int:
    query = select(func.count()).select_from(ASSIGNMENT)
    return conn.execute(query.where(ASSIGNMENT.c.project_id == project, IS_SUBMITTED)).scalar_one()


async def _label_the_rest(db: Database, project: ProjectId) -> None:
    labels = [label.id for label in await db.read(projects.label_classes, project)]
    todo = [row.item for row in await _rows(db, project) if row.state == 0]
    for start in range(0, len(todo), 500):
        answers = {item: Answer((labels[item % 2],)) for item in todo[start : start + 500]}
        await db.write(write_labels, OPERATOR, project, answers, replace=False, now_ms=_now_ms())
