"""Small pictures that lie over others on a terminal that speaks kitty's protocol: sent once, moved by placing them anew."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from tui.picture import kitty
from tui.picture.pieces import Pieces, Sprite

FIRST_ID = 1 << 30
KEEP_IMAGES = 256
Placed = tuple[int, int]


class Sprites:
    """What one terminal holds and shows of them; views are known by the numbers that the caller gives them."""

    def __init__(self) -> None:
        self._ids = itertools.count(FIRST_ID)
        self._placements = itertools.count(1)
        self._held: dict[object, int] = {}
        self._placed: dict[int, dict[Sprite, Placed]] = {}

    def is_shown(self, number: int) -> bool:
        """True while this view has sprites on the screen."""
        return bool(self._placed.get(number))

    def update(self, number: int, picture: Pieces, seen: NDArray[np.bool_], origin: tuple[int, int]) -> Iterator[bytes]:
        """Show a picture's sprites where all their cells are seen, (rows, columns), and nothing else of this view's."""
        cell = (picture.width_px // picture.size_cells[0], picture.height_px // picture.size_cells[1])
        wanted = picture.sprites
        if not seen.all():
            wanted = tuple(sprite for sprite in wanted if _is_seen(sprite, seen, cell))
        old = self._placed.get(number, {})
        new: dict[Sprite, Placed] = {sprite: old[sprite] for sprite in wanted if sprite in old}
        free: dict[int, list[int]] = {}
        for sprite, (image, placement) in old.items():
            if sprite not in new:
                free.setdefault(image, []).append(placement)
        for sprite in wanted:
            if sprite not in new:
                image, data = self._image(sprite, picture)
                yield from data
                spare = free.get(image)
                placement = spare.pop() if spare else next(self._placements)
                new[sprite] = (image, placement)
                yield _place(sprite, (image, placement), origin, cell)
        for image, placements in free.items():
            for placement in placements:
                yield kitty.unplace(image, placement)
        self._placed[number] = new
        yield from self._forget(picture)

    def take(self, number: int) -> bytes:
        """Take a view's sprites away."""
        placed = self._placed.pop(number, {})
        return b"".join(kitty.unplace(image, placement) for image, placement in placed.values())

    def lost(self) -> None:
        """The terminal has dropped everything."""
        self._held.clear()
        self._placed.clear()

    def _image(self, sprite: Sprite, picture: Pieces) -> tuple[int, Iterable[bytes]]:
        if getattr(sprite.image, "id", None) == picture.id:
            return picture.id, ()
        if (known := self._held.get(sprite.image)) is not None:
            return known, ()
        number = self._held[sprite.image] = next(self._ids)
        return number, kitty.transmit(number, picture.sprite_png(sprite))

    def _forget(self, picture: Pieces) -> Iterator[bytes]:
        if len(self._held) <= KEEP_IMAGES:
            return
        used = {image for placed in self._placed.values() for image, _ in placed.values()}
        for image, number in list(self._held.items()):
            if number not in used:
                del self._held[image]
                yield kitty.forget(number)


def _is_seen(sprite: Sprite, seen: NDArray[np.bool_], cell_wh_px: tuple[int, int]) -> bool:
    (x, y), (wide, high) = sprite.at_px, sprite.size_px
    rows = slice(y // cell_wh_px[1], -(-(y + high) // cell_wh_px[1]))
    columns = slice(x // cell_wh_px[0], -(-(x + wide) // cell_wh_px[0]))
    return bool(seen[rows, columns].all())


def _place(sprite: Sprite, placed: Placed, origin: tuple[int, int], cell_wh_px: tuple[int, int]) -> bytes:
    column, x = divmod(sprite.at_px[0], cell_wh_px[0])
    row, y = divmod(sprite.at_px[1], cell_wh_px[1])
    return kitty.place_over(
        placed, (origin[0] + column, origin[1] + row), (x, y), sprite.crop_px, sprite.scaled_cells, sprite.z
    )
