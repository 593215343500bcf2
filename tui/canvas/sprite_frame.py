"""Strokes over a picture that kitty holds: small pictures placed over it, so that a moved line costs a hundred bytes."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from tui.canvas.frame import Frame, png_of
from tui.canvas.layer import Layer, Slots, stamp_of
from tui.canvas.marks import Area, Lens, Mark, Rule, Spot, Stroke, Tag
from tui.picture.pieces import Sprite
from tui.picture.prepare import Prepared

LONGEST_PX = 4096
FEW = 400
ABOVE = 1 << 20


@dataclass(frozen=True)
class RuleImage:
    """A long line, of which each line of that look is a part."""

    color: str
    style: str
    vertical: bool


@dataclass(frozen=True)
class BaseImage:
    """The picture itself, of which a lens shows a part."""

    id: int


@dataclass(frozen=True, eq=False)
class ManyImage:
    """Very many strokes flattened into one picture."""

    marks: tuple[Mark, ...]
    size_px: tuple[int, int]


class SpriteFrame(Frame):
    """For kitty's protocol."""

    def __init__(self, base: Prepared, slots: Slots) -> None:
        super().__init__(base, slots)
        self._sprites: tuple[Sprite, ...] = ()
        self._shown: tuple[tuple[Mark, ...], tuple[Mark, ...]] = ((), ())
        self._still: tuple[Sprite, ...] = ()

    @property
    def sprites(self) -> tuple[Sprite, ...]:
        """What lies over the picture now."""
        return self._sprites

    def show(self, still: tuple[Mark, ...], moving: tuple[Mark, ...]) -> bool:
        """Draw these strokes; True when one is another than before."""
        if (still, moving) == self._shown:
            return False
        if still != self._shown[0]:
            self._still = tuple(self._still_sprites(still))
        self._shown = (still, moving)
        self._sprites = (*self._still, *self._on_top(moving))
        return True

    def _still_sprites(self, still: tuple[Mark, ...]) -> Iterator[Sprite]:
        if len(still) > FEW:
            size = (self.width_px, self.height_px)
            yield Sprite(ManyImage(still, size), (0, 0), size)
            return
        for mark in still:
            # What lies over what follows from how it looks, so that none has to move when others come or go.
            over = ABOVE if isinstance(mark, Tag | Spot) else 0
            sprite = self._sprite(mark, 1 + over + zlib.crc32(repr(mark).encode()) % ABOVE)
            if sprite is not None:
                yield sprite

    def _on_top(self, moving: tuple[Mark, ...]) -> Iterator[Sprite]:
        for n, mark in enumerate(moving):
            sprite = self._sprite(mark, 2 * ABOVE + 1 + n)
            if sprite is not None:
                yield sprite

    def _sprite(self, mark: Mark, z: int) -> Sprite | None:
        if isinstance(mark, Lens):
            return self._lens(mark, z)
        x, y, wide, high = mark.area
        x0, y0 = max(0, x), max(0, y)
        x1, y1 = min(self.width_px, x + wide), min(self.height_px, y + high)
        if x1 <= x0 or y1 <= y0:
            return None
        if isinstance(mark, Rule):
            image: object = RuleImage(mark.color, mark.style, mark.vertical)
            crop: Area | None = (x0 - x, y0 - y, x1 - x0, y1 - y0)
        else:
            image = _at_origin(mark)
            crop = None if (x0, y0, x1, y1) == (x, y, x + wide, y + high) else (x0 - x, y0 - y, x1 - x0, y1 - y0)
        return Sprite(image, (x0, y0), (x1 - x0, y1 - y0), crop, None, z)

    def _lens(self, lens: Lens, z: int) -> Sprite:
        x, y, wide, high = lens.source
        x, y = min(max(0, x), self.width_px - wide), min(max(0, y), self.height_px - high)
        cells = (lens.area[2] // self.base.cell_wh_px[0], lens.area[3] // self.base.cell_wh_px[1])
        return Sprite(BaseImage(self.id), lens.area[:2], lens.area[2:], (x, y, wide, high), cells, z)

    def sprite_png(self, sprite: Sprite) -> bytes:
        """The whole image that a sprite is, or is a part of."""
        image = sprite.image
        if isinstance(image, RuleImage):
            rule = Rule(0, 0, LONGEST_PX, image.vertical, image.color, image.style)  # type: ignore[arg-type]
            return _rgba_png(rule, self.slots)
        if isinstance(image, ManyImage):
            layer = Layer(image.size_px, self.slots)
            layer.update(image.marks)
            return png_of(layer.ink, self.slots)
        assert isinstance(image, Stroke | Tag | Spot)
        return _rgba_png(image, self.slots)


def _at_origin(mark: Stroke | Tag | Spot) -> Mark:
    """The stroke as it looks, wherever it is."""
    x, y = mark.area[:2]
    if isinstance(mark, Stroke):
        return replace(mark, points=tuple((px - x, py - y) for px, py in mark.points))
    return replace(mark, x=mark.x - x, y=mark.y - y)


def _rgba_png(mark: Mark, slots: Slots) -> bytes:
    """A stroke by itself as a PNG with a palette of its own."""
    stamp = stamp_of(mark, slots)
    used = np.unique(stamp)
    small = np.searchsorted(used, stamp).astype(np.uint8)
    image = Image.fromarray(small)
    image.putpalette(slots.table[used].tobytes())
    buffer = io.BytesIO()
    clear = {"transparency": 0} if used[0] == 0 else {}
    image.save(buffer, "PNG", compress_level=9, bits=4 if len(used) > 2 else 1, **clear)
    return buffer.getvalue()
