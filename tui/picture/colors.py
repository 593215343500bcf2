"""A picture in few colours of its own, as sixel and PNG8 need it. The compiled quantizer where it was built, Pillow's otherwise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Indexes = NDArray[np.uint8]
Palette = NDArray[np.uint8]


def pillow_quantize(pixels: NDArray[np.uint8], colors: int) -> tuple[Indexes, Palette]:
    """The same by Pillow's octree, for machines without a compiler; no dither, which doubles the bytes."""
    image = Image.fromarray(pixels).quantize(colors, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    palette = np.array(image.getpalette() or [0, 0, 0], dtype=np.uint8).reshape(-1, 3)
    return np.asarray(image), palette


try:
    from tui.picture._wu import quantize as compiled_quantize
except ImportError:
    compiled_quantize = None


def quantize(pixels: NDArray[np.uint8], colors: int) -> tuple[Indexes, Palette]:
    """uint8 (H, W, 3) in at most `colors` colours: uint8 (H, W) rows of the palette, and the palette, uint8 (N, 3)."""
    if compiled_quantize is None:
        return pillow_quantize(pixels, colors)
    indexes, palette = compiled_quantize(np.ascontiguousarray(pixels), colors)
    return indexes, palette
