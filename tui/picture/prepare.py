"""A picture made ready for one terminal and one size, in a worker thread: after that, showing it costs almost nothing."""

from __future__ import annotations

import io
import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tui.picture import iterm, sixel
from tui.terminal import Graphics, Terminal

COLORS = 240
MAX_ENLARGE = 4.0
STRIP_PX = 96
_ids = itertools.count(1)

RGB = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Prepared:
    """One picture, letterboxed into whole cells.

    Attributes:
        id: unique in this process; the terminal knows the picture by it.
        pixels: uint8 (rows * cell height, columns * cell width, 3); for cells, two pixels a cell, (rows * 2, columns, 3).
        indexes, palette: the same as palette rows, for sixel and kitty.
        strips: rows from top to bottom as (first row, rows, bytes), pre-encoded for sixel and iTerm2.
        png: the whole picture, for kitty.
    """

    id: int
    graphics: Graphics
    size_cells: tuple[int, int]
    cell_wh_px: tuple[int, int]
    pixels: RGB
    indexes: NDArray[np.uint8] | None = None
    palette: NDArray[np.uint8] | None = None
    strips: tuple[tuple[int, int, bytes], ...] = ()
    png: bytes = b""

    @property
    def nbytes(self) -> int:
        """Memory that it takes, for caches."""
        indexed = 0 if self.indexes is None else self.indexes.nbytes
        return self.pixels.nbytes + indexed + len(self.png) + sum(len(data) for _, _, data in self.strips)

    def tile(self, column: int, row: int, columns: int, rows: int) -> bytes:
        """The bytes that draw a rectangle of cells with its top left corner at the cursor."""
        wide, high = self.cell_wh_px
        window = np.s_[row * high : (row + rows) * high, column * wide : (column + columns) * wide]
        if self.graphics is Graphics.ITERM2:
            return iterm.encode(self.pixels[window], (columns, rows))
        assert self.indexes is not None and self.palette is not None
        return sixel.encode(self.indexes[window], self.palette)


def letterbox(rgb: RGB, size_px: tuple[int, int], background: tuple[int, int, int]) -> RGB:
    """The picture as large as it fits, in the middle of a canvas of `size_px` (width, height); at most 4 times enlarged."""
    width, height = size_px
    scale = min(width / rgb.shape[1], height / rgb.shape[0], MAX_ENLARGE)
    fitted = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    image = Image.fromarray(rgb)
    if fitted != image.size:
        image = image.resize(fitted, Image.Resampling.BILINEAR, reducing_gap=2.0)
    canvas = Image.new("RGB", size_px, background)
    canvas.paste(image, ((width - fitted[0]) // 2, (height - fitted[1]) // 2))
    return np.asarray(canvas)


def prepare(
    rgb: RGB, terminal: Terminal, size_cells: tuple[int, int], background: tuple[int, int, int]
) -> Prepared:
    """Make a picture ready for a rectangle of cells. Safe in any thread; the encoder lets go of the interpreter lock.

    Args:
        rgb: uint8 (H, W, 3), upright.
        size_cells: columns and rows to fill, each at least 1.
        background: the colour of what the picture leaves free.
    """
    columns, rows = size_cells
    graphics, cell = terminal.graphics, terminal.cell_wh_px
    if graphics is Graphics.CELLS:
        return Prepared(next(_ids), graphics, size_cells, cell, _half_blocks(rgb, size_cells, cell, background))
    pixels = letterbox(rgb, (columns * cell[0], rows * cell[1]), background)
    if graphics is Graphics.ITERM2:
        strips = tuple(
            (top, high, iterm.encode(pixels[top * cell[1] : (top + high) * cell[1]], (columns, high)))
            for top, high in _strip_rows(rows, cell[1], terminal)
        )
        return Prepared(next(_ids), graphics, size_cells, cell, pixels, strips=strips)
    indexes, palette, image = _quantize(pixels, min(COLORS, max(2, terminal.sixel_colors)))
    if graphics is Graphics.KITTY:
        return Prepared(next(_ids), graphics, size_cells, cell, pixels, indexes, palette, png=_png(image))
    strips = tuple(
        (top, high, sixel.encode(indexes[top * cell[1] : (top + high) * cell[1]], palette))
        for top, high in _strip_rows(rows, cell[1], terminal)
    )
    return Prepared(next(_ids), graphics, size_cells, cell, pixels, indexes, palette, strips)


def _half_blocks(
    rgb: RGB, size_cells: tuple[int, int], cell_wh_px: tuple[int, int], background: tuple[int, int, int]
) -> RGB:
    """Two pixels a cell; letterboxed at the true shape of the cells, then brought to (rows * 2, columns)."""
    columns, rows = size_cells
    scale = 4
    tall = round(columns * scale * (rows * cell_wh_px[1]) / (columns * cell_wh_px[0]))
    boxed = letterbox(rgb, (columns * scale, max(1, tall)), background)
    small = Image.fromarray(boxed).resize((columns, rows * 2), Image.Resampling.BOX)
    return np.asarray(small)


def _strip_rows(rows: int, cell_height: int, terminal: Terminal) -> list[tuple[int, int]]:
    """Rows of cells that go out as one picture: xterm keeps only sixteen, so there it is all of them."""
    if terminal.is_xterm:
        return [(0, rows)]
    step = max(1, STRIP_PX // cell_height)
    while step > 1 and (step * cell_height) % 6:
        step -= 1
    return [(top, min(step, rows - top)) for top in range(0, rows, step)]


def _quantize(pixels: RGB, colors: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8], Image.Image]:
    image = Image.fromarray(pixels).quantize(colors, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    palette = np.array(image.getpalette()[: colors * 3], dtype=np.uint8).reshape(-1, 3)  # type: ignore[index]
    return np.ascontiguousarray(np.asarray(image)), palette, image


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
