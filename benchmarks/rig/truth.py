"""Real photos with the regions that people drew on them: what drawing and snapping are measured against.

The sets lie in the folder that TAGLINE_SETS names, or in a `shared/data` beside the checkout or above it; where there is
none, a benchmark has no truth to measure against and says so.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import orjson
from numpy.typing import NDArray
from PIL import Image

from core.geometry import Box

SETS = ("blood-cells", "nuclei", "coco-tiny")
MIN_SIDE_PX = 8
MAX_SHARE = 0.9


@dataclass(frozen=True)
class Truth:
    """One region as people drew it: xyxy px, and its mask of the whole image where the set has masks."""

    label: str
    box: Box
    mask: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class LabeledPhoto:
    """One photo, uint8 (H, W, 3), with its regions; `path` is the file that it was read from."""

    path: Path
    rgb: NDArray[np.uint8]
    truths: tuple[Truth, ...]


def data_folder() -> Path | None:
    """Where the real sets lie, or None."""
    here = Path(__file__).resolve().parent.parent
    places = [Path(os.environ["TAGLINE_SETS"])] if "TAGLINE_SETS" in os.environ else []
    places += [folder / "shared" / "data" for folder in (here, *here.parents)]
    return next((place for place in places if place.is_dir()), None)


def photos(name: str, limit: int) -> Iterator[LabeledPhoto]:
    """The first so many photos of a set, evenly picked, those without a usable region left out."""
    folder = data_folder()
    if folder is None:
        return
    read = {"blood-cells": _blood_cells, "nuclei": _nuclei, "coco-tiny": _coco}[name]
    yield from read(folder / name, limit)


def _picked(paths: list[Path], limit: int) -> list[Path]:
    step = max(1, len(paths) // limit)
    return paths[::step][:limit]


def _usable(box: Box, size_wh: tuple[int, int]) -> bool:
    wide, high = box.x1 - box.x0, box.y1 - box.y0
    return min(wide, high) >= MIN_SIDE_PX and box.area <= MAX_SHARE * size_wh[0] * size_wh[1]


def _blood_cells(folder: Path, limit: int) -> Iterator[LabeledPhoto]:
    for path in _picked(sorted((folder / "Annotations").glob("*.xml")), limit):
        image = folder / "JPEGImages" / f"{path.stem}.jpg"
        rgb = np.asarray(Image.open(image).convert("RGB"))
        truths = []
        for found in ET.parse(path).getroot().iter("object"):
            corners = [float(found.findtext(f"bndbox/{name}", "0")) for name in ("xmin", "ymin", "xmax", "ymax")]
            box = Box(max(0.0, corners[0] - 1), max(0.0, corners[1] - 1), corners[2], corners[3])
            if _usable(box, (rgb.shape[1], rgb.shape[0])):
                truths.append(Truth(found.findtext("name", ""), box))
        if truths:
            yield LabeledPhoto(image, rgb, tuple(truths))


def _nuclei(folder: Path, limit: int) -> Iterator[LabeledPhoto]:
    for path in _picked(sorted(folder.glob("*/images/*.png")), limit):
        rgb = np.asarray(Image.open(path).convert("RGB"))
        masks = [
            np.asarray(Image.open(mask).convert("L")) > 0 for mask in sorted(path.parent.parent.glob("masks/*.png"))
        ]
        truths = tuple(truth for mask in masks if (truth := _from_mask("nucleus", mask)))
        if truths:
            yield LabeledPhoto(path, rgb, truths)


def _coco(folder: Path, limit: int) -> Iterator[LabeledPhoto]:
    for part in ("train2017", "val2017"):
        body = orjson.loads((folder / "annotations" / f"instances_{part}.json").read_bytes())
        names = {category["id"]: category["name"] for category in body["categories"]}
        regions: dict[int, list[dict[str, object]]] = {}
        for region in body["annotations"]:
            if not region["iscrowd"]:
                regions.setdefault(region["image_id"], []).append(region)
        known = {folder / part / image["file_name"]: image["id"] for image in body["images"]}
        for path in _picked(sorted(path for path in known if path.exists()), limit // 2):
            rgb = np.asarray(Image.open(path).convert("RGB"))
            truths = tuple(
                truth for region in regions.get(known[path], []) if (truth := _from_rings(region, names, rgb.shape[:2]))
            )
            if truths:
                yield LabeledPhoto(path, rgb, truths)


def _from_mask(label: str, mask: NDArray[np.bool_]) -> Truth | None:
    ys, xs = np.nonzero(mask)
    if not len(xs):
        return None
    box = Box(float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1))
    return Truth(label, box, mask) if _usable(box, (mask.shape[1], mask.shape[0])) else None


def _from_rings(region: dict[str, object], names: dict[int, str], shape_hw: tuple[int, int]) -> Truth | None:
    mask = np.zeros(shape_hw, np.uint8)
    for ring in region["segmentation"]:  # type: ignore[attr-defined]
        points = np.asarray(ring, float).reshape(-1, 2)
        cv2.fillPoly(mask, [np.round(points - 0.5).astype(np.int32)], 1)
    x, y, wide, high = region["bbox"]
    box = Box(float(x), float(y), float(x + wide), float(y + high))
    usable = _usable(box, (shape_hw[1], shape_hw[0])) and mask.any()
    return Truth(names[region["category_id"]], box, mask.astype(bool)) if usable else None
