"""COCO as pycocotools reads it: what was labeled, in absolute pixels, complete, or no file at all."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO

from core.annotation import Answer, Region, SubmittedItem
from core.db.database import Database
from core.errors import NotFound
from core.geometry import Box, Polygon
from core.ids import ProjectState, TaskType
from core.labeling.queue import claim_page
from core.labeling.skipping import skip
from core.labeling.submissions import submit
from core.project import projects
from exporters.coco import Manifest, export_coco
from tests.builders import NOW_MS, World, make_world
from tests.conftest import Run

SIZE_WH = (640, 480)
STAR = Polygon(((320, 20), (380, 180), (560, 180), (410, 280), (470, 450), (320, 340), (170, 450), (230, 280)))


async def exported(db: Database, *, all_items: bool = False) -> tuple[bytes, Manifest]:
    """The project as COCO."""
    parts: list[bytes] = []

    async def write(data: bytes) -> None:
        parts.append(data)

    manifest = await export_coco(db, "Birds", write, all_items=all_items, now_ms=NOW_MS)
    return b"".join(parts), manifest


def loaded(data: bytes, folder: Path) -> COCO:
    """What pycocotools makes of it."""
    (folder / "labels.json").write_bytes(data)
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(folder / "labels.json"))


async def answer_all(db: Database, world: World, answers: list[Answer]) -> dict[str, Answer]:
    """Label so many items; returns the answers by path."""
    labeler = world.labelers[0].id
    page = await db.write(claim_page, world.project, labeler, len(answers), now_ms=NOW_MS)
    taken = [SubmittedItem(held.item, held.token, answer) for held, answer in zip(page.items, answers, strict=True)]
    receipt = await db.write(submit, world.project, labeler, taken, now_ms=NOW_MS + 1)
    assert not receipt.refused
    return {held.path: answer for held, answer in zip(page.items, answers, strict=True)}


def check_frame(found: COCO, manifest: Manifest, data: bytes) -> None:
    """Ids from 1 without gaps, every reference good, counts and hash as the manifest says."""
    dataset: dict[str, Any] = found.dataset
    for part in ("images", "annotations", "categories"):
        assert [row["id"] for row in dataset[part]] == list(range(1, len(dataset[part]) + 1))
        assert len(dataset[part]) == getattr(manifest, part)
    for row in dataset["annotations"]:
        assert row["image_id"] in found.imgs
        assert row["category_id"] in found.cats
    assert (len(data), hashlib.sha256(data).hexdigest()) == (manifest.bytes, manifest.sha256)


@pytest.mark.parametrize("task_type", [TaskType.MULTI_CLASS, TaskType.MULTI_LABEL])
def test_image_labels_come_back(run: Run, tmp_path: Path, task_type: TaskType) -> None:
    """Each labeled image stands once with exactly its labels, as annotations whose box is the whole image."""

    async def story(db: Database) -> None:
        world = await make_world(db, items=6, task_type=task_type)
        robin, wren, _, barn = world.labels
        several = (robin, barn) if task_type is TaskType.MULTI_LABEL else (barn,)
        wanted = await answer_all(db, world, [Answer((robin,)), Answer((wren,)), Answer(several)])
        names = {label.id: label.path for label in await db.read(projects.label_classes, world.project)}
        data, manifest = await exported(db)
        found = loaded(data, tmp_path)
        check_frame(found, manifest, data)
        typed = {path: {names[label] for label in answer.labels} for path, answer in wanted.items()}
        assert typed == {
            image["file_name"]: {found.cats[row["category_id"]]["name"] for row in found.imgToAnns[image["id"]]}
            for image in found.imgs.values()
        }
        assert all(row["bbox"] == [0, 0, *SIZE_WH] for row in found.anns.values())

    run(story)


def test_nested_labels_have_their_parents(run: Run, tmp_path: Path) -> None:
    """Every label class is a category, in the project's order; a nested one names its parent as supercategory."""

    async def story(db: Database) -> None:
        await make_world(db)
        data, _ = await exported(db)
        rows = loaded(data, tmp_path).dataset["categories"]
        assert [(row["name"], row["supercategory"]) for row in rows] == [
            ("robin", ""), ("wren", ""), ("Owl", ""), ("Owl/Barn", "Owl"),
        ]  # fmt: skip

    run(story)


def test_boxes_come_back(run: Run, tmp_path: Path) -> None:
    """A box is [x, y, width, height] in absolute pixels, its area exact, its outline the box."""

    async def story(db: Database) -> None:
        world = await make_world(db, items=2, task_type=TaskType.OBJECT_DETECTION)
        boxes = (Box(10.5, 20, 110, 70.25), Box(0, 0, *SIZE_WH))
        await answer_all(db, world, [Answer(regions=tuple(Region(world.labels[1], box) for box in boxes))])
        data, manifest = await exported(db)
        found = loaded(data, tmp_path)
        check_frame(found, manifest, data)
        assert [row["bbox"] for row in found.anns.values()] == [[10.5, 20, 99.5, 50.25], [0, 0, 640, 480]]
        assert [row["area"] for row in found.anns.values()] == [box.area for box in boxes]
        assert found.annToMask(found.anns[2]).all()

    run(story)


def test_polygons_cover_the_same_pixels(run: Run, tmp_path: Path) -> None:
    """pycocotools fills a polygon as it was drawn: the pixels whose middle lies inside it, within its rasterizer's edge."""

    async def story(db: Database) -> None:
        world = await make_world(db, items=2, task_type=TaskType.INSTANCE_SEGMENTATION)
        triangle = Polygon(((3.5, 400), (200, 410.25), (90, 479)))
        await answer_all(
            db, world, [Answer(regions=(Region(world.labels[0], STAR), Region(world.labels[3], triangle)))]
        )
        data, manifest = await exported(db)
        found = loaded(data, tmp_path)
        check_frame(found, manifest, data)
        for row, shape in zip(found.anns.values(), (STAR, triangle), strict=True):
            mask = found.annToMask(row).astype(bool)
            drawn = inside(shape)
            assert (mask & drawn).sum() / (mask | drawn).sum() > 0.98
            assert row["area"] == pytest.approx(shape.area)
            assert mask.sum() == pytest.approx(shape.area, rel=0.02)
            x, y, width, height = row["bbox"]
            assert Box(x, y, x + width, y + height) == shape.bounds
            assert row["iscrowd"] == 0

    run(story)


def inside(polygon: Polygon) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """bool (480, 640): which pixels' middles lie in the polygon, by the even-odd rule."""
    ys, xs = np.mgrid[0 : SIZE_WH[1], 0 : SIZE_WH[0]] + 0.5
    odd = np.zeros(xs.shape, bool)
    for (x0, y0), (x1, y1) in zip(polygon.points, (*polygon.points[1:], polygon.points[0]), strict=True):
        if y0 != y1:
            odd ^= ((y0 > ys) != (y1 > ys)) & (xs < (x1 - x0) * (ys - y0) / (y1 - y0) + x0)
    return odd


def test_unlabeled_images_only_when_asked(run: Run, tmp_path: Path) -> None:
    """By default labeled images only; with `--all` skipped and untouched ones stand without annotations."""

    async def story(db: Database) -> None:
        world = await make_world(db, items=5)
        await answer_all(db, world, [world.answer()])
        page = await db.write(claim_page, world.project, world.labelers[0].id, 1, now_ms=NOW_MS + 2)
        held = page.items[0]
        await db.write(skip, world.project, world.labelers[0].id, held.item, held.token, "blurred", now_ms=NOW_MS + 3)
        data, manifest = await exported(db)
        assert (manifest.images, manifest.annotations) == (1, 1)
        data, manifest = await exported(db, all_items=True)
        found = loaded(data, tmp_path)
        check_frame(found, manifest, data)
        assert (manifest.images, manifest.annotations) == (5, 1)
        assert len({image["file_name"] for image in found.imgs.values()}) == 5

    run(story)


def test_an_empty_project_is_good_coco(run: Run, tmp_path: Path) -> None:
    """Before the first label the export is a file that loads, with the categories and nothing else."""

    async def story(db: Database) -> None:
        await make_world(db)
        data, manifest = await exported(db)
        assert loaded(data, tmp_path).dataset["images"] == []
        assert json.loads(data)["info"]["description"] == "Birds"
        assert manifest.images == 0

    run(story)


def test_labels_that_arrive_meanwhile_mix_nothing_up(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An export while people label is the project at one moment: every annotation stays with its image."""

    async def story(db: Database) -> None:
        world = await make_world(db, items=6)
        before = await answer_all(db, world, [world.answer(), world.answer(1)])
        read = db.read

        async def late(*args: Any, **kwargs: Any) -> Any:
            found = await read(*args, **kwargs)
            if len(before) == 2:  # the export has begun
                before.update(await answer_all(db, world, [world.answer(), world.answer(1)]))
            return found

        monkeypatch.setattr(db, "read", late)
        data, manifest = await exported(db)
        found = loaded(data, tmp_path)
        check_frame(found, manifest, data)
        assert manifest.images in (2, 4)
        position = {label: number for number, label in enumerate(world.labels, start=1)}
        for row in found.anns.values():
            answer = before[found.imgs[row["image_id"]]["file_name"]]
            assert row["category_id"] == position[answer.labels[0]]

    run(story)


def test_a_project_that_is_not_there_is_said(run: Run) -> None:
    """A slip in the name, or a deleted project, writes nothing."""

    async def story(db: Database) -> None:
        world = await make_world(db)
        await db.write(projects.set_state, world.project, ProjectState.DELETED, by=None, now_ms=NOW_MS)
        with pytest.raises(NotFound, match="Birds"):
            await exported(db)

    run(story)
