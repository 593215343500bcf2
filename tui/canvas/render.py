"""The part of an image that a viewport shows, as px of the view: crop, size, turn, brightness. Pure; for worker threads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storage.pyramid import Pyramid
from tui.canvas.viewport import Viewport
from tui.colors import Color

RGB = NDArray[np.uint8]
STEPS = 10


@dataclass(frozen=True)
class Look:
    """How px are shown, never how they are stored: steps of brightness and contrast from -10 to 10."""

    brightness: int = 0
    contrast: int = 0

    def __str__(self) -> str:
        parts = (("bright", self.brightness), ("contrast", self.contrast))
        return " ".join(f"{word} {steps:+d}" for word, steps in parts if steps)

    def changed(self, *, brightness: int = 0, contrast: int = 0) -> Look:
        """Some steps further, within the bounds."""

        def bound(value: int) -> int:
            return max(-STEPS, min(STEPS, value))

        return Look(bound(self.brightness + brightness), bound(self.contrast + contrast))

    def table(self) -> NDArray[np.uint8]:
        """uint8 (256,): what each value becomes; first brighter, then harder, so that a dark image can fill the range."""
        values = (np.arange(256) + 12 * self.brightness - 127.5) * 1.2**self.contrast + 127.5
        return np.asarray(np.clip(values, 0, 255), dtype=np.uint8)


def render(image: Pyramid, viewport: Viewport, look: Look, background: Color) -> RGB:
    """uint8 (H, W, 3) of the view's size; what the image leaves free has the background's colour."""
    wide, high = viewport.view_wh_px
    canvas = np.empty((high, wide, 3), np.uint8)
    canvas[:] = background
    at, box = viewport.image_in_view, viewport.visible
    x0, y0 = max(0, round(at.x0)), max(0, round(at.y0))
    x1, y1 = min(wide, round(at.x1)), min(high, round(at.y1))
    if x1 <= x0 or y1 <= y0:
        return canvas
    size = (x1 - x0, y1 - y0)
    part = image.part((box.x0, box.y0, box.x1, box.y1), size if viewport.rotation % 180 == 0 else size[::-1])
    if look != Look():
        part = look.table()[part]
    canvas[y0:y1, x0:x1] = np.rot90(part, -viewport.rotation // 90)
    return canvas
