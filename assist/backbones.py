"""What turns a picture into numbers. A backbone's `id` names its weights too: embeddings of two never meet.

`plain` needs no weights and no PyTorch: gradients and colours. `lite0` is the bundled EfficientNet-Lite0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from assist.device import Device
from core.errors import BadInput

Images = Sequence[NDArray[np.uint8]]
Floats = NDArray[np.float32]

AUTO, PLAIN = "auto", "plain"


class Backbone(Protocol):
    """A frozen feature extractor."""

    @property
    def id(self) -> str:
        """Name and hash of the weights and of the preprocessing; letters, digits and dashes."""
        ...

    @property
    def size_px(self) -> int:
        """Side of the square that pictures are brought to."""
        ...

    @property
    def groups(self) -> tuple[int, ...]:
        """How many numbers of an embedding belong together, the first group being the one that likeness is told by."""
        ...

    def embed(self, images: Images) -> Floats:
        """Embeddings of pictures: uint8 (S, S, 3) RGB each, S = `size_px`; returns float32 (N, sum of `groups`)."""
        ...


def open_backbone(name: str, device: Device) -> Backbone:
    """The backbone of that name: `plain`, or `auto` for the best one here.

    Raises:
        BadInput: no such backbone, or its weights cannot be used; the text says why.
    """
    if name == PLAIN:
        return PlainBackbone()
    if name == AUTO:
        from assist.lite import LiteBackbone

        return LiteBackbone(device)
    raise BadInput(f"There is no backbone {name!r}; a project may set `auto` or `plain`.")


class PlainBackbone:
    """Histograms of oriented gradients (Dalal and Triggs, 2005) and of colours: no weights, any machine."""

    id = "plain-1"
    size_px = 64
    groups = (576, 96)

    def embed(self, images: Images) -> Floats:
        """See `Backbone`; each half has the norm 1."""
        rows = [np.concatenate([gradients(image), colors(image)]) for image in images]
        return np.asarray(rows, dtype=np.float32).reshape(len(images), sum(self.groups))


def gradients(image: NDArray[np.uint8]) -> Floats:
    """Nine directions weighted by strength in each of 8 x 8 cells; each cell has the norm 1 or 0, all together 1."""
    grey = image.astype(np.float32).mean(2)
    dy, dx = np.gradient(grey)
    strength, angle = np.hypot(dx, dy), np.mod(np.arctan2(dy, dx), np.pi)
    side = image.shape[0] // 8
    cell = (np.arange(image.shape[0]) // side).clip(max=7)
    place = (cell[:, None] * 8 + cell[None, :]) * 9 + np.minimum((angle / np.pi * 9).astype(int), 8)
    cells = np.bincount(place.ravel(), weights=strength.ravel(), minlength=576).reshape(64, 9)
    return _unit((cells / (np.linalg.norm(cells, axis=1, keepdims=True) + 20)).ravel().astype(np.float32))


def colors(image: NDArray[np.uint8]) -> Floats:
    """Roots of 32-bin histograms of the three channels, of the norm 1 together."""
    counts = [np.histogram(image[..., channel], bins=32, range=(0, 256))[0] for channel in range(3)]
    return _unit(np.sqrt(np.concatenate(counts).astype(np.float32)))


def _unit(vector: Floats) -> Floats:
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector


def squared(image: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
    """The whole picture brought to a square: uint8 (S, S, 3). What is labeled may lie at the edge, so nothing is cropped."""
    shrinks = max(image.shape[:2]) > size_px
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (size_px, size_px), interpolation=how), dtype=np.uint8)
