"""An image at its full size and halved again and again, so that any part at any zoom is made from few px."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from storage.large import halved, is_large, kept

RGB = NDArray[np.uint8]
SMALLEST_PX = 512


@dataclass(frozen=True, eq=False)
class Pyramid:
    """`levels[n]` is uint8 (H / 2**n, W / 2**n, 3), upright RGB, level 0 the image itself."""

    levels: tuple[RGB, ...]

    @property
    def image_wh(self) -> tuple[int, int]:
        """Width and height of the image in px."""
        return self.levels[0].shape[1], self.levels[0].shape[0]

    @cached_property
    def nbytes(self) -> int:
        """Memory that it takes; a full size that lies in a file counts for nothing."""
        return sum(level.nbytes for level in self.levels[self._in_file :])

    @property
    def _in_file(self) -> int:
        return int(is_large(self.image_wh))

    def part(self, box: tuple[float, float, float, float], size_wh: tuple[int, int]) -> RGB:
        """A part (x0, y0, x1, y1; px of the image) at a size, uint8 (H, W, 3); enlarged three times or more, px stay square."""
        x0, y0, x1, y1 = box
        scale = size_wh[0] / max(x1 - x0, 1e-9)
        level = self._level_for(scale)
        pixels = self.levels[level]
        ratio_x, ratio_y = pixels.shape[1] / self.image_wh[0], pixels.shape[0] / self.image_wh[1]
        left, top = max(0, int(x0 * ratio_x) - 1), max(0, int(y0 * ratio_y) - 1)
        right, bottom = min(pixels.shape[1], int(x1 * ratio_x) + 2), min(pixels.shape[0], int(y1 * ratio_y) + 2)
        crop = Image.fromarray(np.ascontiguousarray(pixels[top:bottom, left:right]))
        inner = (x0 * ratio_x - left, y0 * ratio_y - top, x1 * ratio_x - left, y1 * ratio_y - top)
        inner = (max(0.0, inner[0]), max(0.0, inner[1]), min(crop.width, inner[2]), min(crop.height, inner[3]))
        way = Image.Resampling.NEAREST if scale >= 3 else Image.Resampling.BILINEAR
        return np.asarray(crop.resize(size_wh, way, box=inner))

    def _level_for(self, scale: float) -> int:
        level = 0
        while level + 1 < len(self.levels) and scale * 2 ** (level + 1) <= 1:
            level += 1
        return level


def build(pixels: RGB) -> Pyramid:
    """Halve an image until it is small; one of over 32 megapixels is kept in a file without a name, which ends with it."""
    levels = [kept(pixels)]
    while max(levels[-1].shape[:2]) > SMALLEST_PX and min(levels[-1].shape[:2]) > 1:
        levels.append(halved(levels[-1]))
    return Pyramid(tuple(levels))
