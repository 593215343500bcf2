"""A box's surroundings, cut out and brought to a small working size, so that every look at them takes bounded time."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.geometry import Box, Point

RGB = NDArray[np.uint8]
Mask = NDArray[np.bool_]

MARGIN = 0.3
SIDE_PX = 64
MAX_ENLARGED = 3.0


@dataclass(frozen=True)
class Closeup:
    """A box with the strip around it.

    Attributes:
        lab: CIE L*a*b*, float32 (h, w, 3) scaled to 0..255; the box's longer side is about 64 px.
        box: the box in px of the closeup.
        origin_xy: where the closeup's corner lies in the image, image px.
        scale_xy: closeup px an image px.
    """

    lab: NDArray[np.float32]
    box: Box
    origin_xy: Point
    scale_xy: Point

    @property
    def shape_hw(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.lab.shape[0], self.lab.shape[1]

    def to_image(self, x: float, y: float) -> Point:
        """A point of the closeup in image px."""
        return x / self.scale_xy[0] + self.origin_xy[0], y / self.scale_xy[1] + self.origin_xy[1]

    def box_to_image(self, box: Box) -> Box:
        """A box of the closeup in image px."""
        return Box(*self.to_image(box.x0, box.y0), *self.to_image(box.x1, box.y1))

    def from_image(self, x: float, y: float) -> Point:
        """An image point in px of the closeup."""
        return (x - self.origin_xy[0]) * self.scale_xy[0], (y - self.origin_xy[1]) * self.scale_xy[1]


def closeup(rgb: RGB, box: Box) -> Closeup:
    """The surroundings of a box that lies inside the image, uint8 (H, W, 3)."""
    wide, high = box.x1 - box.x0, box.y1 - box.y0
    x_room, y_room = max(4.0, MARGIN * wide), max(4.0, MARGIN * high)
    left, top = max(0, int(box.x0 - x_room)), max(0, int(box.y0 - y_room))
    right, bottom = min(rgb.shape[1], int(box.x1 + x_room) + 1), min(rgb.shape[0], int(box.y1 + y_room) + 1)
    scale = min(MAX_ENLARGED, SIDE_PX / max(wide, high))
    size_wh = max(8, round((right - left) * scale)), max(8, round((bottom - top) * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(np.ascontiguousarray(rgb[top:bottom, left:right]), size_wh, interpolation=way)
    lab = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2LAB), dtype=np.float32)
    scale_xy = size_wh[0] / (right - left), size_wh[1] / (bottom - top)
    found = Closeup(lab, box, (float(left), float(top)), scale_xy)
    corners = (*found.from_image(box.x0, box.y0), *found.from_image(box.x1, box.y1))
    return Closeup(lab, Box(*corners), found.origin_xy, scale_xy)


def ellipse(shape_hw: tuple[int, int], box: Box, share: float = 1.0) -> Mask:
    """The ellipse inside a box, `share` of its size."""
    ys, xs = np.mgrid[0 : shape_hw[0], 0 : shape_hw[1]] + 0.5
    dx = (xs - (box.x0 + box.x1) / 2) / max(1.0, (box.x1 - box.x0) / 2 * share)
    dy = (ys - (box.y0 + box.y1) / 2) / max(1.0, (box.y1 - box.y0) / 2 * share)
    return np.asarray(dx * dx + dy * dy <= 1)


def rectangle(shape_hw: tuple[int, int], box: Box) -> Mask:
    """The pixels whose middles lie in a box."""
    ys, xs = np.mgrid[0 : shape_hw[0], 0 : shape_hw[1]] + 0.5
    return np.asarray((xs >= box.x0) & (xs <= box.x1) & (ys >= box.y0) & (ys <= box.y1))


def bounds(mask: Mask) -> Box:
    """The box around a mask that is not empty, px."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return Box(float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
