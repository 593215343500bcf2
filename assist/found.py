"""What a detector finds on a picture, and where a picture lies on the worker's canvas. Pure; loads no PyTorch."""

from __future__ import annotations

from dataclasses import dataclass

from core.geometry import Box, Polygon


@dataclass(frozen=True)
class Found:
    """One region that a detector sees; `column` is its class, `score` how sure it is, 0 to 1."""

    column: int
    score: float
    shape: Box | Polygon


@dataclass(frozen=True)
class Frame:
    """Where a picture lies on the canvas: `scale` px of the canvas are one of the picture, whose size is `size_wh`."""

    scale: float
    size_wh: tuple[int, int]
