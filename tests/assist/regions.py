"""A project of boxes or outlines on painted pictures, and the worker at work on it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from assist.runtime import Runtime
from assist.worker import ask_for_due, take_one
from core.annotation import Answer, Region, SubmittedItem
from core.db.database import Database
from core.geometry import Box, Polygon
from core.ids import AccountId, LabelId, ProjectId, Role, TaskType
from core.intake.ingest import import_files
from core.labeling import queue, submissions
from core.project import projects
from core.project.projects import NewProject
from core.project.settings import change_settings
from core.team import people
from core.team.access import OPERATOR
from storage.local import LocalStore
from tests.builders import NOW_MS


def paint(folder: Path, count: int) -> dict[str, Answer]:
    """Pictures of a few bright discs and squares on noise, with where they are; labels are set later."""
    rng = np.random.default_rng(4)
    folder.mkdir(parents=True)
    truth = {}
    for n in range(count):
        image = Image.fromarray(rng.integers(0, 70, (192, 256, 3), dtype=np.uint8))
        pen, regions = ImageDraw.Draw(image), []
        for column, row in rng.permutation([(x, y) for x in range(3) for y in range(2)])[:3].tolist():
            side, kind = int(rng.integers(40, 70)), int(rng.integers(1, 3))
            x, y = 8 + column * 82, 12 + row * 90
            draw = pen.ellipse if kind == 1 else pen.rectangle
            draw((x, y, x + side, y + side), fill=(220, 90, 90) if kind == 1 else (90, 200, 230))
            regions.append(Region(LabelId(kind), Box(x, y, x + side, y + side)))
        image.save(folder / f"{n:03}.png")
        truth[f"{n:03}.png"] = Answer(regions=tuple(regions))
    return truth


async def open_regions(
    db: Database, root: Path, count: int, task_type: TaskType, labels: tuple[str, ...], **assist: Any
) -> tuple[ProjectId, AccountId, dict[str, Answer]]:
    """A running project of painted pictures with ML assist on, its labeler, and what is on each picture."""
    truth = paint(root, count)
    new = NewProject("Shapes", task_type, f"local:{root}", labels, seed=3)
    project = (await db.write(projects.create_project, new, by=None, now_ms=NOW_MS)).id
    await import_files(db, project, LocalStore(root), by=None, now_ms=lambda: NOW_MS)
    account = (await db.write(people.add_account, "labeler", Role.ADMIN, by=None, now_ms=NOW_MS)).id
    await db.write(change_settings, OPERATOR, project, {"assist": {"on": True, **assist}}, now_ms=NOW_MS)
    return project, account, truth


def outline_of(box: Box) -> Polygon:
    """A box as an outline of four points."""
    return Polygon(((box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1)))


async def let_it_work(db: Database, runtime: Runtime) -> None:
    """The worker does everything that is due."""
    await ask_for_due(db)
    while await take_one(db, runtime, "test", ("torch",), asyncio.Event()):
        await ask_for_due(db)


async def draw_regions(
    db: Database, project: ProjectId, account: AccountId, truth: Mapping[str, Answer], count: int
) -> None:
    """Label so many pictures with what is on them; `truth` names labels by their number, from 1."""
    names = [label.id for label in await db.read(projects.label_classes, project)]
    for _ in range(count):
        held = (await db.write(queue.claim_page, project, account, 1, now_ms=NOW_MS)).items[0]
        answer = Answer(regions=tuple(Region(names[one.label - 1], one.shape) for one in truth[held.path].regions))
        found = [SubmittedItem(held.item, held.token, answer)]
        assert not (await db.write(submissions.submit, project, account, found, now_ms=NOW_MS)).refused
