"""Rows of thumbnails for one reviewer's terminal, made in worker threads and kept, so that paging back costs nothing."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from core.ids import ItemState
from core.labels import LabelSet
from core.oversight.browse import Browsed
from storage.base import StorageError, UnreadableImage
from storage.images import decode
from tui.canvas.overlay import Outline
from tui.canvas.thumbs import RGB, in_a_row, thumbnail
from tui.colors import Color
from tui.picture.prepare import Prepared, prepare
from tui.picture_pool import Pictures
from tui.terminal import Graphics, Terminal

KEEP_BYTES = 24 * 1024 * 1024
GAP_CELLS = 1


@dataclass(frozen=True)
class Rack:
    """The shape of a grid: columns and rows of slots, each `slot_cells` wide and high, on a width of `width_cells`."""

    columns: int
    rows: int
    slot_cells: tuple[int, int]
    width_cells: int

    @property
    def limit(self) -> int:
        """Items a page."""
        return self.columns * self.rows


def rack_for(size_cells: tuple[int, int], least_columns: int) -> Rack:
    """The grid that fits a room, its slots at least so many columns wide; two lines of each row are text. Pure."""
    wide, high = size_cells
    columns = max(1, wide // least_columns)
    slot = max(8, wide // columns)
    rows = max(1, high // (2 + max(3, round(slot * 0.36))))
    return Rack(columns, rows, (slot, max(1, high // rows - 2)), wide)


class Thumbs:
    """Makes rows of thumbnails of one project, each once."""

    def __init__(self, pictures: Pictures, datastore: str, labels: LabelSet, *, regions: bool) -> None:
        self._pictures, self._datastore, self._labels, self._regions = pictures, datastore, labels, regions
        self._small: OrderedDict[tuple[object, ...], RGB] = OrderedDict()
        self._rows: OrderedDict[tuple[object, ...], Prepared] = OrderedDict()

    async def row(self, items: Sequence[Browsed], rack: Rack, terminal: Terminal, background: Color) -> Prepared:
        """One row of the grid, ready for the terminal; a file that cannot be shown leaves its slot empty."""
        look = (terminal.graphics, terminal.cell_wh_px, terminal.sixel_colors, terminal.is_xterm)
        shown = tuple((item.path, item.etag, item.answer if self._regions else None) for item in items)
        key = (shown, rack, background, look)
        if (known := self._rows.get(key)) is not None:
            self._rows.move_to_end(key)
            return known
        cell = terminal.cell_wh_px
        slot = ((rack.slot_cells[0] - GAP_CELLS) * cell[0], rack.slot_cells[1] * cell[1])
        small = await asyncio.gather(*(self._picture(item, slot) for item in items))

        def make() -> Prepared:
            drawn = [
                None
                if rgb is None
                else thumbnail(rgb, _size(item, rgb), slot, self._outlines(item, terminal), background)
                for item, rgb in zip(items, small, strict=True)
            ]
            row_px = (rack.width_cells * cell[0], slot[1])
            rgb = in_a_row(drawn, (rack.slot_cells[0] * cell[0], slot[1]), row_px, background)
            return prepare(rgb, terminal, (rack.width_cells, rack.slot_cells[1]), background)

        row = await self._pictures.look(make)
        if all(rgb is not None for rgb in small):  # what could not be read is tried again at the next look
            self._rows[key] = row
            _keep(self._rows)
        return row

    async def _picture(self, item: Browsed, slot_px: tuple[int, int]) -> RGB | None:
        key = (item.path, item.etag, slot_px)
        if (known := self._small.get(key)) is not None:
            self._small.move_to_end(key)
            return known
        rgb = await self._decoded(item, slot_px)
        if rgb is not None:
            self._small[key] = rgb
            _keep(self._small)
        return rgb

    async def _decoded(self, item: Browsed, slot_px: tuple[int, int]) -> RGB | None:
        if item.state is ItemState.MISSING:
            return None

        def see(data: bytes) -> RGB:
            return decode(data, path=item.path, fit_wh=slot_px)

        try:
            return await self._pictures.seen(self._datastore, item.path, see)
        except (UnreadableImage, StorageError):
            return None

    def _outlines(self, item: Browsed, terminal: Terminal) -> tuple[Outline, ...]:
        """The item's regions; half blocks are too coarse for thin lines and for words."""
        coarse = terminal.graphics is Graphics.CELLS
        return tuple(
            Outline(
                region.shape,
                self._labels.by_id(region.label).color if region.label in self._labels else "#ffffff",
                line="chosen" if coarse else "plain",
            )
            for region in item.answer.regions
        )


def _size(item: Browsed, rgb: RGB) -> tuple[int, int]:
    return item.size_wh if item.size_wh[0] else (rgb.shape[1], rgb.shape[0])


def _keep(kept: OrderedDict[tuple[object, ...], RGB] | OrderedDict[tuple[object, ...], Prepared]) -> None:
    """Let the oldest go until the rest is small enough; the newest stays."""
    used = sum(one.nbytes for one in kept.values())
    while used > KEEP_BYTES and len(kept) > 1:
        used -= kept.popitem(last=False)[1].nbytes
