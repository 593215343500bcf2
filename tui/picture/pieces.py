"""What the stage asks of a picture: a number for what each cell shows, and the bytes that draw cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tui.picture.cells import CellRow
from tui.picture.damage import CellRect

Keys = NDArray[np.int64]
Strips = tuple[tuple[int, int, bytes], ...]
ID_SHIFT = 20


def first_keys(picture_id: int, size_cells: tuple[int, int]) -> Keys:
    """int64 (rows, columns): a number for each piece of a picture that no other piece of any picture has."""
    columns, rows = size_cells
    return ((picture_id << ID_SHIFT) + np.arange(rows * columns, dtype=np.int64)).reshape(rows, columns)


@dataclass(frozen=True)
class Sprite:
    """A small picture that lies over another one; kitty places it without sending the other again.

    Attributes:
        image: what it looks like, the same for all that look alike.
        at_px: its top left, px of the picture that it lies over.
        crop_px: the part (x, y, width, height) of the image that is shown; None for all of it.
        scaled_cells: columns and rows that it is stretched over; None for its own size.
        z: what lies over what.
    """

    image: object
    at_px: tuple[int, int]
    size_px: tuple[int, int]
    crop_px: tuple[int, int, int, int] | None = None
    scaled_cells: tuple[int, int] | None = None
    z: int = 1

    def __post_init__(self) -> None:
        # Every sprite is looked up at every move of any of them.
        object.__setattr__(self, "_hash", hash((self.image, self.at_px, self.crop_px, self.z)))

    def __hash__(self) -> int:
        return self._hash  # type: ignore[attr-defined, no-any-return]


class Pieces(Protocol):
    """A picture, whole cells wide and high, for one way of sending it."""

    @property
    def id(self) -> int:
        """Unique in this process; of a picture that changes, the same throughout."""
        ...

    @property
    def size_cells(self) -> tuple[int, int]:
        """Columns and rows."""
        ...

    @property
    def keys(self) -> Keys:
        """int64 (rows, columns): equal numbers show equal pieces; `id` is in the bits from `ID_SHIFT` on."""
        ...

    @property
    def strips(self) -> Strips:
        """From top to bottom as (first row, rows, bytes that draw it, or none where `tile` must make them)."""
        ...

    @property
    def cell_rows(self) -> tuple[CellRow, ...]:
        """For cells: the text of each row."""
        ...

    @property
    def png(self) -> bytes:
        """For kitty: the picture without sprites."""
        ...

    @property
    def width_px(self) -> int:
        """Width of all cells."""
        ...

    @property
    def height_px(self) -> int:
        """Height of all cells."""
        ...

    @property
    def sprites(self) -> tuple[Sprite, ...]:
        """For kitty: what lies over it."""
        ...

    def sprite_png(self, sprite: Sprite) -> bytes:
        """The whole image of a sprite."""
        ...

    def tile(self, rect: CellRect) -> bytes:
        """The bytes that draw a rectangle of its cells from the cursor on; sixel and iTerm2 only."""
        ...
