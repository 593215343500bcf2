"""The widget that shows one image through a viewport with an overlay; the newest picture wins, and strokes cost little."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tui.canvas.cell_frame import CellFrame
from tui.canvas.frame import Frame, TileFrame
from tui.canvas.layer import Slots
from tui.canvas.marks import Mark, Rule
from tui.canvas.overlay import Overlay
from tui.canvas.render import Look
from tui.canvas.sprite_frame import SpriteFrame
from tui.canvas.strokes import moving_marks, still_marks
from tui.canvas.viewport import Viewport
from tui.picture.pieces import Pieces
from tui.picture.prepare import Prepared
from tui.picture.stage import Stage
from tui.picture.view import PictureView
from tui.terminal import Graphics, Terminal

Render = Callable[[Viewport, Look, tuple[int, int]], Awaitable[Prepared]]


@dataclass(frozen=True)
class Wish:
    """The picture that a canvas should show: `source` names the image, `viewport` and `look` how."""

    source: object
    viewport: Viewport
    look: Look
    size_cells: tuple[int, int]


class CanvasView(PictureView):
    """Asks `render` for pictures of the whole view, one at a time, and draws the overlay on the one that it has."""

    def __init__(self, stage: Stage, *, id: str | None = None) -> None:
        super().__init__(stage, id=id)
        self._slots = Slots()
        self._frame: Frame | None = None
        self._shown: Wish | None = None
        self._wanted: Wish | None = None
        self._make: Render | None = None
        self._overlay = Overlay()
        self._still: tuple[object, Viewport, tuple[Mark, ...]] | None = None
        self._working: asyncio.Task[None] | None = None
        self.on_trouble: Callable[[Exception], None] = lambda _error: None
        self.on_room: Callable[[], None] = lambda: None

    @property
    def cell_wh_px(self) -> tuple[int, int]:
        """Width and height of one cell in px."""
        return self._stage.terminal.cell_wh_px

    @property
    def view_wh_px(self) -> tuple[int, int]:
        """Width and height of the view in px; at least one cell."""
        (wide, high), (columns, rows) = self.cell_wh_px, self.size_cells
        return max(1, columns) * wide, max(1, rows) * high

    @property
    def picture(self) -> Pieces | None:
        """The frame, if it was made for the size and the terminal that there are now."""
        frame = self._frame
        return frame if frame is not None and frame.base.fits(self._stage.terminal, self.size_cells) else None

    @property
    def is_settled(self) -> bool:
        """True when what is wanted is what is shown."""
        return self._working is None and self._shown == self._wanted

    def display_image(self, source: object, viewport: Viewport, look: Look, overlay: Overlay, render: Render) -> None:
        """Show an image so; returns at once. An overlay for another viewport is drawn together with its picture."""
        self._overlay, self._make = overlay, render
        self._wanted = Wish(source, viewport, look, self.size_cells)
        if self._shown == self._wanted and self.picture is not None:
            self._draw_overlay()
        elif self._working is None:
            self._working = asyncio.get_running_loop().create_task(self._work())

    def clear(self, note: str = "") -> None:
        """Show nothing, or words in the picture's place."""
        self._note = note
        self._wanted = self._shown = self._frame = None
        self.refresh()

    async def _work(self) -> None:
        """Make pictures until the newest wish is shown; wishes in between are never begun."""
        try:
            while (wish := self._wanted) is not None and (wish != self._shown or self.picture is None):
                if not all(wish.size_cells):
                    break  # not laid out yet: the resize that comes asks again
                assert self._make is not None
                base = await self._make(wish.viewport, wish.look, wish.size_cells)
                if self._wanted is None or wish.source is not self._wanted.source:
                    continue
                if wish.size_cells != self.size_cells:
                    if wish == self._wanted:
                        break
                    continue
                self._frame, self._shown = self._framed(base), wish
                self._frame.show(*self._marks(wish.viewport))
                self.refresh()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._wanted = None
            self.on_trouble(error)
        finally:
            self._working = None

    def on_resize(self) -> None:
        """Words stood in its place when a picture was wished for: now there is room for it."""
        if self._wanted is not None and not all(self._wanted.size_cells):
            self.on_room()

    def on_unmount(self) -> None:
        """Nothing more is made."""
        if self._working is not None:
            self._working.cancel()
        super().on_unmount()

    def _framed(self, base: Prepared) -> Frame:
        terminal: Terminal = self._stage.terminal
        if base.graphics is Graphics.KITTY:
            return SpriteFrame(base, self._slots)
        if base.graphics is Graphics.CELLS:
            return CellFrame(base, self._slots, truecolor=terminal.truecolor)
        return TileFrame(base, self._slots)

    def _draw_overlay(self) -> None:
        assert self._frame is not None
        assert self._shown is not None
        if self._frame.show(*self._marks(self._shown.viewport)) and self._mark:
            self._stage.changed(self._mark)

    def _marks(self, viewport: Viewport) -> tuple[tuple[Mark, ...], tuple[Mark, ...]]:
        overlay = self._overlay
        if self._still is None or self._still[0] is not overlay.still or self._still[1] != viewport:
            self._still = (overlay.still, viewport, still_marks(overlay, viewport))
        moving = moving_marks(overlay, viewport, self.cell_wh_px)
        if (
            self._stage.terminal.is_xterm
        ):  # it keeps few sixels: what reaches from edge to edge would cost whole pictures
            moving = tuple(mark for mark in moving if not (isinstance(mark, Rule) and mark.is_ruler))
        return self._still[2], moving
