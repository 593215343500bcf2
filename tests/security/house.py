"""An installation in which every text that comes from outside is an attack: by the ways that are open, and behind their backs.

Files carry the payloads as names, comments and instructions come in by core's own functions. What core refuses (labels, users, projects)
is put into the tables themselves, as a forged archive or an older release might have left it there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import asyncssh
from PIL import Image
from sqlalchemy import Connection, String, Table, Text, select, update

from core.annotation import Answer, SubmittedItem
from core.background.jobs import Worker, enqueue, report
from core.background.processes import Process, announce
from core.db.database import Database, open_database
from core.db.schema import migrate
from core.db.tables import ACCOUNT, ASSIGNMENT, EVENT, ITEM, JOB, LABEL_CLASS, MODEL_RUN, PROJECT, WORKER
from core.ids import ProjectId, ProjectState, Role, TaskType
from core.intake.ingest import import_files
from core.labeling.queue import claim_page
from core.labeling.submissions import submit
from core.oversight import review
from core.project import projects
from core.project.settings import change_settings
from core.team import people
from core.team.audit import Happening, record
from core.team.people import Account, add_account
from sshd import hardening
from sshd.commands import run_command
from sshd.front_end import app_maker
from sshd.host_key import ensure_host_key
from sshd.options import server_options
from sshd.server import FrontEnd
from storage import open_store
from tests.security.corpus import PAYLOADS
from tests.ssh.client import Login
from tests.ssh.house import key_line, make_key
from tui.picture_pool import Pictures

NOW_MS = 1_700_000_000_000
LABELED, DISPUTED = 40, 4
# Words that the code itself chooses, and what must stay what it is for the house to work at all.
OURS = {
    "account": {"role", "password_hash"},
    "project": {"task_type", "state", "datastore", "pattern"},
    "label_class": {"color", "path"},
    "item": {"etag", "source", "path"},
    "assignment": {"source"},
    "event": {"what"},
    "job": {"state", "kind", "dedup", "needs"},
    "model_run": {"kind", "state"},
}


@dataclass
class HostileHouse:
    """The running server, its database, and two projects full of payloads."""

    db: Database
    front_end: FrontEnd
    login: Login
    admin: Account
    projects: tuple[str, ...]


def file_name(payload: str) -> str:
    """The payload as a name that a file system takes."""
    return payload.replace("/", "\u2215").encode("utf-8", "replace")[:200].decode("utf-8", "ignore")


def make_files(folder: Path) -> None:
    """A picture for each payload, named by it, and one that is broken."""
    folder.mkdir()
    for n, payload in enumerate(PAYLOADS.values()):
        path = folder / f"{n:03}{file_name(payload)}.png"
        if n % 10 == 9:
            path.write_bytes(b"no picture\x1b[2J")
        else:
            Image.new("RGB", (24, 16), (n, 255 - n, 128)).save(path)


@asynccontextmanager
async def hostile_house(folder: Path) -> AsyncIterator[HostileHouse]:
    """Served over real SSH on a free port of loopback."""
    hardening.patch_textual()
    url = f"sqlite:///{folder / 'tagline.db'}"
    await migrate(url)
    db, pictures = await open_database(url), Pictures()
    key = make_key(folder / "ada")
    admin = await db.write(add_account, "ada", Role.ADMIN, keys=[key_line(key)], by=None, now_ms=NOW_MS)
    names = [await _make_project(db, folder, admin, kind) for kind in (TaskType.MULTI_CLASS, TaskType.OBJECT_DETECTION)]
    await db.write(_poison, admin)
    ensure_host_key(folder / "host_key")
    front_end = FrontEnd(db, app_maker(db, pictures, [f"local:{folder}"]), run_command)
    listener = await asyncssh.listen("127.0.0.1", 0, options=server_options(front_end, folder / "host_key"))
    try:
        yield HostileHouse(db, front_end, Login(listener.get_port(), key, folder / "known_hosts"), admin, tuple(names))
    finally:
        listener.close()
        await front_end.drain(5)
        await asyncio.sleep(0.05)
        pictures.close()
        await db.close()


async def _make_project(db: Database, folder: Path, admin: Account, kind: TaskType) -> str:
    photos = folder / kind.value
    make_files(photos)
    store = open_store(f"local:{photos}")
    labels = tuple(f"label {n}" for n in range(len(PAYLOADS)))
    instructions = "\n\n".join(PAYLOADS.values())
    new = projects.NewProject(kind.value, kind, store.url, labels, instructions=instructions, seed=7)
    project = await db.write(projects.create_project, new, by=admin.id, now_ms=NOW_MS)
    await import_files(db, project.id, store, by=admin.id, now_ms=lambda: NOW_MS)
    worker = await db.write(add_account, f"worker-{kind.value}", Role.LABELER, by=None, now_ms=NOW_MS)
    await db.write(people.add_member, project.id, worker.id, Role.LABELER, by=None, now_ms=NOW_MS)
    await db.write(people.add_member, project.id, admin.id, Role.ADMIN, by=None, now_ms=NOW_MS)
    if kind is TaskType.MULTI_CLASS:
        await _label_and_reject(db, project.id, worker, admin)
        await _disagree(db, project.id, worker, admin)
    return new.name


async def _label_and_reject(db: Database, project: ProjectId, worker: Account, admin: Account) -> None:
    labels = cycle(label.id for label in await db.read(projects.label_classes, project))
    comments = cycle(PAYLOADS.values())
    done = []
    while len(done) < LABELED:
        page = await db.write(claim_page, project, worker.id, 9, now_ms=NOW_MS)
        given = [SubmittedItem(held.item, held.token, Answer((next(labels),)), active_ms=1000) for held in page.items]
        await db.write(submit, project, worker.id, given, now_ms=NOW_MS)
        done += [held.item for held in page.items]
    for item in done[: LABELED // 2]:
        await db.write(review.reject, admin, project, {item: NOW_MS}, comment=next(comments), now_ms=NOW_MS)


async def _disagree(db: Database, project: ProjectId, worker: Account, admin: Account) -> None:
    """A few images that two people see differently, so that they need review."""
    labels = await db.read(projects.label_classes, project)
    await db.write(projects.set_state, project, ProjectState.PAUSED, by=admin.id, now_ms=NOW_MS)
    two = {"min_labelers": 2, "max_labelers": 2}
    await db.write(change_settings, admin, project, two, now_ms=NOW_MS)
    await db.write(projects.set_state, project, ProjectState.RUNNING, by=admin.id, now_ms=NOW_MS)
    for account, label in ((worker, labels[0]), (admin, labels[1])):
        page = await db.write(claim_page, project, account.id, DISPUTED, now_ms=NOW_MS)
        given = [SubmittedItem(held.item, held.token, Answer((label.id,)), active_ms=1000) for held in page.items]
        await db.write(submit, project, account.id, given, now_ms=NOW_MS)


def _poison(conn: Connection, admin: Account) -> None:
    """Put a payload into every text of every table that is not a word of our own."""
    payloads = cycle(PAYLOADS.values())
    kinds = conn.execute(select(PROJECT.c.id)).scalars().all()
    for n, project in enumerate(kinds):
        enqueue(conn, "train", f"d{n}", {"x": next(payloads)}, now_ms=NOW_MS, project=project)
        run = {
            "project_id": project,
            "kind": "training",
            "state": "failed",
            "metrics": {},
            "started_ms": NOW_MS,
            "device": "",
            "log": "",
        }
        conn.execute(MODEL_RUN.insert().values(run))
    report(conn, Worker("worker", "device", "note", 2**52))
    for payload in PAYLOADS.values():
        figures = {"sessions": 1.0}
        announce(conn, Process(f"p {payload}"[:160], "front-end", payload[:80], payload[:40], NOW_MS, 2**52, figures))
        record(conn, [Happening("setting-changed", admin.id, kinds[0], body={payload: payload})], now_ms=NOW_MS)
        account = {"name": f"u{payload}"[:64], "role": "labeler", "settings": {}, "created_ms": 0}
        conn.execute(ACCOUNT.insert().values(account))
    for table in (PROJECT, LABEL_CLASS, ITEM, ASSIGNMENT, JOB, MODEL_RUN, WORKER, EVENT):
        _poison_table(conn, table)
    conn.execute(update(PROJECT).values(state=ProjectState.RUNNING.value))


def _poison_table(conn: Connection, table: Table) -> None:
    texts = [c for c in table.columns if type(c.type) in (String, Text) and c.name not in OURS.get(table.name, set())]
    keys = list(table.primary_key.columns)
    payloads = list(PAYLOADS.values())
    for n, row in enumerate(conn.execute(select(*keys)).all()):
        here = [key == value for key, value in zip(keys, row, strict=True)]
        for column in texts:
            length = getattr(column.type, "length", None) or 10_000
            value = (
                f"{n}{payloads[n % len(payloads)]}"
                if column.unique or column.name == "name"
                else payloads[n % len(payloads)]
            )
            if table is PROJECT and column.name == "name":
                continue
            conn.execute(update(table).where(*here, column.is_not(None)).values({column.name: value[:length]}))
        if table is LABEL_CLASS:
            conn.execute(update(table).where(*here).values(path=f"{n}{payloads[n % len(payloads)]}".replace("/", "|")))
