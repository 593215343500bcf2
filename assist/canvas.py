"""Pictures of any size on the worker's canvas, and regions with them: brought to one size, and varied for training.

Pixels and regions move together, by one matrix. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.geometry import Box, Polygon

RGB = NDArray[np.uint8]
Floats = NDArray[np.float32]

LONG_SIDE_PX = 512
MULTIPLE = 32
LEAST_SIDE_PX = 4.0
LEAST_VISIBLE = 0.4
ZOOM = (0.75, 1.3)
LIGHT = 0.2


@dataclass(frozen=True)
class Example:
    """One picture on the canvas and what is on it.

    Attributes:
        image: uint8 (H, W, 3).
        boxes: float32 (N, 4), xyxy px of the canvas.
        classes: int64 (N), columns of the model.
        rings: outlines, float32 (points, 2) each; empty where only boxes are known.
    """

    image: RGB
    boxes: Floats
    classes: NDArray[np.int64]
    rings: tuple[Floats, ...] = ()


def canvas_hw(sizes_wh: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """A canvas that holds pictures of all these sizes, each with its long side at `LONG_SIDE_PX`."""
    scaled = [(w * LONG_SIDE_PX / max(w, h), h * LONG_SIDE_PX / max(w, h)) for w, h in sizes_wh]
    wide, high = (max(sides, default=LONG_SIDE_PX) for sides in zip(*scaled, strict=True))
    return _rounded(high), _rounded(wide)


def _rounded(side: float) -> int:
    return min(LONG_SIDE_PX, -(-round(side) // MULTIPLE) * MULTIPLE)


def fit(size_wh: tuple[int, int], hw: tuple[int, int]) -> float:
    """By how much a picture is scaled to fill the canvas."""
    return min(hw[1] / size_wh[0], hw[0] / size_wh[1])


def placed(image: RGB, size_wh: tuple[int, int], hw: tuple[int, int]) -> RGB:
    """A picture, decoded at whatever size, at the canvas' top left."""
    scale = fit(size_wh, hw)
    wide, high = max(1, round(size_wh[0] * scale)), max(1, round(size_wh[1] * scale))
    how = cv2.INTER_AREA if image.shape[1] > wide else cv2.INTER_LINEAR
    canvas = np.full((*hw, 3), 127, dtype=np.uint8)
    canvas[:high, :wide] = cv2.resize(image, (wide, high), interpolation=how)[: hw[0], : hw[1]]
    return canvas


def ring_of(shape: Box | Polygon) -> Floats:
    """The corners of a region, float32 (points, 2)."""
    if isinstance(shape, Polygon):
        return np.array(shape.points, dtype=np.float32)
    corners = [(shape.x0, shape.y0), (shape.x1, shape.y0), (shape.x1, shape.y1), (shape.x0, shape.y1)]
    return np.array(corners, dtype=np.float32)


def example(image: RGB, rings: Sequence[Floats], classes: Sequence[int], *, outlines: bool) -> Example:
    """A picture on the canvas with its regions' corners in px of the canvas; slivers are left out."""
    boxes = np.array([_bounds(ring) for ring in rings], dtype=np.float32).reshape(-1, 4)
    sides = np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    kept = np.flatnonzero(sides >= LEAST_SIDE_PX)
    kinds: NDArray[np.int64] = np.asarray(classes, dtype=np.int64)[kept]
    return Example(image, boxes[kept], kinds, tuple(rings[n] for n in kept.tolist()) if outlines else ())


def _bounds(ring: Floats) -> tuple[float, ...]:
    return (*ring.min(0).tolist(), *ring.max(0).tolist())


def varied(
    image: RGB, rings: Sequence[Floats], classes: Sequence[int], rng: np.random.Generator, *, outlines: bool
) -> Example:
    """The example mirrored, zoomed and shifted, lit and coloured otherwise; regions that mostly leave the canvas go."""
    high, wide = image.shape[:2]
    move = _matrix(wide, high, rng)
    moved = cv2.warpAffine(image, move[:2], (wide, high), flags=cv2.INTER_LINEAR, borderValue=(127, 127, 127))
    turned = [(ring @ move[:2, :2].T + move[:2, 2]).astype(np.float32) for ring in rings]
    inside = [np.clip(ring, 0, (wide, high)).astype(np.float32) for ring in turned]
    seen = [n for n, ring in enumerate(turned) if _area(inside[n]) >= LEAST_VISIBLE * _area(ring)]
    return example(_relit(moved, rng), [inside[n] for n in seen], [classes[n] for n in seen], outlines=outlines)


def _area(ring: Floats) -> float:
    x0, y0, x1, y1 = _bounds(ring)
    return (x1 - x0) * (y1 - y0)


def _matrix(wide: int, high: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Mirror in one case of two, zoom around a place in the middle, shift."""
    zoom = rng.uniform(*ZOOM)
    shift = rng.uniform(-0.12, 0.12, 2) * (wide, high)
    mirror = np.array([[-1.0, 0, wide], [0, 1, 0], [0, 0, 1]]) if rng.random() < 0.5 else np.eye(3)
    x, y = (1 - zoom) * wide / 2 + shift[0], (1 - zoom) * high / 2 + shift[1]
    return np.asarray(np.array([[zoom, 0, x], [0, zoom, y], [0, 0, 1]]) @ mirror)


def _relit(image: NDArray[Any], rng: np.random.Generator) -> RGB:
    """Other contrast, brightness and colour balance."""
    gain = rng.uniform(1 - LIGHT, 1 + LIGHT) * rng.uniform(1 - LIGHT / 2, 1 + LIGHT / 2, 3)
    lit = (image.astype(np.float32) - 127) * gain + 127 + rng.uniform(-LIGHT, LIGHT) * 127
    return np.asarray(lit.clip(0, 255), dtype=np.uint8)
