"""What the labelers of `benchmarks.load` label: boxes for every third, as many items and regions as a run asks for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import select, update

from benchmarks.rig.team import LABELS, Team, link_photos
from core.annotation import Answer, Region
from core.db.database import Database
from core.db.tables import ITEM, LABEL_CLASS
from core.geometry import Box
from core.ids import ItemId, LabelId, Role, TaskType
from core.intake import ingest
from core.intake.ingest import NewItem
from core.project import projects
from core.project.projects import NewProject, Project
from core.team import people
from core.transfer.imported_prelabels import begin_prelabels, write_prelabels
from sshd.demo import PHOTOS
from storage import open_store

SIDE_PX = 12


async def many_more(db: Database, team: Team, items: int) -> None:
    """Items that nobody is given during the run: the last in the queue's order, so that every picture is there."""
    for start in range(0, items, 20_000):
        rows = [NewItem(f"more/{n:07}.jpg", "1", 100, (640, 480)) for n in range(start, min(items, start + 20_000))]
        await db.write(_add_last, team.project, rows)


def _add_last(conn: Any, project: Any, rows: Sequence[NewItem]) -> None:
    ingest.add_items(conn, project, 7, rows)
    paths = [row.path for row in rows]
    for start in range(0, len(paths), 5000):
        some = ITEM.c.path.in_(paths[start : start + 5000])
        conn.execute(update(ITEM).where(ITEM.c.project_id == project, some).values(priority=9))


async def boxes_for_some(db: Database, folder: Path, team: Team, images: int, regions: int) -> None:
    """A second project, of boxes, for every third labeler; their first project is taken from them.

    Args:
        regions: how many boxes each of its images comes with, as prelabels.
    """
    (folder / "boxes").mkdir()
    store = open_store(f"local:{link_photos(folder / 'boxes', images + 20, PHOTOS / 'cells')}")
    new = NewProject("Boxes", TaskType.OBJECT_DETECTION, store.url, LABELS, seed=3)
    project = await db.write(projects.create_project, new, by=None, now_ms=0)
    await ingest.import_files(db, project.id, store, by=None, now_ms=lambda: 0)
    for name in list(team.keys)[::3]:
        account = await db.read(people.account_by_name, name)
        await db.write(people.remove_member, team.project, account.id, by=None, now_ms=0)
        await db.write(people.add_member, project.id, account.id, Role.LABELER, by=None, now_ms=0)
        await db.write(people.remember, project.id, account, instructions_seen_ms=1)
    if regions:
        await db.write(_prelabel, project, regions)


def _prelabel(conn: Any, project: Project, regions: int) -> None:
    admin = people.add_account(conn, "importer", Role.ADMIN, by=None, now_ms=0)
    run = begin_prelabels(conn, admin, project.id, "made", now_ms=0)
    rng, classes = Random(5), select(LABEL_CLASS.c.id).where(LABEL_CLASS.c.project_id == project.id)
    labels = list(conn.execute(classes).scalars())
    answers: dict[ItemId, Answer] = {}
    for row in conn.execute(select(ITEM.c.id, ITEM.c.width, ITEM.c.height).where(ITEM.c.project_id == project.id)):
        answers[ItemId(row.id)] = Answer(
            regions=tuple(_region(rng, labels, row.width, row.height) for _ in range(regions))
        )
    receipt = write_prelabels(conn, admin, project.id, run, answers, {})
    if receipt.refused:
        raise RuntimeError(f"not taken: {receipt.refused}")


def _region(rng: Random, labels: Sequence[LabelId], width: int, height: int) -> Region:
    x, y = rng.randrange(width - SIDE_PX), rng.randrange(height - SIDE_PX)
    return Region(rng.choice(labels), Box(x, y, x + SIDE_PX, y + SIDE_PX))
