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
    from tui.picture._sixel import encode_body, used_colors

    ENCODER = "compiled"
except ImportError:
    from tui.picture.sixel_numpy import encode_body, used_colors

    ENCODER = "numpy"


def encode(indexes: Indexes, palette: Palette, definitions: Sequence[bytes] | None = None) -> bytes:
    """One opaque sixel picture.

    Args:
        indexes: uint8 (H, W), rows of the palette.
        palette: uint8 (N, 3), RGB, N at most 256.
        definitions: what `define_colors` makes of each row of the palette, where many tiles have the same one.

    Returns:
        The DCS with exact raster attributes and the colours that are used, ended by ST.
    """
    height, width = indexes.shape
    indexes = np.ascontiguousarray(indexes)
    used = np.flatnonzero(np.frombuffer(used_colors(indexes), dtype=np.uint8))
    return b'\x1bP0;1;0q"1;1;%d;%d%b%b\x1b\\' % (
        width,
        height,
        b"".join(define_colors(palette, used) if definitions is None else [definitions[n] for n in used.tolist()]),
        encode_body(indexes),
    )


def define_colors(palette: Palette, used: NDArray[np.intp]) -> list[bytes]:
    """Colour definitions, in percent as sixel has them, of the palette rows that are used."""
    percent = (palette[used].astype(np.int32) * 100 + 127) // 255
    return [
        b"#%d;2;%d;%d;%d" % (index, red, green, blue)
        for index, (red, green, blue) in zip(used.tolist(), percent.tolist(), strict=True)
    ]
