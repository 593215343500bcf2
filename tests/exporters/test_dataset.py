"""Exports as data: two lines to a pandas frame or a torchvision dataset, with the numbers that were labeled."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.annotation import Answer
from core.errors import BadInput
from core.geometry import Box, Polygon
from core.ids import TaskType
from exporters.dataset import LabeledImages
from tests.importers.house import LABELS, SIZE, answers_of_every_kind, items_of, write_items

PATHS = [f"day/{n:03}.png" for n in range(6)]
FORMATS = ("coco", "coco-aml", "jsonl", "yolo", "voc", "csv", "parquet")


def export(folder: Path, task: TaskType, format: str) -> list[tuple[str, Answer | None]]:
    """Six images, the last one not labeled, exported into a folder `labels`; the images lie in `images`."""
    told = answers_of_every_kind(task, PATHS)
    write_items(task, items_of(told), format, folder / "labels")
    for n, path in enumerate(PATHS):
        file = folder / "images" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", SIZE, (n, n, n)).save(file)
    return told


def names_of(answer: Answer) -> list[str]:
    """The labels' paths."""
    return [LABELS.by_id(label).path for label in (*answer.labels, *(r.label for r in answer.regions))]


@pytest.mark.parametrize("format", FORMATS)
def test_a_frame_has_every_region(tmp_path: Path, format: str) -> None:
    """Whatever the format, the frame has the same labels and the same boxes in pixels, and images without any."""
    told = export(tmp_path, TaskType.OBJECT_DETECTION, format)
    frame = LabeledImages(tmp_path / "labels", tmp_path / "images").frame()
    wanted = [
        (name, tuple(vars(r.shape).values()))
        for _, a in told
        if a
        for name, r in zip(names_of(a), a.regions, strict=True)
    ]
    rows = frame[frame["label"].notna()]
    assert list(rows["label"]) == [name for name, _ in wanted]
    for row, (_, box) in zip(rows.itertuples(), wanted, strict=True):
        assert all(math.isclose(a, b, abs_tol=1e-3) for a, b in zip((row.x0, row.y0, row.x1, row.y1), box, strict=True))
        assert (row.width, row.height) == SIZE
    assert frame["file_name"].nunique() == 5


def test_images_that_nobody_labeled_are_asked_for(tmp_path: Path) -> None:
    """They are left out unless wanted, and then say that they are not labeled."""
    export(tmp_path, TaskType.MULTI_LABEL, "jsonl")
    assert len(LabeledImages(tmp_path / "labels")) == 5
    frame = LabeledImages(tmp_path / "labels", unlabeled=True).frame()
    assert list(frame[~frame["labeled"]]["file_name"]) == ["day/005.png"]


@pytest.mark.parametrize("format", ["coco", "jsonl", "yolo", "voc"])
def test_samples_hold_pixels_boxes_and_masks(tmp_path: Path, format: str) -> None:
    """Each sample has the image's pixels, its boxes, and a mask a polygon that covers what the polygon covers."""
    told = export(tmp_path, TaskType.INSTANCE_SEGMENTATION, format)
    images = LabeledImages(tmp_path / "labels", tmp_path / "images")
    for n, (_, answer) in enumerate(told[:5]):
        assert answer is not None
        sample = images.sample(n)
        assert sample.image.shape == (SIZE[1], SIZE[0], 3)
        assert sample.image[0, 0, 0] == n
        assert [images.classes[k] for k in sample.box_labels] == names_of(answer)
        for mask, region, box in zip(sample.masks, answer.regions, sample.boxes, strict=True):
            assert isinstance(region.shape, Polygon)
            assert abs(int(mask.sum()) - region.shape.area) < 0.05 * region.shape.area + 50
            bounds: Box = region.shape.bounds
            assert np.allclose(box, (bounds.x0, bounds.y0, bounds.x1, bounds.y1), atol=1e-2)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    """No folder of images, an image that is not there, and a label that the given classes lack: each in words."""
    export(tmp_path, TaskType.MULTI_CLASS, "csv")
    with pytest.raises(BadInput, match="Say where the images are"):
        LabeledImages(tmp_path / "labels").sample(0)
    with pytest.raises(BadInput, match="`classes` lacks: wren"):
        LabeledImages(tmp_path / "labels", classes=[p.path for p in LABELS if p.path != "wren"])
    (tmp_path / "images/day/000.png").unlink()
    with pytest.raises(Exception, match=r"There is no image 'day/000\.png'"):
        LabeledImages(tmp_path / "labels", tmp_path / "images").sample(0)


def test_no_torch_until_an_image_is_asked_for(tmp_path: Path) -> None:
    """A frame, a length and a sample need no torch."""
    export(tmp_path, TaskType.OBJECT_DETECTION, "coco")
    script = (
        "import sys; from exporters.dataset import LabeledImages; "
        f"found = LabeledImages({str(tmp_path / 'labels')!r}, {str(tmp_path / 'images')!r}); "
        "found.frame(); found.sample(0); print(len(found), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "5 False\n"


@pytest.mark.parametrize("task", list(TaskType))
def test_targets_are_what_torchvision_takes(tmp_path: Path, task: TaskType) -> None:
    """Images and targets go through a DataLoader; transforms see both; detection's labels begin with 1."""
    torch = pytest.importorskip("torch")
    told = export(tmp_path, task, "coco")
    images = LabeledImages(
        tmp_path / "labels", tmp_path / "images", transforms=lambda image, target: (image.size, target)
    )
    loader = torch.utils.data.DataLoader(images, batch_size=2, collate_fn=lambda batch: batch)
    found: list[tuple[Any, Any]] = [pair for batch in loader for pair in batch]
    assert [size for size, _ in found] == [SIZE] * 5
    for (_, answer), (_, target) in zip(told, found, strict=False):
        assert answer is not None
        numbers = [images.classes.index(name) for name in names_of(answer)]
        if task.has_regions:
            assert target["labels"].tolist() == [n + 1 for n in numbers]
            assert target["boxes"].shape == (len(numbers), 4)
            assert target["boxes"].dtype == torch.float32
            assert ("masks" in target) == (task is TaskType.INSTANCE_SEGMENTATION and bool(numbers))
        elif task is TaskType.MULTI_CLASS:
            assert target == numbers[0] if isinstance(target, int) else target.sum() == 1
        else:
            assert sorted(torch.nonzero(target).flatten().tolist()) == sorted(numbers)
