"""Makers of small real things for tests."""

from __future__ import annotations

from dataclasses import dataclass

from alembic import command
from sqlalchemy import Connection

from core.annotation import Answer, Page, SubmittedItem
from core.db import schema
from core.db.database import Database
from core.ids import AccountId, LabelId, ProjectId, ProjectState, Role, TaskType
from core.intake.ingest import NewItem, add_items
from core.labeling import queue
from core.project import projects
from core.project.projects import NewProject
from core.project.settings import change_settings
from core.team import people
from core.team.access import OPERATOR
from core.team.people import Account

NOW_MS = 1_800_000_000_000


@dataclass(frozen=True)
class World:
    """A running project with labelers."""

    project: ProjectId
    labelers: tuple[Account, ...]
    labels: tuple[LabelId, ...]
    lease_ms: int

    def answer(self, number: int = 0) -> Answer:
        """An answer with one label."""
        return Answer((self.labels[number],))

    def submission(self, held: object, number: int = 0) -> SubmittedItem:
        """A held item with an answer."""
        return SubmittedItem(held.item, held.token, self.answer(number))  # type: ignore[attr-defined]


async def make_account(db: Database, name: str, role: Role = Role.LABELER) -> Account:
    """An account of that name."""
    return await db.write(people.add_account, name, role, by=None, now_ms=NOW_MS)


async def make_world(
    db: Database,
    *,
    items: int = 10,
    labelers: int = 2,
    task_type: TaskType = TaskType.MULTI_CLASS,
    datastore: str = "local:/",
) -> World:
    """A running project with items that need no files."""
    new = NewProject("Birds", task_type, datastore, ("robin", "wren", "Owl/Barn"), lease_s=60, seed=7)
    project = await db.write(projects.create_project, new, by=None, now_ms=NOW_MS)
    rows = [NewItem(f"{n:05}.jpg", "1", 100, (640, 480)) for n in range(items)]
    await db.write(add_items, project.id, project.seed, rows)
    await db.write(projects.set_state, project.id, ProjectState.RUNNING, by=None, now_ms=NOW_MS)
    accounts = [await make_account(db, f"labeler{n}") for n in range(labelers)]
    for account in accounts:
        await db.write(people.add_member, project.id, account.id, Role.LABELER, by=None, now_ms=NOW_MS)
    labels = await db.read(projects.label_classes, project.id)
    return World(project.id, tuple(accounts), tuple(label.id for label in labels), project.lease_s * 1000)


async def claimed(db: Database, world: World, count: int) -> tuple[AccountId, Page]:
    """The first labeler's account, and so many items that are in their hands now."""
    account = world.labelers[0].id
    return account, await db.write(queue.claim_page, world.project, account, count, now_ms=NOW_MS)


async def set_quorum(db: Database, world: World, least: int, most: int) -> None:
    """Ask for consensus of so many labelers, as an admin does: while the project is paused."""
    at = {"by": None, "now_ms": NOW_MS}
    await db.write(projects.set_state, world.project, ProjectState.PAUSED, **at)  # type: ignore[arg-type]
    changes = {"min_labelers": least, "max_labelers": most}
    await db.write(change_settings, OPERATOR, world.project, changes, now_ms=NOW_MS)
    await db.write(projects.set_state, world.project, ProjectState.RUNNING, **at)  # type: ignore[arg-type]


def make_release(conn: Connection, revision: str) -> None:
    """An empty database as the release with that schema left it, with one admin, `a`."""
    command.upgrade(schema._config(conn), revision)
    conn.exec_driver_sql("INSERT INTO account (id, name, role, settings, created_ms) VALUES (1, 'a', 'admin', '{}', 0)")
