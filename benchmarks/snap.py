"""What the pixels add to the hand, on real photos: loose boxes made tight, boxes made polygons, proposals, and their time."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.rig.report import latencies_ms
from benchmarks.rig.truth import SETS, LabeledPhoto, Truth, data_folder, photos
from core.geometry import Box, Polygon, box_iou
from core.pixels.closeup import Closeup, bounds, closeup, ellipse
from core.pixels.outlines import by_colours, by_rays, by_sides, ring_bounds
from core.pixels.proposals import at_point, propose
from core.pixels.snap import box_to_polygon, extremes_to_polygon, snap_box

PHOTOS = 16
REGIONS = 60
BUDGET_MS = 150.0
STARTS = {"loose": (0.10, 0.25), "near": (-0.07, 0.07)}


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Boxes, polygons and proposals for each set."""
    if data_folder() is None:
        return {
            "skipped": "no real labeled photos: put the sets beside the checkout as shared/data or name TAGLINE_SETS"
        }
    cv2.setNumThreads(1)
    found = {name: _measured(list(photos(name, PHOTOS))) for name in SETS}
    snaps = [figures["boxes"]["loose"]["snap"] for figures in found.values()]
    return {
        "photos a set": PHOTOS,
        "sets": found,
        "met": {
            "loose boxes come out better in each set": all(part["mean_iou"] > part["mean_iou_drawn"] for part in snaps),
            "at most one loose box in ten comes out worse": all(part["share_worse"] <= 0.1 for part in snaps),
            f"a snap takes under {BUDGET_MS:.0f} ms (p50)": all(part["p50_ms"] < BUDGET_MS for part in snaps),
        },
    }


def _measured(shown: list[LabeledPhoto]) -> dict[str, Any]:
    every = [(photo, truth) for photo in shown for truth in photo.truths]
    picked = [every[i] for i in np.random.default_rng(5).permutation(len(every))[:REGIONS]]
    masked = [(photo, truth) for photo, truth in picked if truth.mask is not None]
    return {
        "regions": len(picked),
        "boxes": {kind: _boxes(picked, reach, loose=kind == "loose") for kind, reach in STARTS.items()},
        **({"polygons": _polygons(masked)} if masked else {}),
        "proposals": _proposals(shown),
    }


def _boxes(picked: Sequence[tuple[LabeledPhoto, Truth]], reach: tuple[float, float], *, loose: bool) -> dict[str, Any]:
    rng, ways = np.random.default_rng(2), _ways()
    drawn = [_drawn(truth.box, photo.rgb, rng.uniform(*reach, 4), loose=loose) for photo, truth in picked]
    return {name: _way(way, picked, drawn) for name, way in ways.items()}


def _drawn(box: Box, rgb: NDArray[np.uint8], by: NDArray[np.float64], *, loose: bool) -> Box:
    """The box as a hurried person draws it: each side moved by a share of the box's size, outwards when loose."""
    wide, high = box.x1 - box.x0, box.y1 - box.y0
    signs = (-1, -1, 1, 1) if loose else (1, 1, 1, 1)
    x0, y0, x1, y1 = (sign * float(share) for sign, share in zip(signs, by, strict=True))
    return Box(
        max(0.0, box.x0 + x0 * wide),
        max(0.0, box.y0 + y0 * high),
        min(float(rgb.shape[1]), box.x1 + x1 * wide),
        min(float(rgb.shape[0]), box.y1 + y1 * high),
    )


def _ways() -> dict[str, Callable[[NDArray[np.uint8], Box], Box | None]]:
    def alone(look: Callable[[Closeup], Box | None]) -> Callable[[NDArray[np.uint8], Box], Box | None]:
        def way(rgb: NDArray[np.uint8], box: Box) -> Box | None:
            view = closeup(rgb, box)
            found = look(view)
            return view.box_to_image(found) if found else None

        return way

    def colours(view: Closeup) -> Box | None:
        mask = by_colours(view)
        return None if mask is None else bounds(mask)

    return {
        "snap": snap_box,
        "sides alone": alone(by_sides),
        "rays alone": alone(lambda view: ring_bounds(by_rays(view))),
        "colours alone (GrabCut)": alone(colours),
    }


def _way(
    way: Callable[..., Box | None], picked: Sequence[tuple[LabeledPhoto, Truth]], drawn: list[Box]
) -> dict[str, Any]:
    before, after, times, unchanged = [], [], [], 0
    for (photo, truth), box in zip(picked, drawn, strict=True):
        began = time.perf_counter()
        found = way(photo.rgb, box)
        times.append(time.perf_counter() - began)
        unchanged += found is None
        before.append(box_iou(box, truth.box))
        after.append(box_iou(found or box, truth.box))
    gains = np.array(after) - np.array(before)
    return {
        "mean_iou_drawn": round(statistics.mean(before), 3),
        "mean_iou": round(statistics.mean(after), 3),
        "median_iou": round(statistics.median(after), 3),
        "share_better": round(float((gains > 0.01).mean()), 2),
        "share_worse": round(float((gains < -0.01).mean()), 2),
        "share_unchanged": round(unchanged / len(drawn), 2),
        "p50_ms": latencies_ms(times)["p50_ms"],
        "p99_ms": latencies_ms(times)["p99_ms"],
    }


def _polygons(picked: Sequence[tuple[LabeledPhoto, Truth]]) -> dict[str, Any]:
    ways: dict[str, Callable[[LabeledPhoto, Truth], NDArray[np.bool_]]] = {
        "ellipse": lambda photo, truth: ellipse(photo.rgb.shape[:2], truth.box),
        "box to polygon": lambda photo, truth: filled(box_to_polygon(photo.rgb, truth.box), photo.rgb.shape),
        "extremes to polygon": lambda photo, truth: filled(
            extremes_to_polygon(photo.rgb, _extremes(truth)), photo.rgb.shape
        ),
    }
    found = {}
    for name, way in ways.items():
        ious, times = [], []
        for photo, truth in picked:
            began = time.perf_counter()
            mask = way(photo, truth)
            times.append(time.perf_counter() - began)
            ious.append(float((mask & truth.mask).sum()) / float((mask | truth.mask).sum()))
        found[name] = {"mean_iou": round(statistics.mean(ious), 3), "median_iou": round(statistics.median(ious), 3)}
        found[name]["p50_ms"] = latencies_ms(times)["p50_ms"]
    points = [len(box_to_polygon(photo.rgb, truth.box).points) for photo, truth in picked]
    return found | {"median points": statistics.median(points)}


def filled(polygon: Polygon, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The inside of a polygon as a mask of the whole image, bool (H, W)."""
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round((np.array(polygon.points) - 0.5) * 16).astype(np.int32)], 1, shift=4)
    return mask.astype(bool)


def _extremes(truth: Truth) -> list[tuple[float, float]]:
    assert truth.mask is not None
    ys, xs = np.nonzero(truth.mask)
    box = truth.box
    left, right = float(np.median(ys[xs == xs.min()])), float(np.median(ys[xs == xs.max()]))
    top, bottom = float(np.median(xs[ys == ys.min()])), float(np.median(xs[ys == ys.max()]))
    return [(box.x0, left), (box.x1, right), (top, box.y0), (bottom, box.y1)]


def _proposals(shown: list[LabeledPhoto]) -> dict[str, Any]:
    plain, like, times, hits = [], [], [], []
    for photo in shown:
        began = time.perf_counter()
        found = propose(photo.rgb, 100)
        times.append(time.perf_counter() - began)
        boxes = [truth.box for truth in photo.truths]
        plain += _ranks([one.box for one in found], boxes)
        for box in boxes:
            chosen = at_point(found, ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2))
            hits.append(chosen is not None and box_iou(chosen, box) > 0.5)
        if len(boxes) > 5:
            like += _ranks([one.box for one in propose(photo.rgb, 100, boxes[:3])], boxes[3:])
    return {
        "recall": _recalls(plain),
        "recall of the rest after three boxes": _recalls(like),
        "a point in the middle gives the box (IoU over 0.5)": round(statistics.mean(hits), 2),
        **latencies_ms(times),
    }


def _ranks(proposed: list[Box], boxes: list[Box]) -> list[dict[float, int]]:
    """For each true box and IoU, the rank of the first proposal that reaches it; 1,000 for none."""
    ranks = []
    for box in boxes:
        ious = [box_iou(one, box) for one in proposed]
        ranks.append({bar: next((i for i, iou in enumerate(ious) if iou > bar), 1000) for bar in (0.5, 0.7)})
    return ranks


def _recalls(ranks: list[dict[float, int]]) -> dict[str, float]:
    return {
        f"IoU {bar} in the first {top}": round(statistics.mean(rank[bar] < top for rank in ranks), 2)
        for bar in (0.5, 0.7)
        for top in (10, 25, 100)
        if ranks
    }
