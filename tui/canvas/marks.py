"""The kinds of strokes over a picture, in view px: few, so that every way of sending pictures can draw each. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from PIL import ImageFont

from core.geometry import Box, Point
from tui.colors import ink_on

BLACK, WHITE, ACCENT = "#000000", "#ffffff", "#ffca57"
PROFILES = {"plain": "kcck", "chosen": "kcccck", "dashed": "kck", "thin": "k"}
DASHES = {"dashed": (6, 4), "thin": (2, 6)}
FONT_PX = 13
PAD_PX = 3
Area = tuple[int, int, int, int]
Style = Literal["plain", "chosen", "dashed", "thin"]


@dataclass(frozen=True)
class Rule:
    """A straight line along an axis with a dark edge on both sides; (x, y) is the middle of its beginning."""

    x: int
    y: int
    length: int
    vertical: bool
    color: str
    style: Style = "plain"
    is_ruler: bool = False

    @property
    def profile(self) -> str:
        """Across the line: `k` is dark, `c` the colour."""
        return PROFILES[self.style]

    @property
    def area(self) -> Area:
        """x, y, width, height."""
        thick = len(self.profile)
        if self.vertical:
            return self.x - thick // 2, self.y, thick, self.length
        return self.x, self.y - thick // 2, self.length, thick


@dataclass(frozen=True)
class Stroke:
    """A line through points, each (x, y)."""

    points: tuple[tuple[int, int], ...]
    color: str
    style: Style = "plain"
    closed: bool = True

    @property
    def area(self) -> Area:
        """x, y, width, height, its thickness included."""
        xs, ys = [x for x, _ in self.points], [y for _, y in self.points]
        edge = len(PROFILES[self.style]) // 2 + 1
        return min(xs) - edge, min(ys) - edge, max(xs) - min(xs) + 2 * edge + 1, max(ys) - min(ys) + 2 * edge + 1


@dataclass(frozen=True)
class Spot:
    """A small square with a dark edge, around its middle."""

    x: int
    y: int
    size: int
    color: str

    @property
    def area(self) -> Area:
        """x, y, width, height."""
        return self.x - self.size // 2, self.y - self.size // 2, self.size, self.size


@dataclass(frozen=True)
class Tag:
    """Words on a paper of their own; (x, y) is the top left."""

    x: int
    y: int
    text: str
    paper: str

    @property
    def ink(self) -> str:
        """Black or white."""
        return ink_on(self.paper)

    @property
    def area(self) -> Area:
        """x, y, width, height."""
        return self.x, self.y, text_width(self.text) + 2 * PAD_PX, FONT_PX + PAD_PX


@dataclass(frozen=True)
class Lens:
    """A part of the picture enlarged; `area` and `source` are (x, y, width, height) in view px."""

    area: Area
    source: Area


Mark = Rule | Stroke | Spot | Tag | Lens


@cache
def font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The face of tags: the one that Pillow carries."""
    return ImageFont.load_default(FONT_PX - 1)


@cache
def text_width(text: str) -> int:
    """Its width in px."""
    return int(font().getlength(text) + 0.999)


def px(xy: Point) -> tuple[int, int]:
    """A point of the view as whole px."""
    return round(xy[0]), round(xy[1])


def edges(box: Box, color: str, style: Style = "plain") -> Iterator[Rule]:
    """The four lines of a box, view px."""
    x0, y0 = px((box.x0, box.y0))
    x1, y1 = px((box.x1, box.y1))
    yield Rule(x0, y0, x1 - x0 + 1, False, color, style)
    yield Rule(x0, y1, x1 - x0 + 1, False, color, style)
    yield Rule(x0, y0, y1 - y0 + 1, True, color, style)
    yield Rule(x1, y0, y1 - y0 + 1, True, color, style)
