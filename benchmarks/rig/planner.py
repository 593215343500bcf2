"""A labeler who knows the true region: the fewest keys that draw it well enough. Never mistypes, so people will be slower.

It sees what a person would see before choosing: where the corners are, and the proposals on the screen. What a snap makes of a
box it foresees, which a person learns to; so aided figures are those of somebody practised.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from benchmarks.rig.truth import Truth
from core.curves import rounded
from core.geometry import Box, Point, Polygon, box_between, box_iou, invalid_reason
from core.pixels.proposals import propose
from core.pixels.snap import box_to_polygon, extremes_to_polygon, snap_box
from tui.canvas import pointing
from tui.canvas.grid import LETTERS as ALPHABET
from tui.canvas.hints import hint_texts
from tui.canvas.viewport import Viewport
from tui.screens.canvas.aids import PROPOSED

Shape = Box | Polygon
GOOD_BOX, GOOD_POLYGON = 0.9, 0.85
LETTERS, MOST_POINTS = (2, 3, 4), 12
ESCAPE = "\x1b"


@dataclass(frozen=True)
class Plan:
    """Keys for one region with the tool that they begin with; `tool` is empty where none is needed."""

    tool: str
    keys: str
    shape: Shape
    iou: float

    def typed(self, in_hand: str) -> str:
        """All keys, with those that put one tool away and take another."""
        if self.tool in ("", in_hand):
            return self.keys
        return (ESCAPE if in_hand else "") + self.tool + self.keys


Way = Callable[[Truth, Viewport, NDArray[np.uint8]], Iterator[Plan]]


def cheapest(plans: Iterator[Plan], good: float, in_hand: str) -> Plan:
    """The good one with fewest keys, the best one where none is good."""
    return min(plans, key=lambda plan: (plan.iou < good, len(plan.typed(in_hand)) if plan.iou >= good else -plan.iou))


def mask_iou(shape: Shape, mask: NDArray[np.bool_] | None) -> float:
    """IoU of a polygon with a mask, filled as COCO fills it."""
    assert mask is not None
    assert isinstance(shape, Polygon)
    rings = [[coordinate for point in shape.points for coordinate in point]]
    filled = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(rings, *mask.shape))).astype(bool)
    return float((filled & mask).sum() / max(1, (filled | mask).sum()))


# Letters that reach a place.


def steps(area: Box, at: Point) -> Iterator[tuple[str, Point]]:
    """Ever longer letters that come ever nearer to a place, with where each leaves the crosshair."""
    pointer, letters = pointing.begin(area), ""
    while (grid := pointer.grid) is not None and len(letters) < 6:
        box = grid.box_px
        column = min(grid.columns - 1, max(0, int((at[0] - box.x0) / (box.x1 - box.x0) * grid.columns)))
        row = min(grid.rows - 1, max(0, int((at[1] - box.y0) / (box.y1 - box.y0) * grid.rows)))
        for number in [row * grid.columns + column] if grid.is_fine else [column, row]:
            letter = ALPHABET[number]
            letters, pointer = letters + letter, pointing.typed(pointer, letter)
        yield letters, pointer.at


def _reached(view: Viewport, xy: Point, letters: int) -> tuple[str, Point]:
    """At most so many letters for a place of the image, and the image point that they name."""
    found = list(itertools.takewhile(lambda step: len(step[0]) <= letters, steps(view.image_in_view, view.to_view(xy))))
    return found[-1][0], _placed(view, found[-1][1])


def _placed(view: Viewport, at: Point) -> Point:
    x, y = view.clamped(view.to_image(at))
    return round(x, 2), round(y, 2)


# Ways to a box.


def _corners(truth: Truth, view: Viewport) -> Iterator[tuple[str, Box]]:
    whole = view.image_in_view
    for first, a in steps(whole, view.to_view((truth.box.x0, truth.box.y0))):
        rest = Box(max(whole.x0, a[0]), max(whole.y0, a[1]), whole.x1, whole.y1)
        for second, b in steps(rest, view.to_view((truth.box.x1, truth.box.y1))):
            yield f"{first} {second} ", box_between(_placed(view, a), _placed(view, b))


def by_corners(truth: Truth, view: Viewport, _rgb: NDArray[np.uint8]) -> Iterator[Plan]:
    """Two corners."""
    for keys, box in _corners(truth, view):
        yield Plan("r", keys, box, box_iou(box, truth.box))


def by_corners_and_snap(truth: Truth, view: Viewport, rgb: NDArray[np.uint8]) -> Iterator[Plan]:
    """Two corners, a snap where that helps."""
    yield from by_corners(truth, view, rgb)
    for keys, box in _corners(truth, view):
        if (found := snap_box(rgb, box)) is not None:
            yield Plan("r", keys + "E", found, box_iou(found, truth.box))


# Ways to a polygon.


def by_points(truth: Truth, view: Viewport, _rgb: NDArray[np.uint8]) -> Iterator[Plan]:
    """The corners of the mask's outline, simplified more or less; straight lines."""
    ring = _outline(truth.mask)
    for tolerance, letters in itertools.product((0.04, 0.03, 0.02, 0.012, 0.006), LETTERS):
        points = cv2.approxPolyDP(ring, tolerance * cv2.arcLength(ring, True), True)[:, 0, :]
        if len(points) >= 3:
            yield from _polygon("p", [(x + 0.5, y + 0.5) for x, y in points.tolist()], letters, truth, view)


def by_round_points(truth: Truth, view: Viewport, _rgb: NDArray[np.uint8]) -> Iterator[Plan]:
    """A few points evenly along the outline; a round line through them."""
    ring = _outline(truth.mask)[:, 0, :] + 0.5
    closed = np.concatenate([ring, ring[:1]])
    at = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    for count, start, letters in itertools.product(range(3, MOST_POINTS), (0.0, 0.25, 0.5, 0.75), LETTERS):
        places = (np.arange(count) + start) / count * at[-1]
        points = [(float(np.interp(n, at, closed[:, 0])), float(np.interp(n, at, closed[:, 1]))) for n in places]
        yield from _polygon("P", points, letters, truth, view)


def _polygon(tool: str, points: Sequence[Point], letters: int, truth: Truth, view: Viewport) -> Iterator[Plan]:
    corners = [_reached(view, point, letters) for point in points]
    placed = tuple(xy for _, xy in corners)
    shape = rounded(placed, view.image_wh) if tool == "P" else Polygon(placed)
    if invalid_reason(shape, view.image_wh) is None:
        yield Plan(tool, "".join(f"{typed} " for typed, _ in corners) + "\r", shape, mask_iou(shape, truth.mask))


def by_box_and_pixels(truth: Truth, view: Viewport, rgb: NDArray[np.uint8]) -> Iterator[Plan]:
    """A box by two corners, and a snap: the outline of what is in it."""
    for keys, box in _corners(truth, view):
        if 6 <= len(keys) <= 8 and box.area > 0:
            shape = box_to_polygon(rgb, box)
            yield Plan("r", keys + "E", shape, mask_iou(shape, truth.mask))


def by_extremes(truth: Truth, view: Viewport, rgb: NDArray[np.uint8]) -> Iterator[Plan]:
    """The left, top, right and bottom points; the pixels say the rest."""
    ring = _outline(truth.mask)[:, 0, :] + 0.5
    ends = [
        ring[ring[:, axis].argmin() if least else ring[:, axis].argmax()] for least in (True, False) for axis in (0, 1)
    ]
    for letters in LETTERS:
        corners = [_reached(view, (float(x), float(y)), letters) for x, y in ends]
        box = Polygon(tuple(xy for _, xy in corners)).bounds
        if box.area > 0:
            shape = extremes_to_polygon(rgb, [xy for _, xy in corners])
            yield Plan("k", "".join(f"{typed} " for typed, _ in corners), shape, mask_iou(shape, truth.mask))


def unaided_polygon(truth: Truth, view: Viewport, rgb: NDArray[np.uint8]) -> Iterator[Plan]:
    """Points alone, lines straight or round."""
    yield from by_points(truth, view, rgb)
    yield from by_round_points(truth, view, rgb)


def aided_polygon(truth: Truth, view: Viewport, rgb: NDArray[np.uint8]) -> Iterator[Plan]:
    """Whatever is quickest."""
    for way in (by_box_and_pixels, by_extremes, unaided_polygon):
        yield from way(truth, view, rgb)


def _outline(mask: NDArray[np.bool_] | None) -> NDArray[np.int32]:
    assert mask is not None
    rings, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(max(rings, key=len), dtype=np.int32)


# Proposals.


def proposed(
    rgb: NDArray[np.uint8], truths: Sequence[Truth], drawn: Sequence[Box], *, polygons: bool
) -> dict[int, Plan]:
    """Which regions of an image a first look at the proposals gives, each by its letter; good ones only.

    Args:
        drawn: boxes of the regions on the image before, which the screen goes by.
    """
    found = propose(rgb, PROPOSED, drawn)
    plans: dict[int, Plan] = {}
    for letter, one in zip(hint_texts(len(found)), found, strict=True):
        shape: Shape = box_to_polygon(rgb, one.box) if polygons else one.box
        for n, truth in enumerate(truths):
            iou = mask_iou(shape, truth.mask) if polygons else box_iou(one.box, truth.box)
            if iou >= (GOOD_POLYGON if polygons else GOOD_BOX) and n not in plans:
                plans[n] = Plan("", letter, shape, iou)
                break
    return plans
