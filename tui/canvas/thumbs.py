"""Thumbnails with regions drawn on them, and rows of thumbnails as one picture. Pure; for worker threads.

A row is one picture because xterm keeps no more than sixteen, and because one of a thousand px costs less than ten of a hundred.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tui.canvas.layer import Layer, Slots
from tui.canvas.overlay import Outline, Overlay
from tui.canvas.strokes import still_marks
from tui.canvas.viewport import Viewport
from tui.colors import Color
from tui.picture.prepare import MAX_ENLARGE, letterbox

RGB = NDArray[np.uint8]


def thumbnail(
    rgb: RGB, image_wh: tuple[int, int], size_px: tuple[int, int], outlines: Sequence[Outline], background: Color
) -> RGB:
    """uint8 (H, W, 3) of `size_px`: the picture in its middle, its regions drawn over it.

    Args:
        rgb: the picture, upright, at any size.
        image_wh: the size of the original, in whose px the outlines are.
    """
    boxed = letterbox(rgb, size_px, background)
    if not outlines:
        return boxed
    fit = min(size_px[0] / rgb.shape[1], size_px[1] / rgb.shape[0], MAX_ENLARGE) * rgb.shape[1] / image_wh[0]
    viewport = Viewport(image_wh, size_px, fit, (image_wh[0] / 2, image_wh[1] / 2))
    slots = Slots()
    layer = Layer(size_px, slots)
    layer.update(still_marks(Overlay(tuple(outlines)), viewport))
    drawn = boxed.copy()
    inked = layer.ink > 0
    drawn[inked] = slots.table[layer.ink[inked]]
    return drawn


def in_a_row(
    pictures: Sequence[RGB | None], slot_wh_px: tuple[int, int], row_wh_px: tuple[int, int], background: Color
) -> RGB:
    """uint8 (H, W, 3) of `row_wh_px`: pictures side by side, each in the middle of its slot; None leaves it free."""
    row = np.empty((row_wh_px[1], row_wh_px[0], 3), np.uint8)
    row[:] = background
    for n, picture in enumerate(pictures):
        if picture is None:
            continue
        high, wide = picture.shape[:2]
        x, y = n * slot_wh_px[0] + (slot_wh_px[0] - wide) // 2, (row_wh_px[1] - high) // 2
        row[y : y + high, x : x + wide] = picture
    return row
