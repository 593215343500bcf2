"""A picture made ready for one terminal and one size, in a worker thread: then showing it costs almost nothing."""

from __future__ import annotations

import io
import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tui.colors import Color
from tui.picture import iterm, sixel
from tui.picture.cells import CellRow, half_blocks
from tui.picture.colors import Indexes, Palette, quantize
from tui.picture.damage import CellRect
from tui.picture.pieces import Keys, Sprite, Strips, first_keys
from tui.terminal import Graphics, Terminal

MOST_COLORS = 240
SIXEL_COLORS = 128  # twice as many are 1 dB better and a fifth more bytes
MAX_ENLARGE = 4.0
STRIP_PX = 48
_ids = itertools.count(1)

RGB = NDArray[np.uint8]


@dataclass(frozen=True, eq=False, kw_only=True)
class Prepared:
    """One picture, letterboxed into whole cells. Only what its protocol needs is kept.

    Attributes:
        id: unique in this process; the terminal knows the picture by it.
        pixels: for iTerm2, uint8 (rows * cell height, columns * cell width, 3); for cells, uint8 (rows * 2, columns, 3).
        indexes, palette: for sixel, the same as rows of a palette; uint8 (H, W) and (N, 3).
        strips: for sixel and iTerm2, from top to bottom as (first row, rows, bytes that draw it).
        png: for kitty, the whole picture.
        cell_rows: for cells, the text that draws each row.
    """

    id: int
    graphics: Graphics
    size_cells: tuple[int, int]
    cell_wh_px: tuple[int, int]
    pixels: RGB | None = None
    indexes: NDArray[np.uint8] | None = None
    palette: NDArray[np.uint8] | None = None
    strips: Strips = ()
    png: bytes = b""
    cell_rows: tuple[CellRow, ...] = ()

    @cached_property
    def keys(self) -> Keys:
        """int64 (rows, columns): a number for each of its pieces."""
        return first_keys(self.id, self.size_cells)

    @property
    def sprites(self) -> tuple[Sprite, ...]:
        """None: it is a picture by itself."""
        return ()

    def sprite_png(self, sprite: Sprite) -> bytes:
        """There is none."""
        raise ValueError("a still picture has no sprites")

    @property
    def width_px(self) -> int:
        """Width of the whole, letterbox included."""
        return self.size_cells[0] * self.cell_wh_px[0]

    @property
    def height_px(self) -> int:
        """Height of the whole, letterbox included."""
        return self.size_cells[1] * self.cell_wh_px[1]

    @property
    def nbytes(self) -> int:
        """Memory that it takes, roughly, for caches."""
        arrays = sum(array.nbytes for array in (self.pixels, self.indexes, self.palette) if array is not None)
        texts = len(self.cell_rows) * self.size_cells[0] * 200
        return arrays + texts + len(self.png) + sum(len(data) for _, _, data in self.strips)

    def fits(self, terminal: Terminal, size_cells: tuple[int, int]) -> bool:
        """True when it was made for this size and for the way that this terminal shows pictures now."""
        same = self.size_cells == size_cells and self.graphics is terminal.graphics
        return same and (self.graphics is not Graphics.SIXEL or self.cell_wh_px == terminal.cell_wh_px)

    def tile(self, rect: CellRect) -> bytes:
        """The bytes that draw a rectangle of its cells from the cursor on; sixel and iTerm2 only."""
        wide, high = self.cell_wh_px
        window = CellRect(rect.column * wide, rect.row * high, rect.columns * wide, rect.rows * high).area
        if self.pixels is not None and self.graphics is Graphics.ITERM2:
            return iterm.encode(self.pixels[window], (rect.columns, rect.rows))
        if self.indexes is None or self.palette is None:
            raise ValueError(f"a picture for {self.graphics} has no tiles")
        return sixel.encode(self.indexes[window], self.palette)


def prepare(
    rgb: RGB, terminal: Terminal, size_cells: tuple[int, int], background: Color, *, colors: int = MOST_COLORS
) -> Prepared:
    """Make a picture ready for a rectangle of cells. Safe in any thread; the encoder lets go of the interpreter lock.

    Args:
        rgb: uint8 (H, W, 3), upright.
        size_cells: columns and rows to fill, each at least 1.
        background: the colour of what the picture leaves free.
        colors: at most so many, where the protocol has a palette.
    """
    columns, rows = size_cells
    graphics, cell = terminal.graphics, terminal.cell_wh_px
    if graphics is Graphics.CELLS:
        small = _two_pixels_a_cell(rgb, size_cells, cell, background)
        cell_rows = half_blocks(small, truecolor=terminal.truecolor)
        return Prepared(
            id=next(_ids), graphics=graphics, size_cells=size_cells, cell_wh_px=cell, pixels=small, cell_rows=cell_rows
        )
    pixels = letterbox(rgb, (columns * cell[0], rows * cell[1]), background)
    number = next(_ids)
    if graphics is Graphics.ITERM2:
        strips = _iterm_strips(pixels, size_cells, cell[1])
        return Prepared(
            id=number, graphics=graphics, size_cells=size_cells, cell_wh_px=cell, pixels=pixels, strips=strips
        )
    if graphics is Graphics.KITTY:
        png = _png(*quantize(pixels, colors))
        return Prepared(id=number, graphics=graphics, size_cells=size_cells, cell_wh_px=cell, png=png)
    indexes, palette = quantize(pixels, min(colors, SIXEL_COLORS, max(2, terminal.sixel_colors)))
    strips = _sixel_strips(indexes, palette, [(0, rows)] if terminal.is_xterm else strip_rows(rows, cell[1]))
    return Prepared(
        id=number, graphics=graphics, size_cells=size_cells, cell_wh_px=cell,
        indexes=indexes, palette=palette, strips=strips,
    )  # fmt: skip


def letterbox(rgb: RGB, size_px: tuple[int, int], background: Color) -> RGB:
    """The picture as large as it fits in `size_px` (width, height), in the middle; at most 4 times enlarged."""
    width, height = size_px
    scale = min(width / rgb.shape[1], height / rgb.shape[0], MAX_ENLARGE)
    fitted = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    if (rgb.shape[1], rgb.shape[0]) == size_px:
        return rgb
    image = Image.fromarray(rgb)
    if fitted != image.size:
        image = image.resize(fitted, Image.Resampling.BILINEAR, reducing_gap=2.0)
    canvas = Image.new("RGB", size_px, background)
    canvas.paste(image, ((width - fitted[0]) // 2, (height - fitted[1]) // 2))
    return np.asarray(canvas)


def strip_rows(rows: int, cell_height: int) -> list[tuple[int, int]]:
    """(first row, rows) of cells of each strip: short, to let text pass between; whole sixel bands if possible."""
    most = max(1, STRIP_PX // cell_height)
    step = next((count for count in range(most, 0, -1) if count * cell_height % sixel.BAND == 0), most)
    return [(top, min(step, rows - top)) for top in range(0, rows, step)]


def _two_pixels_a_cell(rgb: RGB, size_cells: tuple[int, int], cell_wh_px: tuple[int, int], background: Color) -> RGB:
    """Letterboxed at the true shape of the cells into (rows * 2, columns); the picture's edges lie on half cells."""
    columns, rows = size_cells
    wide, high = cell_wh_px[0], cell_wh_px[1] / 2
    scale = min(columns * wide / rgb.shape[1], rows * 2 * high / rgb.shape[0])
    fitted = (
        min(columns, max(1, round(rgb.shape[1] * scale / wide))),
        min(rows * 2, max(1, round(rgb.shape[0] * scale / high))),
    )
    image = Image.fromarray(rgb).resize(fitted, Image.Resampling.BOX)
    canvas = Image.new("RGB", (columns, rows * 2), background)
    canvas.paste(image, ((columns - fitted[0]) // 2, (rows * 2 - fitted[1]) // 2))
    return np.asarray(canvas)


def _iterm_strips(pixels: RGB, size_cells: tuple[int, int], cell_height: int) -> Strips:
    columns, rows = size_cells
    return tuple(
        (top, high, iterm.encode(pixels[top * cell_height : (top + high) * cell_height], (columns, high)))
        for top, high in strip_rows(rows, cell_height)
    )


def _sixel_strips(indexes: NDArray[np.uint8], palette: NDArray[np.uint8], parts: list[tuple[int, int]]) -> Strips:
    cell_height = indexes.shape[0] // sum(high for _, high in parts)
    return tuple(
        (top, high, sixel.encode(indexes[top * cell_height : (top + high) * cell_height], palette))
        for top, high in parts
    )


def _png(indexes: Indexes, palette: Palette) -> bytes:
    image = Image.fromarray(indexes, "P")
    image.putpalette(palette.tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
