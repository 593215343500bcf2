"""Projects with answers of every kind, made without a labeler's detour."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from core.annotation import Answer, Region, SubmittedItem
from core.db.database import Database
from core.geometry import Box, Polygon
from core.ids import LabelId, ProjectState, Role, TaskType
from core.intake.ingest import NewItem, add_items
from core.labeling.queue import claim_page
from core.labeling.submissions import submit
from core.project import projects
from core.project.projects import NewProject, Project
from core.team import people
from core.team.people import Account
from exporters.formats import FORMATS
from exporters.run import export_to_pipe
from tests.builders import NOW_MS, make_account

SIZE = (640, 480)
LABELS = ("robin", "wren", "Owl/Barn")
REGIONS = (
    Box(10, 20, 110.5, 220.25),
    Box(1 / 3, 0.1, 640, 480),
    Box(0.30000000000000004, 7, 9.7, 11),
)
POLYGONS = (
    Polygon(((10, 10), (100, 12.5), (60, 90))),
    Polygon(((1 / 3, 2 / 3), (200, 0), (640, 480), (17.3, 479.9))),
)


def answer_of(task: TaskType, number: int, labels: Sequence[LabelId]) -> Answer:
    """The `number`th of a few different answers that the task allows."""
    one, two = labels[number % len(labels)], labels[(number + 1) % len(labels)]
    match task:
        case TaskType.MULTI_CLASS:
            return Answer((one,))
        case TaskType.MULTI_LABEL:
            return Answer((one, two)) if number % 2 else Answer((one,))
        case TaskType.OBJECT_DETECTION:
            return Answer(
                (), tuple(Region(one if n % 2 else two, shape) for n, shape in enumerate(REGIONS[: number % 4]))
            )
    return Answer((), tuple(Region(two, shape) for shape in POLYGONS[: number % 3]))


async def make_project(
    db: Database, task: TaskType, *, items: int = 9, name: str = "Birds", store: str = "local:/photos", first: str = ""
) -> Project:
    """A running project; nobody has answered yet."""
    project = await db.write(
        projects.create_project, NewProject(name, task, store, LABELS, seed=7), by=None, now_ms=NOW_MS
    )
    rows = [NewItem(f"{first or 'day/'}{n:03}.jpg", "1", 100, SIZE) for n in range(items)]
    await db.write(add_items, project.id, project.seed, rows)
    return await db.write(projects.set_state, project.id, ProjectState.RUNNING, by=None, now_ms=NOW_MS)


async def make_member(db: Database, project: Project, name: str) -> Account:
    """A new labeler to whom the project is given."""
    account = await make_account(db, name)
    await db.write(people.add_member, project.id, account.id, Role.LABELER, by=None, now_ms=NOW_MS)
    return account


async def label_some(db: Database, project: Project, count: int, labeler: str = "wilma") -> None:
    """One labeler answers so many items, each by its name's number, so that it does not matter whose turn it is."""
    account = await make_member(db, project, labeler)
    labels = [label.id for label in await db.read(projects.label_classes, project.id)]
    for _ in range(count):
        held = (await db.write(claim_page, project.id, account.id, 1, now_ms=NOW_MS)).items[0]
        answer = answer_of(project.task_type, int(held.path[-7:-4]), labels)
        receipt = await db.write(
            submit, project.id, account.id, [SubmittedItem(held.item, held.token, answer)], now_ms=NOW_MS
        )
        assert receipt.accepted, receipt.refused


async def exported(db: Database, format: str, *, name: str = "Birds", all_items: bool = False) -> bytes:
    """What a pipe gets."""
    pieces: list[bytes] = []

    async def write(data: bytes) -> None:
        pieces.append(data)

    await export_to_pipe(db, name, FORMATS[format], write, all_items=all_items, now_ms=NOW_MS)
    return b"".join(pieces)


async def export_file(db: Database, format: str, folder: Path, **given: object) -> Path:
    """The same as a file with the format's ending."""
    path = folder / f"labels{FORMATS[format].ending}"
    await asyncio.to_thread(path.write_bytes, await exported(db, format, **given))  # type: ignore[arg-type]
    return path


__all__ = ["LABELS", "SIZE", "answer_of", "export_file", "exported", "label_some", "make_project"]
