"""iTerm2's inline images: one OSC 1337 for each tile. Source: iTerm2's documentation, "Images"."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

QUALITY = 82


def encode(rgb: NDArray[np.uint8], size_cells: tuple[int, int]) -> bytes:
    """A picture that fills this many columns and rows from the cursor on; uint8 (H, W, 3)."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    data = buffer.getvalue()
    return b"\x1b]1337;File=inline=1;size=%d;width=%d;height=%d;preserveAspectRatio=0;doNotMoveCursor=1:%b\x07" % (
        len(data), *size_cells, base64.standard_b64encode(data),
    )  # fmt: skip
