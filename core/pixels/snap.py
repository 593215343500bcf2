"""A box drawn loosely, made tight; a box made a polygon. What is not clear is said so rather than guessed.

`docs/decisions/snapping.md` has what was tried and the figures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.geometry import Box, Point, Polygon, box_iou, invalid_reason
from core.pixels.closeup import RGB, Closeup, Mask, bounds, closeup, ellipse
from core.pixels.outlines import by_colours, by_contrast, by_rays, by_sides, ring_bounds

MIN_SIDE_PX = 6.0
MIN_AGREEMENT = 0.45
MAX_AREA_SHARE = 0.75
PAD = 0.01
SIMPLE = 0.004
_FINER = 4


def snap_box(rgb: RGB, box_px: Box) -> Box | None:
    """The tight box around the object in a loose one, or None when no clear edge says that it is loose.

    Each side is the median of three looks, never outside the drawn box. They must agree with each other, and the result
    must be a good deal smaller: a box that is tight already would otherwise lose a little at each press.

    Args:
        rgb: the whole image, uint8 (H, W, 3).
        box_px: xyxy, image px.
    """
    box_px = _inside(box_px, rgb)
    if min(box_px.x1 - box_px.x0, box_px.y1 - box_px.y0) < MIN_SIDE_PX:
        return None
    view = closeup(rgb, box_px)
    mask, ring = by_colours(view), by_rays(view)
    looks = [by_sides(view), ring_bounds(ring)] + ([bounds(mask)] if mask is not None else [])
    if len(looks) < 3 or np.mean([box_iou(a, b) for a, b in combinations(looks, 2)]) < MIN_AGREEMENT:
        return None
    middle = np.median([(box.x0, box.y0, box.x1, box.y1) for box in looks], axis=0)
    found = _within(view.box_to_image(_padded(Box(*(float(v) for v in middle)))), box_px)
    return found if 0 < found.area <= MAX_AREA_SHARE * box_px.area else None


def box_to_polygon(rgb: RGB, box_px: Box) -> Polygon:
    """The outline of the object that fills a box, simplified; the ellipse in the box where the image says nothing else.

    A pixel belongs to it when two of four say so: its colours, its contrast, the line around its middle, and the ellipse.
    """
    box_px = _inside(box_px, rgb)
    if min(box_px.x1 - box_px.x0, box_px.y1 - box_px.y0) < MIN_SIDE_PX:
        return _ellipse_polygon(box_px)
    view = closeup(rgb, box_px)
    return _outline(view, _voted(view, ellipse(view.shape_hw, view.box)), box_px, rgb) or _ellipse_polygon(box_px)


def box_of_extremes(points: Sequence[Point]) -> Box:
    """The box through the left, top, right and bottom point of an object, in any order."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return Box(min(xs), min(ys), max(xs), max(ys))


def extremes_to_polygon(rgb: RGB, points: Sequence[Point]) -> Polygon:
    """The outline of an object from its four extreme points: as `box_to_polygon`, with an octagon through them as the prior.

    Source: Zhou, Zhuo, Krähenbühl, "Bottom-up object detection by grouping extreme and center points", 2019 (octagon).
    """
    box_px = _inside(box_of_extremes(points), rgb)
    if min(box_px.x1 - box_px.x0, box_px.y1 - box_px.y0) < MIN_SIDE_PX:
        return _ellipse_polygon(box_px)
    view = closeup(rgb, box_px)
    prior = np.zeros(view.shape_hw, np.uint8)
    corners = np.array([view.from_image(x, y) for x, y in _octagon(points, box_px)])
    cv2.fillPoly(prior, [np.round(corners - 0.5).astype(np.int32)], 1)
    return _outline(view, _voted(view, prior.astype(bool)), box_px, rgb) or _ellipse_polygon(box_px)


def _voted(view: Closeup, prior: Mask) -> Mask:
    ring = np.zeros(view.shape_hw, np.uint8)
    cv2.fillPoly(ring, [np.round(by_rays(view) - 0.5).astype(np.int32)], 1)
    seen = [prior if found is None else found for found in (by_colours(view, prior), by_contrast(view))]
    return np.asarray(prior.astype(int) + ring + seen[0] + seen[1] >= 2)


def _outline(view: Closeup, mask: Mask, box_px: Box, rgb: RGB) -> Polygon | None:
    """The longest outline of a mask as a valid polygon inside the box, image px."""
    finer = cv2.resize(mask.astype(np.uint8), None, fx=_FINER, fy=_FINER, interpolation=cv2.INTER_NEAREST)
    finer = cv2.morphologyEx(
        finer, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)
    )  # a pinch of one pixel would cross itself
    lines, _ = cv2.findContours(finer, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not lines:
        return None
    line = max(lines, key=cv2.contourArea)
    return simplified(
        line,
        lambda x, y: view.to_image((x + 0.5) / _FINER, (y + 0.5) / _FINER),
        box_px,
        (rgb.shape[1], rgb.shape[0]),
    )


def simplified(
    line: NDArray[Any], to_image: Callable[[float, float], Point], box_px: Box, image_wh: tuple[int, int]
) -> Polygon | None:
    """A contour as OpenCV gives it with few points, inside a box of the image; None where none of that is a valid polygon."""
    for share in (SIMPLE, SIMPLE * 2, SIMPLE * 4):
        kept = cv2.approxPolyDP(line, share * cv2.arcLength(line, True), True)[:, 0]
        polygon = Polygon(tuple(_clamped(to_image(float(x), float(y)), box_px) for x, y in kept))
        if invalid_reason(polygon, image_wh) is None:
            return polygon
    return None


def _octagon(points: Sequence[Point], box: Box) -> list[Point]:
    """Each extreme point widened to a quarter of its side, in order around the box."""
    top, bottom = min(points, key=lambda p: p[1])[0], max(points, key=lambda p: p[1])[0]
    left, right = min(points, key=lambda p: p[0])[1], max(points, key=lambda p: p[0])[1]
    dx, dy = (box.x1 - box.x0) / 8, (box.y1 - box.y0) / 8
    ring = [(top - dx, box.y0), (top + dx, box.y0), (box.x1, right - dy), (box.x1, right + dy)]
    ring += [(bottom + dx, box.y1), (bottom - dx, box.y1), (box.x0, left + dy), (box.x0, left - dy)]
    return [_clamped(point, box) for point in ring]


def _ellipse_polygon(box: Box) -> Polygon:
    angles = np.arange(24) * 2 * np.pi / 24
    xs = (box.x0 + box.x1) / 2 + np.cos(angles) * (box.x1 - box.x0) / 2
    ys = (box.y0 + box.y1) / 2 + np.sin(angles) * (box.y1 - box.y0) / 2
    return Polygon(tuple((float(x), float(y)) for x, y in zip(xs, ys, strict=True)))


def _padded(box: Box) -> Box:
    dx, dy = PAD * (box.x1 - box.x0), PAD * (box.y1 - box.y0)
    return Box(box.x0 - dx, box.y0 - dy, box.x1 + dx, box.y1 + dy)


def _clamped(point: Point, box: Box) -> Point:
    return min(max(float(point[0]), box.x0), box.x1), min(max(float(point[1]), box.y0), box.y1)


def _within(box: Box, outer: Box) -> Box:
    return Box(*_clamped((box.x0, box.y0), outer), *_clamped((box.x1, box.y1), outer))


def _inside(box: Box, rgb: RGB) -> Box:
    return _within(box, Box(0.0, 0.0, float(rgb.shape[1]), float(rgb.shape[0])))
