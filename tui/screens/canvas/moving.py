"""Arrows and Tab: the crosshair, the part in hand or the view moves; the next part or region is taken."""

from __future__ import annotations

import time

from core.annotation import Region
from core.region_edits import Choose, Reshape
from tui.canvas import pointing, tools
from tui.canvas.tools import Tool
from tui.screens.canvas.drawing import DrawingScreen

ARROWS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
PAN_PX, FAR_PAN_PX = 64, 256
FAR_PUSH_PX = 8.0


class MovingScreen(DrawingScreen):
    """What moves is what the hand holds."""

    def action_move(self, name: str) -> None:
        """An arrow."""
        self._arrow(ARROWS[name], far=False)

    def action_extend(self, name: str) -> None:
        """Shift and an arrow."""
        self._arrow(ARROWS[name.removeprefix("shift+")], far=True)

    def _arrow(self, direction: tuple[int, int], *, far: bool) -> None:
        self._touched_at = time.monotonic()
        region = self._regions.chosen_region
        if self._viewport is None or self._image is None:
            return
        if self._pointer is not None:
            self._pointer = pointing.nudged(self._pointer, direction, self._visible(), time.monotonic(), far=far)
            self._draw()
        elif self._hand.tool in (Tool.MOVE, Tool.POINTS) and region is not None:
            self._push(region, direction, far=far)
        else:
            step = FAR_PAN_PX if far else PAN_PX
            self._see(self._viewport.panned(direction[0] * step, direction[1] * step))

    def _push(self, region: Region, direction: tuple[int, int], *, far: bool) -> None:
        """One image px, or so many, in the direction that the arrow has on the turned view."""
        assert self._viewport is not None
        assert self._image is not None
        origin = self._viewport.to_image((0.0, 0.0))
        step = FAR_PUSH_PX if far else 1.0
        ahead = self._viewport.to_image((direction[0] * 100.0, direction[1] * 100.0))
        dx, dy = ((b - a) / 100 * self._viewport.scale * step for a, b in zip(origin, ahead, strict=True))
        self._edit(Reshape(tools.pushed(self._hand, region.shape, dx, dy, self._image.image_wh)))

    def action_next(self) -> None:
        """Tab: the next handle or point, else the next region."""
        self._step(1)

    def action_previous(self) -> None:
        """Shift+Tab."""
        self._step(-1)

    def _step(self, step: int) -> None:
        region, count = self._regions.chosen_region, len(self._regions.regions)
        if region is not None and self._hand.tool in (Tool.MOVE, Tool.POINTS):
            self._hand = tools.next_part(self._hand, region.shape, step)
        elif count:
            at = self._regions.chosen
            self._edit(Choose((step - 1) // 2 % count if at is None else (at + step) % count))
        self._draw()
