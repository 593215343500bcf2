"""Grey values of any range as something to look at. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RGB = NDArray[np.uint8]
SHARES = (0.5, 99.5)


def stretch(values: NDArray[np.float32], of: NDArray[np.float32] | None = None) -> NDArray[np.uint8]:
    """Values of any shape to 0 to 255: the 0.5th percentile becomes 0, the 99.5th 255; of all, or of those in `of`."""
    counted = values if of is None or not of.size else of
    finite = counted[np.isfinite(counted)]
    low, high = np.percentile(finite, SHARES) if finite.size else (0.0, 1.0)
    if high <= low:
        low, high = float(finite.min(initial=0)), float(finite.max(initial=1))
    scaled = (np.nan_to_num(values) - low) * (255.0 / (high - low or 1.0))
    return np.clip(scaled, 0, 255).astype(np.uint8)


def grey_to_rgb(grey: NDArray[np.uint8]) -> RGB:
    """uint8 (H, W) to uint8 (H, W, 3)."""
    return np.repeat(grey[:, :, None], 3, axis=2)
