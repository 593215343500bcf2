"""Images of any size letterboxed to a detector's one input size, and the way back. Pure; loads no PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

RGB = NDArray[np.uint8]

LONG_SIDE_PX = 512
MULTIPLE = 32
PADDING = 127


@dataclass(frozen=True)
class Letterbox:
    """Where an image lies in the input: `scale` px of the input are one of the image, whose size is `size_wh`."""

    scale: float
    size_wh: tuple[int, int]


def input_hw(sizes_wh: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """An input size that holds images of all these sizes, each with its long side at `LONG_SIDE_PX`."""
    scaled = [(w * LONG_SIDE_PX / max(w, h), h * LONG_SIDE_PX / max(w, h)) for w, h in sizes_wh]
    wide, high = (max(sides, default=LONG_SIDE_PX) for sides in zip(*scaled, strict=True))
    return _rounded(high), _rounded(wide)


def _rounded(side: float) -> int:
    return min(LONG_SIDE_PX, -(-round(side) // MULTIPLE) * MULTIPLE)


def input_scale(size_wh: tuple[int, int], hw: tuple[int, int]) -> float:
    """By how much an image is scaled to fill the input."""
    return min(hw[1] / size_wh[0], hw[0] / size_wh[1])


def letterboxed(image: RGB, size_wh: tuple[int, int], hw: tuple[int, int]) -> RGB:
    """An image, decoded at whatever size, at the top left of an input uint8 (*hw, 3); the rest is grey."""
    scale = input_scale(size_wh, hw)
    wide, high = max(1, round(size_wh[0] * scale)), max(1, round(size_wh[1] * scale))
    how = cv2.INTER_AREA if image.shape[1] > wide else cv2.INTER_LINEAR
    padded = np.full((*hw, 3), PADDING, dtype=np.uint8)
    padded[:high, :wide] = cv2.resize(image, (wide, high), interpolation=how)[: hw[0], : hw[1]]
    return padded
