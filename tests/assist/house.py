"""A project of small pictures that the plain backbone can tell apart, and hands to label them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from assist.device import Device
from assist.runtime import Runtime
from assist.worker import ask_for_due, take_one
from core.annotation import Answer, SubmittedItem
from core.db.database import Database
from core.ids import AccountId, ItemKind, ProjectId, Role, TaskType
from core.intake.ingest import import_files
from core.labeling import queue, submissions
from core.project import projects
from core.project.projects import NewProject
from core.project.settings import change_settings
from core.team import people
from core.team.access import OPERATOR
from storage.local import LocalStore
from tests.builders import NOW_MS

SHAPES = ("circle", "cross", "stripes")


def draw(folder: Path, each: int, *, seed: int = 0) -> None:
    """`each` JPEG files of every shape, in colours and places that vary."""
    rng = np.random.default_rng(seed)
    for shape in SHAPES:
        (folder / shape).mkdir(parents=True, exist_ok=True)
        for n in range(each):
            _picture(shape, rng).save(folder / shape / f"{n:03}.jpg", quality=90)


def _picture(shape: str, rng: np.random.Generator) -> Image.Image:
    noise = rng.integers(0, 60, (96, 96, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    pen, (x, y) = ImageDraw.Draw(image), rng.integers(30, 66, 2).tolist()
    color = tuple(rng.integers(120, 255, 3).tolist())
    if shape == "circle":
        pen.ellipse((x - 22, y - 22, x + 22, y + 22), outline=color, width=6)
    elif shape == "cross":
        pen.line((x - 24, y, x + 24, y), fill=color, width=8)
        pen.line((x, y - 24, x, y + 24), fill=color, width=8)
    else:
        for at in range(-90, 96, 14):
            pen.line((at, 0, at + 96, 96), fill=color, width=4)
    return image


@dataclass(frozen=True)
class Studio:
    """A running project with ML assist on the plain backbone, its worker and one labeler."""

    db: Database
    project: ProjectId
    labeler: AccountId
    truth: Mapping[str, Answer]
    runtime: Runtime

    async def label(
        self, count: int, *, answer: Callable[[str], Answer] | None = None, kind: ItemKind | None = None
    ) -> int:
        """Label until so many more have an answer, the right one unless told otherwise; returns how many."""
        done = 0
        while done < count:
            page = await self.db.write(
                queue.claim_page, self.project, self.labeler, min(9, count - done), now_ms=NOW_MS
            )
            if not page.items or (kind is not None and page.items[0].kind is not kind):
                break
            said = answer or self.truth.__getitem__
            items = [SubmittedItem(h.item, h.token, said(h.path)) for h in page.items]
            receipt = await self.db.write(submissions.submit, self.project, self.labeler, items, now_ms=NOW_MS)
            assert not receipt.refused
            done += len(items)
        return done

    async def let_it_work(self) -> None:
        """The worker does everything that is due."""
        await ask_for_due(self.db)
        while await take_one(self.db, self.runtime, "test", (), asyncio.Event()):
            await ask_for_due(self.db)


async def open_studio(
    db: Database, folder: Path, *, each: int = 40, task_type: TaskType = TaskType.MULTI_CLASS, **settings: Any
) -> Studio:
    """Draw, import, and switch ML assist on."""
    root = folder / "pictures"
    if not root.exists():
        draw(root, each)
    new = NewProject("Shapes", task_type, f"local:{root}", SHAPES, seed=3)
    project = (await db.write(projects.create_project, new, by=None, now_ms=NOW_MS)).id
    await import_files(db, project, LocalStore(root), by=None, now_ms=lambda: NOW_MS)
    account = await db.write(people.add_account, "labeler", Role.ADMIN, by=None, now_ms=NOW_MS)
    assist = {"on": True, "backbone": "plain", "first": 60, **settings}
    await db.write(change_settings, OPERATOR, project, {"assist": assist}, now_ms=NOW_MS)
    labels = {label.name: label.id for label in await db.read(projects.label_classes, project)}
    truth = {path.relative_to(root).as_posix(): Answer((labels[path.parent.name],)) for path in root.glob("*/*.jpg")}
    return Studio(db, project, account.id, truth, Runtime(Device("cpu", "test", 16), folder / "assist", {}))
