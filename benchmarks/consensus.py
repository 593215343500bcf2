"""Consensus on real ground truth: labelers of known error rates answer through the real queue, one, three and five an item.

Classes: 2,062 photos of hand signs in ten classes. Boxes: 364 blood pictures with the boxes that people drew. A labeler's
error rate is the chance of a wrong class; of a box it is the chance that it is forgotten, and half of that that it has a wrong
label or that a false one is drawn beside it. Boxes that are drawn are off by a few percent of their size.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.rig.databases import database_url, opened
from benchmarks.rig.truth import data_folder
from core.annotation import Answer, Region, SubmittedItem
from core.consensus import likeness
from core.db.database import Database
from core.geometry import Box
from core.ids import ItemState, LabelId, ProjectState, Role, TaskType
from core.intake import ingest
from core.intake.ingest import NewItem
from core.labeling import queue, submissions
from core.labels import LabelSet
from core.oversight import agreement
from core.oversight.browse import MOST, Filter, browse
from core.project import projects
from core.project.projects import NewProject
from core.project.settings import change_settings
from core.team import people
from core.team.access import OPERATOR
from core.team.people import Account

ERROR_RATES = (0.05, 0.05, 0.10, 0.10, 0.15, 0.20, 0.30)
QUORUMS = {"1": (1, 1), "3": (3, 3), "5": (5, 5), "2 to 3": (2, 3), "3 to 5": (3, 5)}
JITTER = 0.04
Truths = Mapping[str, tuple[tuple[int, int], tuple[tuple[str, Box | None], ...]]]


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Figures a task and a number of labelers."""
    folder = data_folder()
    if folder is None:
        return {"skipped": "no real data: name its folder with TAGLINE_SETS", "met": {}}
    tasks: dict[str, tuple[TaskType, Truths]] = {
        "classes (hand signs)": (TaskType.MULTI_CLASS, _signs(folder / "sign-digits")),
        "boxes (blood cells)": (TaskType.OBJECT_DETECTION, _cells(folder / "blood-cells")),
    }
    found: dict[str, Any] = {"error_rates": ERROR_RATES}
    met = {}
    for name, (task_type, truths) in tasks.items():
        step = max(1, len(truths) // args.items) if args.items else 1
        kept = dict(list(truths.items())[::step])
        found[name] = {"items": len(kept)}
        for labelers, quorum in QUORUMS.items():
            with database_url("sqlite") as url:
                found[name][labelers] = asyncio.run(_simulate(url, task_type, kept, quorum))
        figures = found[name]
        met[f"{name}: 3 labelers better than 1"] = figures["3"]["accuracy"] > figures["1"]["accuracy"]
        met[f"{name}: 5 labelers no worse than 3"] = figures["5"]["accuracy"] >= figures["3"]["accuracy"]
    return {**found, "met": met}


def _signs(folder: Path) -> Truths:
    return {
        f"{path.parent.name}/{path.name}": ((100, 100), ((path.parent.name, None),))
        for path in sorted(folder.glob("*/*.JPG"))
    }


def _cells(folder: Path) -> Truths:
    """Boxes that lie inside their pictures; the set's few degenerate ones are left out."""
    found: dict[str, Any] = {}
    for path in sorted((folder / "Annotations").glob("*.xml")):
        root = ET.parse(path).getroot()
        size = (int(root.findtext("size/width", "0")), int(root.findtext("size/height", "0")))
        boxes = []
        for one in root.iter("object"):
            x0, y0, x1, y1 = (float(one.findtext(f"bndbox/{name}", "0")) for name in ("xmin", "ymin", "xmax", "ymax"))
            if 0 <= x0 < x1 <= size[0] and 0 <= y0 < y1 <= size[1]:
                boxes.append((one.findtext("name", ""), Box(x0, y0, x1, y1)))
        found[path.stem] = (size, tuple(boxes))
    return found


async def _simulate(url: str, task_type: TaskType, truths: Truths, quorum: tuple[int, int]) -> dict[str, Any]:
    began = time.perf_counter()
    async with opened(url) as db:
        names = sorted({label for _, regions in truths.values() for label, _ in regions})
        new = NewProject("Truth", task_type, "local:/", tuple(names), seed=7)
        project = await db.write(projects.create_project, new, by=None, now_ms=0)
        changes = {"min_labelers": quorum[0], "max_labelers": quorum[1]}
        await db.write(change_settings, OPERATOR, project.id, changes, now_ms=0)
        rows = [NewItem(path, "1", 100, size) for path, (size, _) in truths.items()]
        await db.write(ingest.add_items, project.id, project.seed, rows)
        await db.write(projects.set_state, project.id, ProjectState.RUNNING, by=None, now_ms=0)
        labels = LabelSet(await db.read(projects.label_classes, project.id))
        right = {path: _answer(regions, labels) for path, (_, regions) in truths.items()}
        sizes = {path: size for path, (size, _) in truths.items()}
        answers = await _label_all(db, project.id, right, sizes, [label.id for label in labels])
        return await _figures(db, project.id, task_type, right, answers) | {
            "seconds": round(time.perf_counter() - began, 1)
        }


def _answer(regions: Sequence[tuple[str, Box | None]], labels: LabelSet) -> Answer:
    if regions and regions[0][1] is None:
        return Answer((labels.by_path(regions[0][0]).id,))
    return Answer(regions=tuple(Region(labels.by_path(name).id, box) for name, box in regions if box is not None))


async def _label_all(
    db: Database,
    project: Any,
    right: Mapping[str, Answer],
    sizes: Mapping[str, tuple[int, int]],
    labels: Sequence[LabelId],
) -> int:
    """Every labeler takes pages in turn until the queue is dry for all; returns how many answers that took."""
    crew = [await _hire(db, project, n) for n in range(len(ERROR_RATES))]
    rng = random.Random(11)
    answers, idle, turn = 0, 0, 0
    while idle < len(crew):
        account, rate = crew[turn % len(crew)], ERROR_RATES[turn % len(crew)]
        turn += 1
        page = await db.write(queue.claim_page, project, account.id, 9, now_ms=turn)
        given = [
            SubmittedItem(held.item, held.token, wrong(right[held.path], rate, rng, labels, sizes[held.path]))
            for held in page.items
        ]
        receipt = await db.write(submissions.submit, project, account.id, given, now_ms=turn)
        if receipt.refused:
            raise RuntimeError(f"an answer was refused: {receipt.refused}")
        answers += len(given)
        idle = 0 if given else idle + 1
    return answers


async def _hire(db: Database, project: Any, n: int) -> Account:
    account = await db.write(people.add_account, f"l{n}", Role.LABELER, by=None, now_ms=0)
    await db.write(people.add_member, project, account.id, Role.LABELER, by=None, now_ms=0)
    return account


def wrong(
    right: Answer, rate: float, rng: random.Random, labels: Sequence[LabelId], size_wh: tuple[int, int]
) -> Answer:
    """The right answer as a labeler with this error rate gives it."""
    if right.labels:
        others = [label for label in labels if label not in right.labels]
        return Answer((rng.choice(others),)) if rng.random() < rate else right
    regions = []
    for region in right.regions:
        if rng.random() < rate:
            continue
        label = rng.choice(labels) if rng.random() < rate / 2 else region.label
        regions.append(Region(label, _shaken(region.shape.bounds, rng, size_wh)))
        if rng.random() < rate / 2:
            regions.append(Region(rng.choice(labels), _anywhere(rng, size_wh)))
    return Answer(regions=tuple(regions))


def _shaken(box: Box, rng: random.Random, size_wh: tuple[int, int]) -> Box:
    wide, high = box.x1 - box.x0, box.y1 - box.y0
    x0, x1 = (min(max(0.0, x + rng.gauss(0, JITTER * wide)), size_wh[0]) for x in (box.x0, box.x1))
    y0, y1 = (min(max(0.0, y + rng.gauss(0, JITTER * high)), size_wh[1]) for y in (box.y0, box.y1))
    return Box(x0, y0, x1, y1) if x1 - x0 >= 1 and y1 - y0 >= 1 else box


def _anywhere(rng: random.Random, size_wh: tuple[int, int]) -> Box:
    x0, y0 = rng.uniform(0, size_wh[0] - 40), rng.uniform(0, size_wh[1] - 40)
    return Box(x0, y0, x0 + 40, y0 + 40)


async def _figures(
    db: Database, project: Any, task_type: TaskType, right: Mapping[str, Answer], answers: int
) -> dict[str, Any]:
    """How right the decided answers are (classes: share; boxes: mean F1 at IoU 0.5), and what is left to reviewers."""
    scores: list[float] = []
    states = dict.fromkeys(ItemState, 0)
    page = await db.read(browse, OPERATOR, project, Filter(), limit=MOST)
    while page.items:
        for item in page.items:
            states[item.state] += 1
            if item.state is ItemState.LABELED:
                scores.append(likeness(task_type, item.answer, right[item.path]))
        page = await db.read(browse, OPERATOR, project, Filter(), limit=MOST, after=page.last)
    measured = await db.read(agreement.agreement, OPERATOR, project, newest=500)
    return {
        "accuracy": round(sum(scores) / len(scores), 4), "labeled": states[ItemState.LABELED],
        "needs_review": states[ItemState.NEEDS_REVIEW], "unfinished": states[ItemState.TODO],
        "answers_an_item": round(answers / len(right), 2),
        "krippendorff_alpha": None if measured.alpha is None else round(measured.alpha, 3),
    }  # fmt: skip
