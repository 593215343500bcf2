"""What a detector finds on an image. Pure; loads no PyTorch."""

from __future__ import annotations

from dataclasses import dataclass

from core.geometry import Box, Polygon


@dataclass(frozen=True)
class Detection:
    """One region that a detector sees; `score` is how sure it is, 0 to 1."""

    class_index: int
    score: float
    shape: Box | Polygon
