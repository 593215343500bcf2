"""Fifty real boxes and twenty real polygons drawn by keys alone over real SSH: keys each, IoU, and seconds at 0.2 s a key.

A planner that knows the true region finds the shortest letters that reach it; it never mistypes, so people will be slower.
The keys are typed into a session, and what counts is what the database holds afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.databases import database_url, opened
from benchmarks.team import Typist, connected, served
from benchmarks.truth import LabeledPhoto, Truth, photos
from core import people, projects
from core.annotation import Answer
from core.database import Database
from core.geometry import Box, Point, Polygon, box_between, box_iou, invalid_reason
from core.ids import ItemId, Role, TaskType
from core.ingest import import_files
from core.items import items_after
from core.people import KeyLine
from core.projects import NewProject
from storage import open_store
from tests.ssh.client import KITTY
from tui.canvas import pointing
from tui.canvas.viewport import Viewport

KEY_S = 0.2
BOXES, POLYGONS, A_PHOTO = 50, 20, 4
SIZE_CELLS, CELL = (120, 44), (10, 20)
GOOD_BOX, GOOD_POLYGON = 0.9, 0.85
UNAIDED_KEYS, AIDED_KEYS = 14, 8
ANY_LABEL = "object"


@dataclass(frozen=True)
class Drawn:
    """One region as it was typed."""

    keys: int
    iou: float


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Figures a set."""
    boxes = list(itertools.islice(_chosen(("blood-cells", "coco-tiny")), BOXES))
    if not boxes:
        return {"skipped": "the real sets are not here (TAGLINE_SETS)", "met": {}}
    masked = list(itertools.islice(_chosen(("nuclei",)), POLYGONS))
    found = {
        "boxes, unaided": _figures(asyncio.run(_draw(boxes, TaskType.OBJECT_DETECTION, _box_keys))),
        "polygons, point by point": _figures(asyncio.run(_draw(masked, TaskType.INSTANCE_SEGMENTATION, _polygon_keys))),
        "polygons, from four extreme points": _figures(
            asyncio.run(_draw(masked, TaskType.INSTANCE_SEGMENTATION, _extreme_keys))
        ),
    }
    by_hand, assisted = found["boxes, unaided"], found["polygons, from four extreme points"]
    met = {
        f"boxes: median IoU at least {GOOD_BOX}": by_hand["median_iou"] >= GOOD_BOX,
        f"boxes: at most {UNAIDED_KEYS} keys unaided": by_hand["median_keys"] <= UNAIDED_KEYS,
        f"boxes: at most {AIDED_KEYS} keys": by_hand["median_keys"] <= AIDED_KEYS,
        f"polygons: median IoU at least {GOOD_POLYGON}": max(
            assisted["median_iou"], found["polygons, point by point"]["median_iou"]
        )
        >= GOOD_POLYGON,
    }
    return {"key_s": KEY_S, **found, "met": met}


def _figures(drawn: Sequence[Drawn]) -> dict[str, Any]:
    keys = statistics.median(region.keys for region in drawn)
    return {
        "regions": len(drawn), "median_keys": keys, "worst_keys": max(region.keys for region in drawn),
        "median_iou": round(statistics.median(region.iou for region in drawn), 3),
        "worst_iou": round(min(region.iou for region in drawn), 3), "seconds at 0.2 s a key": round(keys * KEY_S, 1),
    }  # fmt: skip


def _chosen(sets: tuple[str, ...]) -> Iterator[tuple[LabeledPhoto, Truth]]:
    """A few regions of each photo, the sets in turn."""
    for name in sets:
        for photo in photos(name, 12):
            for truth in photo.truths[:A_PHOTO]:
                yield photo, truth


async def _draw(wanted: Sequence[tuple[LabeledPhoto, Truth]], kind: TaskType, plan: Any) -> list[Drawn]:
    """Type every region into a session, photo by photo as the queue gives them, and read the database."""
    by_name: dict[str, list[Truth]] = {}
    sizes: dict[str, tuple[int, int]] = {}
    drawn: list[Drawn] = []
    with database_url("sqlite") as url, TemporaryDirectory(prefix="tagline-drawing-") as name:
        folder = Path(name)
        (folder / "photos").mkdir()
        for photo, truth in wanted:
            link = f"{len(by_name):03}{photo.path.suffix}" if photo.path.as_posix() not in sizes else ""
            if link:
                (folder / "photos" / link).write_bytes(photo.path.read_bytes())
                sizes[photo.path.as_posix()] = photo.rgb.shape[1], photo.rgb.shape[0]
                by_name[link] = []
            by_name[list(by_name)[-1]].append(truth)
        wh = dict(zip(by_name, sizes.values(), strict=True))
        async with opened(url) as db, AsyncExitStack() as stack:
            key = await make_project(db, folder / "photos", kind)
            server = await stack.enter_async_context(served(folder, url, 1))
            session = connected(server.port, "drawer", key, size_cells=SIZE_CELLS, profile=KITTY, pixels=(1200, 880))
            typist, _ = await stack.enter_async_context(session)
            keys = await _type_all(typist, db, by_name, wh, plan)
            await asyncio.sleep(1)
            for item in await db.read(items_after, 1, ItemId(0), 1000, labeled_only=True):  # type: ignore[arg-type]
                drawn += _compare(item.answer, by_name[item.path], keys[item.path], wh[item.path])
    return drawn


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


async def _type_all(
    typist: Typist, db: Database, by_name: dict[str, list[Truth]], wh: dict[str, tuple[int, int]], plan: Any
) -> dict[str, list[int]]:
    """Which photo is shown is asked of the database, as a person would look at the screen."""
    await typist.until(lambda text: "labeled" in text)
    typist.send(b"\r")
    counts: dict[str, list[int]] = {}
    tool = ""
    for turn in range(len(by_name)):
        await typist.until(lambda text, n=turn: f"saved {n}" in text and "%" in text)
        name = await db.read(_held)
        view = Viewport.fitting(wh[name], ((SIZE_CELLS[0] - 26) * CELL[0], (SIZE_CELLS[1] - 3) * CELL[1]))
        counts[name] = []
        for truth in by_name[name]:
            first, keys = plan(truth, view)
            start = "" if tool == first else first
            tool = first
            for letter in start + keys:
                typist.send(letter.encode())
                await asyncio.sleep(0.004)
            counts[name].append(len(start + keys))
            n = len(counts[name])
            await typist.until(lambda text, n=n: f"{n} region" in text)
        typist.send(b"\r")
    await typist.until(lambda text: f"saved {len(by_name)}" in text)
    return counts


def _held(conn: Any) -> str:
    """The photo in hand: leased first."""
    from sqlalchemy import select

    from core.tables import ASSIGNMENT, ITEM

    query = select(ITEM.c.path).join(ASSIGNMENT, ASSIGNMENT.c.item_id == ITEM.c.id).where(ASSIGNMENT.c.state == 0)
    return str(conn.execute(query.order_by(ASSIGNMENT.c.held_seq).limit(1)).scalar_one())


# Planning.


def _steps(area: Box, at: Point) -> Iterator[tuple[str, Point]]:
    """Ever longer letters that come ever nearer to a place, with where each leaves the crosshair."""
    pointer, letters = pointing.begin(area), ""
    while (grid := pointer.grid) is not None and len(letters) < 6:
        box = grid.box_px
        column = min(grid.columns - 1, max(0, int((at[0] - box.x0) / (box.x1 - box.x0) * grid.columns)))
        row = min(grid.rows - 1, max(0, int((at[1] - box.y0) / (box.y1 - box.y0) * grid.rows)))
        for number in [row * grid.columns + column] if grid.is_fine else [column, row]:
            letter = pointing.LETTERS[number]
            letters, pointer = letters + letter, pointing.typed(pointer, letter)
        yield letters, pointer.at


def _box_keys(truth: Truth, view: Viewport) -> tuple[str, str]:
    """The shortest two corners whose box is good enough; the nearest where none is."""
    whole = view.image_in_view
    tried: list[tuple[bool, int, float, str]] = []
    for first, a in _steps(whole, view.to_view((truth.box.x0, truth.box.y0))):
        rest = Box(max(whole.x0, a[0]), max(whole.y0, a[1]), whole.x1, whole.y1)
        for second, b in _steps(rest, view.to_view((truth.box.x1, truth.box.y1))):
            iou = box_iou(box_between(view.to_image(a), view.to_image(b)), truth.box)
            keys = f"{first} {second} "
            tried.append((iou < GOOD_BOX, len(keys) if iou >= GOOD_BOX else 0, -iou, keys))
    return "r", min(tried)[3]


def _corner(area: Box, at: Point, letters: int) -> tuple[str, Point]:
    """The letters for a place, at most so many."""
    found = list(itertools.takewhile(lambda step: len(step[0]) <= letters, _steps(area, at)))
    return found[-1]


def _polygon_keys(truth: Truth, view: Viewport) -> tuple[str, str]:
    """The mask's outline simplified as far as it stays good, a point at a time."""
    assert truth.mask is not None
    ring = _outline(truth.mask)
    tried: list[tuple[bool, int, str]] = []
    for tolerance, letters in itertools.product((0.04, 0.03, 0.02, 0.012, 0.006), (3, 4)):
        points = cv2.approxPolyDP(ring, tolerance * cv2.arcLength(ring, True), True)[:, 0, :]
        corners = [_corner(view.image_in_view, view.to_view((float(x), float(y))), letters) for x, y in points]
        shape = Polygon(tuple(view.to_image(at) for _, at in corners))
        keys = "".join(f"{typed} " for typed, _ in corners) + "\r"
        if len(points) >= 3 and invalid_reason(shape, view.image_wh) is None:
            tried.append((_mask_iou(shape, truth.mask) < GOOD_POLYGON + 0.02, len(keys), keys))
    return "p", min(tried)[2]


def _extreme_keys(truth: Truth, view: Viewport) -> tuple[str, str]:
    """The left, top, right and bottom points of the mask; the pixels say the rest."""
    assert truth.mask is not None
    ring = _outline(truth.mask)[:, 0, :]
    ends = [
        ring[ring[:, axis].argmin() if least else ring[:, axis].argmax()] for least in (True, False) for axis in (0, 1)
    ]
    corners = [_corner(view.image_in_view, view.to_view((float(x), float(y))), 3) for x, y in ends]
    return "k", "".join(f"{letters} " for letters, _ in corners)


def _outline(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    rings, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(max(rings, key=len), dtype=np.int32)


# Comparing.


def _compare(answer: Answer, truths: list[Truth], keys: list[int], size_wh: tuple[int, int]) -> Iterator[Drawn]:
    for region, truth, count in zip(answer.regions, truths, keys, strict=True):
        shape = region.shape
        iou = box_iou(shape, truth.box) if isinstance(shape, Box) else _mask_iou(shape, truth.mask)
        yield Drawn(count, iou)


def _mask_iou(shape: Polygon, mask: NDArray[np.bool_] | None) -> float:
    assert mask is not None
    drawn = np.zeros(mask.shape, np.uint8)
    cv2.fillPoly(drawn, [np.round(np.array(shape.points) - 0.5).astype(np.int32)], 1)
    filled = drawn.astype(bool)
    return float((filled & mask).sum() / max(1, (filled | mask).sum()))
