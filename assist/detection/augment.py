"""Letterboxed images with their regions, and random variations of them for training. Pure.

Pixels and regions move together, by one matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from assist.detection.letterbox import PADDING, RGB
from core.geometry import Box, Polygon

Floats = NDArray[np.float32]

LEAST_SIDE_PX = 4.0
LEAST_VISIBLE = 0.4
SCALE = (0.75, 1.3)
SHIFT = 0.12
JITTER = 0.2


@dataclass(frozen=True)
class AnnotatedImage:
    """One letterboxed image and what is on it.

    Attributes:
        image: uint8 (H, W, 3).
        boxes: float32 (N, 4), xyxy px of the input.
        classes: int64 (N), class indexes of the model.
        rings: outlines, float32 (points, 2) each; empty where only boxes are known.
    """

    image: RGB
    boxes: Floats
    classes: NDArray[np.int64]
    rings: tuple[Floats, ...] = ()


def ring_of(shape: Box | Polygon) -> Floats:
    """The corners of a region, float32 (points, 2)."""
    if isinstance(shape, Polygon):
        return np.array(shape.points, dtype=np.float32)
    corners = [(shape.x0, shape.y0), (shape.x1, shape.y0), (shape.x1, shape.y1), (shape.x0, shape.y1)]
    return np.array(corners, dtype=np.float32)


def annotated(image: RGB, rings: Sequence[Floats], classes: Sequence[int], *, outlines: bool) -> AnnotatedImage:
    """An input with its regions' corners in px of the input; slivers are left out."""
    boxes = np.array([_bounds(ring) for ring in rings], dtype=np.float32).reshape(-1, 4)
    sides = np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    kept = np.flatnonzero(sides >= LEAST_SIDE_PX)
    kinds: NDArray[np.int64] = np.asarray(classes, dtype=np.int64)[kept]
    return AnnotatedImage(image, boxes[kept], kinds, tuple(rings[n] for n in kept.tolist()) if outlines else ())


def _bounds(ring: Floats) -> tuple[float, ...]:
    return (*ring.min(0).tolist(), *ring.max(0).tolist())


def augmented(
    image: RGB, rings: Sequence[Floats], classes: Sequence[int], rng: np.random.Generator, *, outlines: bool
) -> AnnotatedImage:
    """The same mirrored, scaled, shifted, and with other colours; regions that mostly leave the input are left out."""
    high, wide = image.shape[:2]
    matrix = _random_affine(wide, high, rng)
    moved = cv2.warpAffine(image, matrix[:2], (wide, high), flags=cv2.INTER_LINEAR, borderValue=(PADDING,) * 3)
    turned = [(ring @ matrix[:2, :2].T + matrix[:2, 2]).astype(np.float32) for ring in rings]
    inside = [np.clip(ring, 0, (wide, high)).astype(np.float32) for ring in turned]
    seen = [n for n, ring in enumerate(turned) if _area(inside[n]) >= LEAST_VISIBLE * _area(ring)]
    return annotated(
        _color_jittered(moved, rng), [inside[n] for n in seen], [classes[n] for n in seen], outlines=outlines
    )


def _area(ring: Floats) -> float:
    x0, y0, x1, y1 = _bounds(ring)
    return (x1 - x0) * (y1 - y0)


def _random_affine(wide: int, high: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Mirror in one case of two, scale around a place in the middle, shift; (3, 3)."""
    scale = rng.uniform(*SCALE)
    shift = rng.uniform(-SHIFT, SHIFT, 2) * (wide, high)
    mirror = np.array([[-1.0, 0, wide], [0, 1, 0], [0, 0, 1]]) if rng.random() < 0.5 else np.eye(3)
    x, y = (1 - scale) * wide / 2 + shift[0], (1 - scale) * high / 2 + shift[1]
    return np.asarray(np.array([[scale, 0, x], [0, scale, y], [0, 0, 1]]) @ mirror)


def _color_jittered(image: NDArray[Any], rng: np.random.Generator) -> RGB:
    """Other contrast, brightness and colour balance."""
    gain = rng.uniform(1 - JITTER, 1 + JITTER) * rng.uniform(1 - JITTER / 2, 1 + JITTER / 2, 3)
    lit = (image.astype(np.float32) - PADDING) * gain + PADDING + rng.uniform(-JITTER, JITTER) * PADDING
    return np.asarray(lit.clip(0, 255), dtype=np.uint8)
