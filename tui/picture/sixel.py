"""Sixel: an indexed picture as the bytes of one DCS. The compiled encoder is used where it was built, numpy otherwise.

Source: DEC STD 070, section on sixel; xterm's ctlseqs for the raster attributes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Indexes = NDArray[np.uint8]
Palette = NDArray[np.uint8]

BAND = 6

try:
    from tui.picture._sixel import count_colors, encode_body

    ENCODER = "compiled"
except ImportError:
    from tui.picture.sixel_numpy import count_colors, encode_body

    ENCODER = "numpy"


def encode(indexes: Indexes, palette: Palette, definitions: Sequence[bytes] | None = None) -> bytes:
    """One opaque sixel picture.

    Args:
        indexes: uint8 (H, W), rows of the palette.
        palette: uint8 (N, 3), RGB, N at most 256.
        definitions: what `color_values` makes of the palette, where many tiles have the same one.

    Returns:
        The DCS with exact raster attributes and the colours that are used, ended by ST.
    """
    height, width = indexes.shape
    indexes = np.ascontiguousarray(indexes)
    counts = np.frombuffer(count_colors(indexes), dtype=np.uint32)
    order = np.argsort(counts)[: -np.count_nonzero(counts) - 1 : -1]  # the commonest get the shortest numbers
    numbers = np.zeros(len(counts), dtype=np.uint8)
    numbers[order] = np.arange(len(order))
    colors = color_values(palette[order]) if definitions is None else [definitions[row] for row in order.tolist()]
    return b'\x1bP0;1;0q"1;1;%d;%d%b%b\x1b\\' % (
        width,
        height,
        b"".join([b"#%d;2;%b" % color for color in enumerate(colors)]),
        encode_body(indexes, numbers),
    )


def color_values(palette: Palette) -> list[bytes]:
    """Each row of a palette as sixel defines colours, in percent."""
    percent = (palette.astype(np.int32) * 100 + 127) // 255
    return [b"%d;%d;%d" % (red, green, blue) for red, green, blue in percent.tolist()]
