"""Fifty real boxes and polygons drawn by keys alone over real SSH: keys each, IoU, and seconds at 0.2 s a key.

A planner that knows the true region finds the keys (`benchmarks.rig.planner`). They are typed into a session, and what counts is
what the database holds afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.rig import planner
from benchmarks.rig.databases import database_url, opened
from benchmarks.rig.team import Typist, connected, served
from benchmarks.rig.truth import LabeledPhoto, Truth, photos
from core.annotation import Answer
from core.db.database import Database
from core.geometry import Box, box_iou
from core.ids import ItemId, Role, TaskType
from core.intake.ingest import import_files
from core.project import projects
from core.project.projects import NewProject
from core.team import people
from core.team.people import KeyLine
from core.transfer.items import items_after
from storage import open_store
from tests.ssh.client import KITTY
from tui.canvas.viewport import Viewport

KEY_S = 0.2
REGIONS, A_PHOTO = 50, 4
SIZE_CELLS, CELL = (120, 44), (10, 20)
UNAIDED_KEYS, AIDED_KEYS = 14, 8
ANY_LABEL = "object"


@dataclass(frozen=True)
class Drawn:
    """One region as it was typed; keys that served several are shared among them."""

    keys: float
    iou: float


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Figures a set."""
    boxes, masked, hard = chosen(("blood-cells", "coco-tiny")), chosen(("nuclei",)), chosen(("coco-tiny",))
    if not boxes:
        return {"skipped": "the real sets are not here (TAGLINE_SETS)", "met": {}}
    a_box, polygon = TaskType.OBJECT_DETECTION, TaskType.INSTANCE_SEGMENTATION
    drawings = {
        "boxes, unaided": (boxes, a_box, planner.by_corners, False),
        "boxes, with snap and proposals": (boxes, a_box, planner.by_corners_and_snap, True),
        "polygons, straight lines": (masked, polygon, planner.by_points, False),
        "polygons, round lines": (masked, polygon, planner.by_round_points, False),
        "polygons, with snap and proposals": (masked, polygon, planner.aided_polygon, True),
        "polygons of COCO, unaided": (hard, polygon, planner.unaided_polygon, False),
        "polygons of COCO, with snap and proposals": (hard, polygon, planner.aided_polygon, True),
    }
    found = {name: _figures(asyncio.run(_draw(*drawing))) for name, drawing in drawings.items()}
    return {"key_s": KEY_S, **found, "met": _met(found)}


def _met(found: dict[str, dict[str, Any]]) -> dict[str, bool]:
    met = {f"{name}: median IoU": figures["median_iou"] >= _good(name) for name, figures in found.items()}
    met[f"boxes: at most {UNAIDED_KEYS} keys unaided"] = found["boxes, unaided"]["median_keys"] <= UNAIDED_KEYS
    met[f"boxes: at most {AIDED_KEYS} keys aided"] = (
        found["boxes, with snap and proposals"]["median_keys"] <= AIDED_KEYS
    )
    return met


def _good(name: str) -> float:
    return planner.GOOD_BOX if name.startswith("boxes") else planner.GOOD_POLYGON


def _figures(drawn: Sequence[Drawn]) -> dict[str, Any]:
    keys = statistics.median(region.keys for region in drawn)
    return {
        "regions": len(drawn), "median_keys": round(keys, 1), "mean_keys": round(statistics.mean(region.keys for region in drawn), 1),
        "worst_keys": round(max(region.keys for region in drawn), 1),
        "median_iou": round(statistics.median(region.iou for region in drawn), 3),
        "worst_iou": round(min(region.iou for region in drawn), 3), "seconds at 0.2 s a key": round(keys * KEY_S, 1),
    }  # fmt: skip


def chosen(sets: tuple[str, ...]) -> list[LabeledPhoto]:
    """Photos with a few regions each, fifty in all, the sets in turn."""
    picked: list[LabeledPhoto] = []
    left = REGIONS
    for photo in (photo for name in sets for photo in photos(name, 14)):
        if left:
            picked.append(replace(photo, truths=photo.truths[: min(A_PHOTO, left)]))
            left -= len(picked[-1].truths)
    return picked


async def _draw(photos: Sequence[LabeledPhoto], kind: TaskType, way: planner.Way, is_aided: bool) -> list[Drawn]:
    """Type every region into a session, photo by photo as the queue gives them, and read the database."""
    with database_url("sqlite") as url, TemporaryDirectory(prefix="tagline-drawing-") as name:
        folder = Path(name)
        (folder / "photos").mkdir()
        shown = {f"{n:03}{photo.path.suffix}": photo for n, photo in enumerate(photos)}
        for link, photo in shown.items():
            (folder / "photos" / link).write_bytes(photo.path.read_bytes())
        async with opened(url) as db, AsyncExitStack() as stack:
            key = await make_project(db, folder / "photos", kind)
            server = await stack.enter_async_context(served(folder, url, 1))
            session = connected(server.port, "drawer", key, size_cells=SIZE_CELLS, profile=KITTY, pixels=(1200, 880))
            typist, _ = await stack.enter_async_context(session)
            typed = await _Labeler(typist, db, shown, kind, way, is_aided).label_all()
            await asyncio.sleep(1)
            found = await db.read(items_after, 1, ItemId(0), 1000, labeled_only=True)
            return [drawn for item in found for drawn in _compare(item.answer, typed[item.path])]


async def make_project(db: Database, folder: Path, kind: TaskType) -> Any:
    """A project of regions on a folder of photos, and the private key of `drawer`, who labels it."""
    import asyncssh

    store = open_store(f"local:{folder}")
    new = NewProject("Drawing", kind, store.url, (ANY_LABEL,), seed=7)
    project = await db.write(projects.create_project, new, by=None, now_ms=0)
    await import_files(db, project.id, store, by=None, now_ms=lambda: 0)
    key = asyncssh.generate_private_key("ssh-ed25519")
    line = KeyLine(key.get_fingerprint(), key.export_public_key().decode().strip())
    account = await db.write(people.add_account, "drawer", Role.LABELER, keys=[line], by=None, now_ms=0)
    await db.write(people.add_member, project.id, account.id, Role.LABELER, by=None, now_ms=0)
    await db.write(people.remember, project.id, account, instructions_seen_ms=1)
    return key


class _Labeler:
    """One who types; which photo is shown is asked of the database, as a person would look at the screen."""

    def __init__(
        self,
        typist: Typist,
        db: Database,
        shown: dict[str, LabeledPhoto],
        kind: TaskType,
        way: planner.Way,
        is_aided: bool,
    ) -> None:
        self.typist, self.db, self.shown, self.way, self.is_aided = typist, db, shown, way, is_aided
        self.takes_polygons = kind is TaskType.INSTANCE_SEGMENTATION
        self.good = planner.GOOD_POLYGON if self.takes_polygons else planner.GOOD_BOX
        self.tool = ""
        self.last: tuple[Box, ...] = ()

    async def label_all(self) -> dict[str, list[tuple[float, Truth]]]:
        """The keys of each region and what it stands for, in the order in which they were drawn."""
        await self.typist.until(lambda text: "labeled" in text)
        await self._press("\r")
        typed = {}
        for turn in range(len(self.shown)):
            await self.typist.until(lambda text, n=turn: f"saved {n}" in text and "%" in text)
            name = await self.db.read(_held)
            typed[name] = await self._label(self.shown[name])
            await self._press("\r")
        await self.typist.until(lambda text: f"saved {len(self.shown)}" in text)
        return typed

    async def _label(self, photo: LabeledPhoto) -> list[tuple[float, Truth]]:
        wh = photo.rgb.shape[1], photo.rgb.shape[0]
        view = Viewport.fitting(wh, ((SIZE_CELLS[0] - 26) * CELL[0], (SIZE_CELLS[1] - 3) * CELL[1]))
        done, boxes = await self._accept(photo)
        accepted = [truth for _, truth in done]
        for truth in photo.truths:
            if not any(truth is other for other in accepted):
                plan = planner.cheapest(self.way(truth, view, photo.rgb), self.good, self.tool)
                keys = plan.typed(self.tool)
                self.tool = plan.tool
                await self._press(keys)
                done.append((len(keys), truth))
                boxes.append(plan.shape.bounds)
                await self._see(len(done))
        self.last = tuple(boxes)
        return done

    async def _accept(self, photo: LabeledPhoto) -> tuple[list[tuple[float, Truth]], list[Box]]:
        """Good proposals by their letters; `H` and Esc are shared among them."""
        if not self.is_aided:
            return [], []
        plans = planner.proposed(photo.rgb, photo.truths, self.last, polygons=self.takes_polygons)
        if not plans:
            return [], []
        await self._press("H")
        for n, plan in enumerate(plans.values()):
            await self._press(plan.keys)
            await self._see(n + 1)
        await self._press(planner.ESCAPE)
        keys = 1 + 2 / len(plans)
        return [(keys, photo.truths[n]) for n in plans], [plan.shape.bounds for plan in plans.values()]

    async def _see(self, count: int) -> None:
        await self.typist.until(lambda text: f"{count} region" in text)

    async def _press(self, keys: str) -> None:
        for key in keys:
            self.typist.send(key.encode())
            await asyncio.sleep(0.2 if key == planner.ESCAPE else 0.004)


def _held(conn: Any) -> str:
    """The photo in hand: leased first."""
    from sqlalchemy import select

    from core.db.tables import ASSIGNMENT, ITEM

    query = select(ITEM.c.path).join(ASSIGNMENT, ASSIGNMENT.c.item_id == ITEM.c.id).where(ASSIGNMENT.c.state == 0)
    return str(conn.execute(query.order_by(ASSIGNMENT.c.held_seq).limit(1)).scalar_one())


def _compare(answer: Answer, typed: list[tuple[float, Truth]]) -> Iterator[Drawn]:
    for region, (keys, truth) in zip(answer.regions, typed, strict=True):
        shape = region.shape
        iou = box_iou(shape, truth.box) if isinstance(shape, Box) else planner.mask_iou(shape, truth.mask)
        yield Drawn(keys, iou)
