"""Charts as pictures: rings of shares and columns of counts, drawn in pixels. Pure; for worker threads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tui.colors import Color

RGB = NDArray[np.uint8]
FINE = 3
"""Drawn so many times larger each way, so that edges are smooth."""


def ring(parts: Sequence[tuple[float, Color]], side_px: int, rest: Color, background: Color) -> RGB:
    """uint8 (side, side, 3): shares of a whole clockwise from the top, in their order; `rest` where there is nothing."""
    side = max(8, side_px) * FINE
    y, x = np.mgrid[0:side, 0:side] - (side - 1) / 2
    turn = np.mod(np.arctan2(x, -y) / (2 * np.pi), 1)
    colors = np.array([rest, *(color for _, color in parts)], dtype=np.float32)
    whole = sum(share for share, _ in parts)
    ends = np.cumsum([share for share, _ in parts]) / whole if whole else np.empty(0)
    which = np.minimum(np.searchsorted(ends, turn, side="right") + 1, len(parts)) if whole else np.zeros_like(turn, int)
    drawn, far = colors[which], np.hypot(x, y) / (side / 2)
    drawn[(far > 1) | (far < 0.58)] = background
    return _smooth(drawn)


def columns(counts: Sequence[int], size_px: tuple[int, int], color: Color, newest: Color, background: Color) -> RGB:
    """uint8 (H, W, 3): a column a count, the highest as high as the picture; the last one in a colour of its own."""
    wide, high = size_px
    drawn = np.empty((high, wide, 3), np.uint8)
    drawn[:] = background
    most, step = max([*counts, 1]), wide / max(1, len(counts))
    for n, count in enumerate(counts):
        left, right = round(n * step), max(round(n * step) + 1, round((n + 1) * step) - max(1, round(step / 5)))
        tall = max(2, round(high * count / most)) if count else 1
        drawn[high - tall :, left:right] = newest if n == len(counts) - 1 else color
    return drawn


def beside(pictures: Sequence[tuple[int, RGB]], size_px: tuple[int, int], background: Color) -> RGB:
    """uint8 (H, W, 3): pictures in one, each from its x on, at the top."""
    whole = np.empty((size_px[1], size_px[0], 3), np.uint8)
    whole[:] = background
    for x, picture in pictures:
        part = picture[: size_px[1], : max(0, size_px[0] - x)]
        whole[: part.shape[0], x : x + part.shape[1]] = part
    return whole


def _smooth(drawn: NDArray[np.float32]) -> RGB:
    side = drawn.shape[0] // FINE
    smooth: RGB = drawn.reshape(side, FINE, side, FINE, 3).mean(axis=(1, 3)).round().astype(np.uint8)
    return smooth
