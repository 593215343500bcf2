"""A promptable segmenter beside the pixels alone: masks of boxes and points that people drew, their time and memory.

The two ONNX files are those that TAGLINE_SEGMENT_ENCODER and TAGLINE_SEGMENT_DECODER name; none come with Tagline.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from assist.segmenter import Segmenter
from benchmarks.rig.report import latencies_ms, peak_mb
from benchmarks.rig.truth import LabeledPhoto, Truth, data_folder, photos
from benchmarks.snap import filled
from core.geometry import Box, Polygon
from core.pixels.closeup import ellipse
from core.pixels.prompted import Prompt
from core.pixels.snap import box_to_polygon
from storage.pyramid import build

SETS = ("nuclei", "coco-tiny")
PHOTOS = 16
REGIONS = 60
LOOSE = (0.10, 0.25)

Way = Callable[[LabeledPhoto, Truth, Box], NDArray[np.bool_]]


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Mean IoU of each way, exact and loose boxes, and points; milliseconds and megabytes of the segmenter."""
    names = [os.environ.get(f"TAGLINE_SEGMENT_{part}", "") for part in ("ENCODER", "DECODER")]
    if data_folder() is None or not all(names):
        return {"skipped": "TAGLINE_SEGMENT_ENCODER, TAGLINE_SEGMENT_DECODER and the folder of real data are needed"}
    cv2.setNumThreads(1)
    before_mb = round(peak_mb())
    segmenter = Segmenter(Path(names[0]), Path(names[1]))
    found = {name: _measured(segmenter, list(photos(name, PHOTOS)), args.items or REGIONS) for name in SETS}
    return {
        "regions a set": args.items or REGIONS,
        "sets": found,
        "peak_mb": {"before": before_mb, "with the segmenter": round(peak_mb())},
        "met": {
            f"{name}: better than the pixels alone from a loose box": _iou(one, "segmenter") > _iou(one, "pixels alone")
            for name, one in found.items()
        },
    }


def _iou(found: dict[str, Any], way: str) -> float:
    return float(found["loose boxes"][way]["mean_iou"])


def _measured(segmenter: Segmenter, shown: list[LabeledPhoto], count: int) -> dict[str, Any]:
    every = [(photo, truth) for photo in shown for truth in photo.truths]
    picked = [every[n] for n in np.random.default_rng(5).permutation(len(every))[:count]]
    pyramids = {photo.path: build(photo.rgb) for photo, _ in picked}
    embed_s = [_seconds(lambda p=pyramid: segmenter.outline(p, (8.0, 8.0))) for pyramid in pyramids.values()]

    def asked(photo: LabeledPhoto, prompt: Prompt) -> NDArray[np.bool_]:
        return _mask(segmenter.outline(pyramids[photo.path], prompt), photo)

    ways: dict[str, Way] = {
        "ellipse": lambda photo, _, box: ellipse(photo.rgb.shape[:2], box),
        "pixels alone": lambda photo, _, box: filled(box_to_polygon(photo.rgb, box), photo.rgb.shape),
        "segmenter": lambda photo, _, box: asked(photo, box),
    }
    rng = np.random.default_rng(2)
    exact = [truth.box for _, truth in picked]
    loose = [_loosened(truth.box, photo.rgb, rng.uniform(*LOOSE, 4)) for photo, truth in picked]
    return {
        "exact boxes": {name: _scored(way, picked, exact) for name, way in ways.items()},
        "loose boxes": {name: _scored(way, picked, loose) for name, way in ways.items()},
        "points": {"segmenter": _scored(lambda photo, truth, _: asked(photo, _middle(truth)), picked, exact)},
        "embed_ms": latencies_ms(embed_s),
    }


def _scored(way: Way, picked: list[tuple[LabeledPhoto, Truth]], boxes: list[Box]) -> dict[str, float]:
    ious, times = [], []
    for (photo, truth), box in zip(picked, boxes, strict=True):
        began = time.perf_counter()
        mask = way(photo, truth, box)
        times.append(time.perf_counter() - began)
        ious.append(float((mask & truth.mask).sum()) / float((mask | truth.mask).sum()))
    figures = {
        "mean_iou": round(statistics.mean(ious), 3),
        "under_half": round(float(np.mean(np.array(ious) < 0.5)), 2),
    }
    return figures | latencies_ms(times)


def _seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _mask(found: Polygon | None, photo: LabeledPhoto) -> NDArray[np.bool_]:
    return np.zeros(photo.rgb.shape[:2], bool) if found is None else filled(found, photo.rgb.shape)


def _middle(truth: Truth) -> tuple[float, float]:
    """The place deepest inside the object: where a person would point."""
    assert truth.mask is not None
    depth = cv2.distanceTransform(np.pad(truth.mask, 1).astype(np.uint8), cv2.DIST_L2, 5)
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return float(x) - 0.5, float(y) - 0.5


def _loosened(box: Box, rgb: NDArray[np.uint8], by: NDArray[np.float64]) -> Box:
    """Each side outwards by a share of the box's size."""
    wide, high = box.x1 - box.x0, box.y1 - box.y0
    x0, y0, x1, y1 = by.tolist()
    return Box(
        max(0.0, box.x0 - x0 * wide), max(0.0, box.y0 - y0 * high),
        min(float(rgb.shape[1]), box.x1 + x1 * wide), min(float(rgb.shape[0]), box.y1 + y1 * high),
    )  # fmt: skip
