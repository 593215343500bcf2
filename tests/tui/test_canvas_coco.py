"""What is drawn by keys goes out as COCO and is, for pycocotools, the same region: its box, its area, its mask."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from core.annotation import Region
from core.geometry import Box, Polygon, is_inside
from core.ids import TaskType
from tests.exporters.house import export_file
from tests.tui.canvas import draw_box, play, regions, seated
from tests.tui.house import House, Seat

WIDE, HIGH = 48, 32


async def handed_in(house: House, seat: Seat, folder: Path) -> COCO:
    """Enter, and the export as pycocotools loads it."""
    await seat.press("enter")
    await seat.until(lambda: "saved 1" in seat.text, "the submission")
    path = await export_file(house.db, "coco", folder, name="photos")
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


def filled(polygon: Polygon) -> NDArray[np.bool_]:
    """The pixels whose middles lie inside, by the even-odd rule: our own idea of a mask."""
    return np.array([[is_inside(polygon, (x + 0.5, y + 0.5)) for x in range(WIDE)] for y in range(HIGH)])


def iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Of two masks."""
    return float((a & b).sum() / (a | b).sum())


def check(found: COCO, drawn: tuple[Region, ...]) -> None:
    """Every region is there with exactly the numbers that were drawn."""
    rows = found.loadAnns(found.getAnnIds())
    assert len(rows) == len(drawn)
    for row, region in zip(rows, drawn, strict=True):
        box = region.shape.bounds
        assert np.allclose(row["bbox"], (box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0), atol=1e-9)
        assert np.isclose(row["area"], region.shape.area)
        assert not row["iscrowd"]


def test_polygons_drawn_by_keys_have_the_same_masks_in_pycocotools(tmp_path: Path) -> None:
    """Straight and round: decoded from the export, IoU 1 with the mask of what was drawn, and .9 with our own filling."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await seat.press("p", "h", "b", "space", "t", "h", "space", "n", "t", "space", "enter")
            await seat.press("P", "c", "h", "space", "h", "c", "space", "m", "h", "space", "h", "n", "space", "enter")
            drawn = regions(screen)
            assert len(drawn) == 2
            found = await handed_in(house, seat, tmp_path)
            check(found, drawn)
            for row, region in zip(found.loadAnns(found.getAnnIds()), drawn, strict=True):
                assert isinstance(region.shape, Polygon)
                ring = [number for point in region.shape.points for number in point]
                wanted = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects([ring], HIGH, WIDE))) > 0
                mask = found.annToMask(row) > 0
                assert iou(mask, wanted) == 1.0
                assert iou(mask, filled(region.shape)) > 0.9

    play(tmp_path, story, TaskType.INSTANCE_SEGMENTATION)


def test_boxes_drawn_by_keys_are_the_same_boxes_in_pycocotools(tmp_path: Path) -> None:
    """Two boxes, one on a turned and enlarged view: the numbers of the file are those of the image."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await draw_box(seat)
            await seat.press("escape", "v", "plus", "r", "d", "d", "space", "m", "m", "space")
            drawn = regions(screen)
            assert [type(region.shape) for region in drawn] == [Box, Box]
            found = await handed_in(house, seat, tmp_path)
            check(found, drawn)
            overlap = coco_mask.iou(
                [row["bbox"] for row in found.loadAnns(found.getAnnIds())],
                [[b.x0, b.y0, b.x1 - b.x0, b.y1 - b.y0] for b in (region.shape.bounds for region in drawn)],
                [0, 0],
            )
            assert np.allclose(np.diag(overlap), 1.0)

    play(tmp_path, story)
