"""COCO's run-length masks as outlines, plain and packed.

Source: `maskApi.c` of cocodataset/cocoapi describes both forms: runs down the columns, zeros first; packed ones are signed
numbers of six bits a character, each from the third on as the difference to the one two before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

from exporters.importers.entries import fail, list_of, number

MOST_PIXELS = 200_000_000


def outlines(rle: dict[str, Any], where: str) -> Iterator[tuple[float, ...]]:
    """The outer outlines of a mask, x and y by turns in px; holes are filled. Raises BadFile."""
    size = list_of(rle.get("size"), f"{where}.size")
    if len(size) != 2:
        fail(f"{where}.size", "a height and a width are needed")
    height, width = (int(number(one, f"{where}.size")) for one in size)
    if height < 1 or width < 1 or height * width > MOST_PIXELS:
        fail(f"{where}.size", f"{width} by {height} is no size of an image")
    counts = rle.get("counts")
    runs = _unpacked(counts, where) if isinstance(counts, str) else [
        int(number(one, f"{where}.counts[{n}]")) for n, one in enumerate(list_of(counts, f"{where}.counts"))
    ]  # fmt: skip
    if any(run < 0 for run in runs) or sum(runs) != height * width:
        fail(f"{where}.counts", "the runs do not add up to the image")
    bits = np.repeat(np.arange(len(runs)) % 2, runs).astype(np.uint8)
    yield from _traced(bits.reshape((width, height)).T)


def _unpacked(counts: str, where: str) -> list[int]:
    runs: list[int] = []
    value = shift = 0
    for letter in counts:
        code = ord(letter) - 48
        if not 0 <= code < 64 or shift > 40:
            fail(f"{where}.counts", "this is no packed mask")
        value |= (code & 31) << shift
        shift += 5
        if not code & 32:
            value -= (1 << shift) if code & 16 else 0
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value = shift = 0
    return runs


def _traced(mask: np.ndarray[Any, Any]) -> Iterator[tuple[float, ...]]:
    """Outlines along the pixels' far edges, so that a mask of one pixel has an area: traced at twice the size."""
    doubled = np.ascontiguousarray(np.kron(mask, np.ones((2, 2), np.uint8)))
    found, _ = cv2.findContours(doubled, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    for points in found:
        # A doubled pixel n spans n to n + 1 halves: its right or lower edge where it ends a run.
        halves = points[:, 0, :].astype(float)
        edges = np.floor((halves + 1) / 2)
        unique = [tuple(point) for n, point in enumerate(edges) if n == 0 or tuple(point) != tuple(edges[n - 1])]
        if len(set(unique)) >= 3:
            yield tuple(float(v) for point in unique for v in point)
