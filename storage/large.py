"""Pixels too many for memory: they lie in a file without a name, which ends with them, and come and go strip by strip."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from tempfile import TemporaryFile

import numpy as np
from numpy.typing import NDArray
from PIL import Image

RGB = NDArray[np.uint8]

IN_MEMORY_PX = 32_000_000
STRIP_ROWS = 512


def is_large(size_wh: tuple[int, int]) -> bool:
    """True for images that are kept in a file."""
    return size_wh[0] * size_wh[1] > IN_MEMORY_PX


def pixels_of(image: Image.Image) -> RGB:
    """uint8 (H, W, 3) of an image of any mode; of a large one, no second copy is ever whole in memory."""
    if not is_large(image.size):
        return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    there = _in_file((image.height, image.width, 3))
    for top, end in _strips(image.height):
        there[top:end] = np.asarray(image.crop((0, top, image.width, end)).convert("RGB"))
        _let_go(there)
    return there


def kept(pixels: RGB) -> RGB:
    """Pixels as they are kept: the same where they are few or in a file already."""
    if not is_large((pixels.shape[1], pixels.shape[0])) or _pages(pixels) is not None:
        return pixels
    there = _in_file(pixels.shape)
    there[:] = pixels
    return there


def halved(pixels: RGB) -> RGB:
    """Half as wide and high, each pixel the mean of four."""
    high, wide = -(-pixels.shape[0] // 2), -(-pixels.shape[1] // 2)
    half = np.empty((high, wide, 3), np.uint8)
    for top, end in _strips(pixels.shape[0]):
        half[top // 2 : -(-end // 2)] = np.asarray(Image.fromarray(pixels[top:end]).reduce(2))
        _let_go(pixels)
    return half


def _strips(rows: int) -> Iterator[tuple[int, int]]:
    """All rows, an even number at a time."""
    for top in range(0, rows, STRIP_ROWS):
        yield top, min(rows, top + STRIP_ROWS)


def _in_file(shape: tuple[int, ...]) -> RGB:
    size = int(np.prod(shape))
    with TemporaryFile(prefix="tagline-image-") as file:
        file.truncate(size)
        return np.frombuffer(mmap.mmap(file.fileno(), size), np.uint8).reshape(shape)


def _pages(pixels: RGB) -> mmap.mmap | None:
    """The file's pages, if that is where the pixels lie."""
    base: object = pixels
    while isinstance(base, np.ndarray | memoryview):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    return base if isinstance(base, mmap.mmap) else None


def _let_go(pixels: RGB) -> None:
    """What lies in a file need not stay in memory; it comes back when it is looked at."""
    if (pages := _pages(pixels)) is not None:
        pages.madvise(mmap.MADV_DONTNEED)
