"""A prepared picture with strokes over it: what each cell shows has a key of its own, a new one whenever it changes."""

from __future__ import annotations

import io
import itertools
from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tui.canvas.layer import SLOTS, Layer, Slots, lenses
from tui.canvas.marks import Area, Lens, Mark
from tui.picture import iterm, sixel
from tui.picture.cells import CellRow
from tui.picture.damage import CellRect, rectangles
from tui.picture.pieces import ID_SHIFT, Keys, Sprite, Strips
from tui.picture.prepare import Prepared

BASE_COLORS = 256 - SLOTS
_ROOM = 1 << ID_SHIFT


class Frame:
    """Base of the ways to draw over a picture; `id` and size are those of the picture."""

    def __init__(self, base: Prepared, slots: Slots) -> None:
        self.base = base
        self.keys: Keys = base.keys.copy()
        self.slots = slots
        size = (base.width_px, base.height_px)
        self.still, self.moving = Layer(size, slots), Layer(size, slots)
        self._numbers = itertools.count(self.keys.size)

    @property
    def id(self) -> int:
        """The picture's."""
        return self.base.id

    @property
    def size_cells(self) -> tuple[int, int]:
        """Columns and rows."""
        return self.base.size_cells

    @property
    def width_px(self) -> int:
        """Width of all cells."""
        return self.base.width_px

    @property
    def height_px(self) -> int:
        """Height of all cells."""
        return self.base.height_px

    @property
    def strips(self) -> Strips:
        """The picture's own where no ink lies over them."""
        return self.base.strips

    @property
    def cell_rows(self) -> tuple[CellRow, ...]:
        """The text of each row."""
        return self.base.cell_rows

    @property
    def png(self) -> bytes:
        """The picture."""
        return self.base.png

    @property
    def sprites(self) -> tuple[Sprite, ...]:
        """What lies over it."""
        return ()

    def sprite_png(self, sprite: Sprite) -> bytes:
        """There is none."""
        raise ValueError("this way of sending pictures has no sprites")

    def tile(self, rect: CellRect) -> bytes:
        """The bytes that draw a rectangle of cells."""
        raise ValueError("this way of sending pictures has no tiles")

    @abstractmethod
    def show(self, still: tuple[Mark, ...], moving: tuple[Mark, ...]) -> bool:
        """Draw these strokes instead of those before; True when a cell, or a sprite, changed."""

    def _renew(self, cells: NDArray[np.bool_]) -> bool:
        """New keys for cells; `cells` is (rows, columns)."""
        count = int(cells.sum())
        if count:
            numbers = [next(self._numbers) % _ROOM for _ in range(count)]
            self.keys[cells] = (self.id << ID_SHIFT) + np.array(numbers, dtype=np.int64)
        return bool(count)

    def _cells_of(self, area: Area) -> CellRect:
        """The cells that an area of px touches."""
        (wide, high), (columns, rows) = self.base.cell_wh_px, self.size_cells
        left, top = area[0] // wide, area[1] // high
        right, bottom = -(-(area[0] + area[2]) // wide), -(-(area[1] + area[3]) // high)
        return CellRect(left, top, min(right, columns) - left, min(bottom, rows) - top)


class TileFrame(Frame):
    """For sixel and iTerm2: a plane of palette rows, or of RGB, with the ink put in; changed cells go out as tiles."""

    def __init__(self, base: Prepared, slots: Slots) -> None:
        super().__init__(base, slots)
        plane = base.indexes if base.indexes is not None else base.pixels
        assert plane is not None, "a frame of tiles needs a picture for sixel or iTerm2"
        self._base: NDArray[np.uint8] = plane
        self._shown: NDArray[np.uint8] = plane.copy()
        self._inked = np.zeros(base.size_cells[::-1], dtype=np.bool_)
        self._defined: tuple[NDArray[np.uint8], list[bytes]] | None = None

    def show(self, still: tuple[Mark, ...], moving: tuple[Mark, ...]) -> bool:
        """Draw these strokes; only cells whose px differ get new keys."""
        touched = np.zeros(self._inked.shape, dtype=np.bool_)
        for area in (*self.still.update(still), *self.moving.update(moving)):
            touched[self._cells_of(area).area] = True
        changed = np.zeros(self._inked.shape, dtype=np.bool_)
        lens = lenses(moving)
        for rect in rectangles(touched):
            changed[rect.area] |= self._recompose(rect, lens)
        return self._renew(changed)

    def _recompose(self, rect: CellRect, lens: Sequence[Lens]) -> NDArray[np.bool_]:
        """Put picture and ink together in some cells; True, (rows, columns), where that looks different now."""
        wide, high = self.base.cell_wh_px
        window = CellRect(rect.column * wide, rect.row * high, rect.columns * wide, rect.rows * high).area
        new = self._base[window].copy()
        self._ink(new, self.still.ink[window])
        for glass in lens:
            self._enlarge(new, window, glass)
        self._ink(new, self.moving.ink[window])
        cells = (rect.rows, high, rect.columns, wide, -1)
        differs = (new != self._shown[window]).reshape(cells).any(axis=(1, 3, 4))
        inked = (new != self._base[window]).reshape(cells).any(axis=(1, 3, 4))
        self._shown[window] = new
        self._inked[rect.area] = inked
        return np.asarray(differs, dtype=np.bool_)

    def _ink(self, plane: NDArray[np.uint8], ink: NDArray[np.uint8]) -> None:
        where = ink > 0
        if where.any():
            plane[where] = self.slots.table[ink[where]] if plane.ndim == 3 else BASE_COLORS + ink[where]

    def _enlarge(self, plane: NDArray[np.uint8], window: tuple[slice, slice], glass: Lens) -> None:
        x, y, wide, high = glass.area
        down, across = window
        y0, y1 = max(y, down.start), min(y + high, down.stop)
        x0, x1 = max(x, across.start), min(x + wide, across.stop)
        if y1 > y0 and x1 > x0:
            big = enlarged(self._base, glass)
            plane[y0 - down.start : y1 - down.start, x0 - across.start : x1 - across.start] = big[
                y0 - y : y1 - y, x0 - x : x1 - x
            ]

    @property
    def strips(self) -> Strips:
        """The picture's own bytes where no ink lies; empty where `tile` must be asked."""
        return tuple(
            (top, high, b"" if self._inked[top : top + high].any() else data) for top, high, data in self.base.strips
        )

    def tile(self, rect: CellRect) -> bytes:
        """The bytes that draw a rectangle of cells from the cursor on."""
        wide, high = self.base.cell_wh_px
        window = CellRect(rect.column * wide, rect.row * high, rect.columns * wide, rect.rows * high).area
        if self._shown.ndim == 3:
            return iterm.encode(self._shown[window], (rect.columns, rect.rows))
        palette = self._palette()
        if self._defined is None or (self._defined[0] != palette).any():
            self._defined = palette, sixel.color_values(palette)
        return sixel.encode(self._shown[window], *self._defined)

    def _palette(self) -> NDArray[np.uint8]:
        palette = np.zeros((256, 3), np.uint8)
        if self.base.palette is not None:
            own = self.base.palette[:BASE_COLORS]
            palette[: len(own)] = own
        palette[BASE_COLORS:] = self.slots.table
        return palette


def enlarged(plane: NDArray[np.uint8], glass: Lens) -> NDArray[np.uint8]:
    """The lens's picture: nearest px, edges repeated where its source leaves the plane."""
    _, _, wide, high = glass.area
    x, y, source_wide, source_high = glass.source
    rows = np.clip(y + np.arange(high) * source_high // high, 0, plane.shape[0] - 1)
    columns = np.clip(x + np.arange(wide) * source_wide // wide, 0, plane.shape[1] - 1)
    return plane[np.ix_(rows, columns)]


def half_cells(ink: NDArray[np.uint8], size_cells: tuple[int, int], cell_wh_px: tuple[int, int]) -> NDArray[np.uint8]:
    """Ink of px as ink of half cells, (rows * 2, columns): the brightest-numbered colour that touches one."""
    rows_at = [row * cell_wh_px[1] + half * (cell_wh_px[1] // 2) for row in range(size_cells[1]) for half in (0, 1)]
    tall = np.maximum.reduceat(ink, rows_at, axis=0)
    return np.asarray(np.maximum.reduceat(tall, range(0, ink.shape[1], cell_wh_px[0]), axis=1), dtype=np.uint8)


def png_of(ink: NDArray[np.uint8], slots: Slots) -> bytes:
    """Ink as a PNG with a palette, clear where there is none."""
    image = Image.fromarray(ink)
    image.putpalette(slots.table.tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=0, compress_level=6, bits=8)
    return buffer.getvalue()
