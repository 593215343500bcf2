"""Where objects may be, whatever they are: boxes to choose from by their letters, best first.

Blobs of even brightness or colour at many thresholds, ranked by the edge around them. Once boxes are drawn, what has their
size comes first, and places that look like them are added.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import cv2
import numpy as np
from numpy.typing import NDArray

from core.geometry import Box, Point
from core.pixels.closeup import RGB

WORK_SIDE_PX = 320
MIN_SHARE, MAX_SHARE = 0.0006, 0.7
MIN_SIDE_PX = 5
OVERLAP = 0.6
DRAWN_OVERLAP = 0.5
SIZE_SPREAD = 0.2
LOOKALIKE = 0.3
MAX_LOOKS = 4
MAX_RANKED = 2000

Boxes = NDArray[np.float64]


@dataclass(frozen=True)
class Proposal:
    """One box that may hold an object, xyxy image px; scores order the proposals of one call and mean no more."""

    box: Box
    score: float


def propose(rgb: RGB, limit: int, drawn: Sequence[Box] = ()) -> tuple[Proposal, ...]:
    """At most `limit` boxes, best first, none of which is nearly another one or a drawn one.

    Args:
        rgb: the whole image, uint8 (H, W, 3).
        drawn: boxes of the wanted label that are on this image already: what has their size or look comes first. Image px.
    """
    scale = min(1.0, WORK_SIDE_PX / max(rgb.shape[:2]))
    size_wh = max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale))
    small = np.asarray(cv2.resize(np.ascontiguousarray(rgb), size_wh, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    ratio = np.array([size_wh[0] / rgb.shape[1], size_wh[1] / rgb.shape[0]] * 2)
    known = np.array([(box.x0, box.y0, box.x1, box.y1) for box in drawn]).reshape(-1, 4) * ratio
    boxes = _ranked(small, known)
    kept = _distinct(boxes, known, limit)
    return tuple(
        Proposal(Box(*(float(v) for v in box / ratio)), 1 - i / max(1, len(kept))) for i, box in enumerate(kept)
    )


def at_point(proposals: Sequence[Proposal], xy: Point) -> Box | None:
    """The proposed box that a point inside an object most likely means, or None when none holds the point."""
    holding = [(found.score * _middleness(found.box, xy), found.box) for found in proposals if _holds(found.box, xy)]
    return max(holding, key=lambda pair: pair[0])[1] if holding else None


def _holds(box: Box, xy: Point) -> bool:
    return box.x0 < xy[0] < box.x1 and box.y0 < xy[1] < box.y1


def _middleness(box: Box, xy: Point) -> float:
    dx = abs(xy[0] - (box.x0 + box.x1) / 2) / (box.x1 - box.x0)
    dy = abs(xy[1] - (box.y0 + box.y1) / 2) / (box.y1 - box.y0)
    return (1 - dx) * (1 - dy)


def _ranked(small: RGB, known: Boxes) -> Boxes:
    boxes, scores = _blobs(small)
    if not len(known):
        return boxes[np.argsort(-scores)]
    by_size = boxes[np.argsort(-scores * (0.02 + _alike(boxes, known)))]
    looks = _lookalikes(small, known[-MAX_LOOKS:])
    pairs = zip_longest(by_size[:MAX_RANKED], looks)
    return np.array([box for pair in pairs for box in pair if box is not None]).reshape(-1, 4)


def _alike(boxes: Boxes, known: Boxes) -> NDArray[np.float64]:
    sides = [np.log(np.maximum(1.0, some[:, 2:] - some[:, :2])) for some in (boxes, known)]
    apart = ((sides[0][:, None] - sides[1][None]) ** 2).sum(axis=2)
    return np.asarray(np.exp(-apart / (2 * SIZE_SPREAD**2)).max(axis=1))


def _blobs(small: RGB) -> tuple[Boxes, NDArray[np.float64]]:
    """Boxes around connected even parts, (N, 4), and how well an edge surrounds them, (N,)."""
    edges, found = _edges(small), []
    for mask in _masks(small):
        opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        lines, nesting = cv2.findContours(opened, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        outer = [] if nesting is None else [line for line, nest in zip(lines, nesting[0], strict=True) if nest[3] < 0]
        found += [blob for line in outer if (blob := _blob(np.asarray(line, dtype=np.int32), edges))]
    table = np.array(found).reshape(-1, 5)
    return table[:, :4], table[:, 4]


def _blob(line: NDArray[np.int32], edges: NDArray[np.float32]) -> tuple[float, ...] | None:
    x, y, wide, high = cv2.boundingRect(line)
    height, width = edges.shape
    share = wide * high / (width * height)
    if min(wide, high) < MIN_SIDE_PX or not MIN_SHARE <= share <= MAX_SHARE:
        return None
    xs, ys = line[:, 0, 0], line[:, 0, 1]
    inside = (xs > 1) & (xs < width - 2) & (ys > 1) & (ys < height - 2)
    edge = float((edges[ys, xs] * inside).mean())
    solid = cv2.contourArea(line) / (cv2.contourArea(cv2.convexHull(line)) + 1e-6)
    return float(x), float(y), float(x + wide), float(y + high), edge * solid * share**0.25


def _channels(small: RGB) -> list[NDArray[np.uint8]]:
    lab, hsv = cv2.cvtColor(small, cv2.COLOR_RGB2LAB), cv2.cvtColor(small, cv2.COLOR_RGB2HSV)
    planes = [lab[..., 0], lab[..., 1], lab[..., 2], hsv[..., 1]]
    return [np.asarray(cv2.GaussianBlur(np.ascontiguousarray(plane), (0, 0), 1.0), dtype=np.uint8) for plane in planes]


def _edges(small: RGB) -> NDArray[np.float32]:
    """Colour gradient, 1 where it is strong in this image."""
    lab = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float32), (0, 0), 1.0)
    planes = [np.ascontiguousarray(lab[..., k]) for k in range(3)]
    total = sum(cv2.Sobel(plane, cv2.CV_32F, dx, 1 - dx) ** 2 for plane in planes for dx in (0, 1))
    strength = np.sqrt(np.asarray(total))
    return np.asarray(np.minimum(strength / (np.quantile(strength, 0.95) + 1e-6), 1.5), dtype=np.float32)


def _masks(small: RGB) -> Iterator[NDArray[np.uint8]]:
    for plane in _channels(small):
        if np.ptp(plane) < 8:
            continue
        middle, _ = cv2.threshold(plane, 0, 255, cv2.THRESH_OTSU)
        levels = {int(level) for level in (middle, *np.quantile(plane, np.linspace(0.06, 0.94, 7)))}
        for level in sorted(levels):
            bright = (plane > level).astype(np.uint8)
            yield bright
            yield 1 - bright
        for block in (31, 81):
            yield _adaptive(plane, cv2.THRESH_BINARY, block, -3)
            yield _adaptive(plane, cv2.THRESH_BINARY_INV, block, 3)


def _adaptive(plane: NDArray[np.uint8], kind: int, block: int, offset: int) -> NDArray[np.uint8]:
    found = cv2.adaptiveThreshold(plane, 1, cv2.ADAPTIVE_THRESH_MEAN_C, kind, block, offset)
    return np.asarray(found, dtype=np.uint8)


def _lookalikes(small: RGB, known: Boxes) -> Boxes:
    """Places where the image looks like one of the known boxes, best first, (N, 4)."""
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float32)
    edges = np.asarray(cv2.GaussianBlur(_edges(small), (0, 0), 1.5), dtype=np.float32)
    planes = [(edges, 1.0), *((np.ascontiguousarray(lab[..., k]), 0.5) for k in range(3))]
    found = [place for box in known for place in _matches(planes, box)]
    return np.array([box for _, box in sorted(found, key=lambda pair: -pair[0])]).reshape(-1, 4)


def _matches(planes: list[tuple[NDArray[np.float32], float]], box: Boxes) -> list[tuple[float, list[float]]]:
    height, width = planes[0][0].shape
    x0, y0 = (max(0, round(float(v))) for v in box[:2])
    x1, y1 = min(width, round(float(box[2]))), min(height, round(float(box[3])))
    wide, high = x1 - x0, y1 - y0
    if min(wide, high) < MIN_SIDE_PX:
        return []
    score = sum(
        weight * cv2.matchTemplate(plane, np.ascontiguousarray(plane[y0:y1, x0:x1]), cv2.TM_CCOEFF_NORMED)
        for plane, weight in planes
        if float(plane[y0:y1, x0:x1].std()) > 1e-3
    )
    if isinstance(score, int):
        return []
    score = np.asarray(score) / sum(weight for _, weight in planes)
    ys, xs = np.nonzero((score == cv2.dilate(score, np.ones((5, 5)))) & (score > LOOKALIKE))
    return [(float(score[y, x]), [x, y, x + wide, y + high]) for y, x in zip(ys.tolist(), xs.tolist(), strict=True)]


def _distinct(ranked: Boxes, known: Boxes, limit: int) -> list[Boxes]:
    """The first so many boxes that overlap no better one and no known one by much."""
    left = ranked[_overlaps(ranked, known).max(axis=1) < DRAWN_OVERLAP] if len(known) and len(ranked) else ranked
    kept: list[Boxes] = []
    while len(left) and len(kept) < limit:
        kept.append(left[0])
        left = left[1:][_overlaps(left[1:], left[:1])[:, 0] < OVERLAP]
    return kept


def _overlaps(a: Boxes, b: Boxes) -> NDArray[np.float64]:
    """IoU of every box with every other, (N, M)."""
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(some[:, 2:] - some[:, :2]).prod(axis=1) for some in (a, b)]
    return np.asarray(shared / (areas[0][:, None] + areas[1][None] - shared))
