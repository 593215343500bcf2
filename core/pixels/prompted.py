"""What a promptable segmenter is given and what its mask says: a box or a point of an image in, an outline in image px out.

The frame between them is the image brought to 1024 px on its longer side, padded to a square at the right and below.
Source: Kirillov et al., "Segment Anything", 2023.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.geometry import Box, Point, Polygon, is_inside
from core.pixels.closeup import RGB
from core.pixels.snap import simplified

SIDE_PX = 1024
MEAN_RGB = np.array((123.675, 116.28, 103.53), np.float32)
SPREAD_RGB = np.array((58.395, 57.12, 57.375), np.float32)
MIN_SHARE = 0.00002  # of the square: below it a mask is a speck
_FINER = 2
_POINT, _NO_POINT, _TOP_LEFT, _BOTTOM_RIGHT = 1, -1, 2, 3

Prompt = Box | Point
Floats = NDArray[np.float32]


def fitted_wh(image_wh: tuple[int, int]) -> tuple[int, int]:
    """The image's size in the square, its longer side 1024 px."""
    scale = SIDE_PX / max(image_wh)
    return max(1, round(image_wh[0] * scale)), max(1, round(image_wh[1] * scale))


def normalized(fitted: RGB) -> Floats:
    """A fitted image as most encoders take it: float32 (1, 3, 1024, 1024), zero where it is padded."""
    square = np.zeros((1, 3, SIDE_PX, SIDE_PX), np.float32)
    values = (fitted.astype(np.float32) - MEAN_RGB) / SPREAD_RGB
    square[0, :, : fitted.shape[0], : fitted.shape[1]] = values.transpose(2, 0, 1)
    return square


def prompt_points(prompt: Prompt, image_wh: tuple[int, int]) -> tuple[Floats, Floats]:
    """Coordinates, float32 (1, 2, 2) in px of the square, and their kinds (1, 2): a box by two corners, a point and none."""
    fitted = fitted_wh(image_wh)
    scale = np.array((fitted[0] / image_wh[0], fitted[1] / image_wh[1]), np.float32)
    if isinstance(prompt, Box):
        places, kinds = [(prompt.x0, prompt.y0), (prompt.x1, prompt.y1)], (_TOP_LEFT, _BOTTOM_RIGHT)
    else:
        places, kinds = [prompt, (0.0, 0.0)], (_POINT, _NO_POINT)
    return (np.array(places, np.float32) * scale)[None], np.array(kinds, np.float32)[None]


def outline_of(logits: Floats, prompt: Prompt, image_wh: tuple[int, int]) -> Polygon | None:
    """The outline of a mask, (h, w) over the fitted image and inside where positive, image px; None where it shows nothing.

    Of several parts it is the one under the point, else the largest.
    """
    height, width = logits.shape
    mask = cv2.resize((logits > 0).astype(np.uint8), None, fx=_FINER, fy=_FINER, interpolation=cv2.INTER_NEAREST)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))  # a pinch of one pixel would cross itself
    lines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    rate_x, rate_y = image_wh[0] / width / _FINER, image_wh[1] / height / _FINER

    def to_image(x: float, y: float) -> Point:
        return (x + 0.5) * rate_x, (y + 0.5) * rate_y

    def rank(line: NDArray[Any]) -> tuple[bool, float]:
        is_meant = not isinstance(prompt, Box) and is_inside(
            Polygon(tuple(to_image(x, y) for x, y in line[:, 0])), prompt
        )
        return is_meant, cv2.contourArea(line)

    worthy = [line for line in lines if cv2.contourArea(line) >= MIN_SHARE * (SIDE_PX * _FINER) ** 2]
    if not worthy:
        return None
    return simplified(max(worthy, key=rank), to_image, Box(0.0, 0.0, float(image_wh[0]), float(image_wh[1])), image_wh)
