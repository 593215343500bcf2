"""A sixel decoder that shares nothing with the encoder under test. Source: DEC STD 070, section on sixel."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

INTRODUCER = re.compile(rb"\x1bP([\d;]*)q")
_TOKEN = re.compile(
    rb'"(?P<raster>[\d;]*)|#(?P<define>\d+);2;(?P<rgb>\d+;\d+;\d+)|#(?P<choose>\d+)'
    rb"|!(?P<count>\d+)(?P<repeated>[?-~])|(?P<return>\$)|(?P<newline>-)|(?P<sixel>[?-~])"
)


def decode(dcs: bytes) -> NDArray[np.uint8]:
    """The picture of one DCS as uint8 (H, W, 4); alpha 0 where nothing was painted.

    Raises:
        ValueError: the sequence holds something that a strict reader does not know, or paints outside its raster.
    """
    body = _body(dcs)
    raster = re.match(rb'"1;1;(\d+);(\d+)', body)
    if raster is None:
        raise ValueError("no raster attributes with square pixels")
    width, height = int(raster[1]), int(raster[2])
    canvas = np.zeros((height, width, 4), np.uint8)
    colors: dict[int, tuple[int, int, int]] = {}
    x, top, color, position = 0, 0, 0, 0
    while position < len(body):
        match = _TOKEN.match(body, position)
        if match is None:
            raise ValueError(f"not sixel: {body[position : position + 20]!r}")
        position = match.end()
        if match["define"]:
            red, green, blue = (round(int(part) * 255 / 100) for part in match["rgb"].split(b";"))
            color = int(match["define"])  # defining a colour chooses it, too
            colors[color] = (red, green, blue)
        elif match["choose"]:
            color = int(match["choose"])
        elif match["return"]:
            x = 0
        elif match["newline"]:
            x, top = 0, top + 6
        elif match["raster"] is None:
            count = int(match["count"] or 1)
            _paint(canvas, x, top, count, (match["repeated"] or match["sixel"])[0] - 63, colors[color])
            x += count
    return canvas


def _body(dcs: bytes) -> bytes:
    introducer = INTRODUCER.match(dcs)
    if introducer is None or not dcs.endswith(b"\x1b\\"):
        raise ValueError("not a sixel DCS")
    return dcs[introducer.end() : -2]


def _paint(canvas: NDArray[np.uint8], x: int, top: int, count: int, bits: int, color: tuple[int, int, int]) -> None:
    if x + count > canvas.shape[1]:
        raise ValueError("paints right of its raster")
    for bit in range(6):
        if bits >> bit & 1:
            if top + bit >= canvas.shape[0]:
                raise ValueError("paints below its raster")
            canvas[top + bit, x : x + count] = (*color, 255)
