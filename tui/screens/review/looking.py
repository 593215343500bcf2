"""One image on a review screen: zoom, pan, turn, brightness, pages. What lies over it is the subclass's business."""

from __future__ import annotations

from functools import partial

from core.oversight.browse import Browsed
from storage.base import StorageError
from storage.dicom import Window
from storage.pyramid import Pyramid
from tui.canvas.looking import looked, other_page, zoomed
from tui.canvas.overlay import Outline, Overlay
from tui.canvas.render import Look
from tui.canvas.view import CanvasView
from tui.canvas.viewport import Viewport
from tui.colors import rgb_of
from tui.picture.prepare import Prepared
from tui.reviewer import held
from tui.screens.coming import once_there
from tui.screens.leveled import Aim
from tui.screens.review.base import ReviewScreen
from tui.walk import Walk
from tui.widgets.line import Line

PAN_PX = 64
STEPS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}


class LookingScreen(ReviewScreen):
    """Has a CanvasView; the picture follows what `_show_picture` is given."""

    def __init__(self, walk: Walk) -> None:
        super().__init__(walk)
        self._image: Pyramid | None = None
        self._viewport: Viewport | None = None
        self._look = Look()
        self._frame = 0
        self._window: Window | None = None
        self._pictured: Browsed | None = None
        self._is_overlay_shown = True
        self._trouble = ""

    @property
    def canvas(self) -> CanvasView:
        """The picture."""
        return self.query_one(CanvasView)

    def _outlines(self) -> tuple[Outline, ...]:
        """The regions over the picture; the same tuple while they are the same."""
        raise NotImplementedError

    def _show_trouble(self) -> None:
        """Say why there is no picture, or that there is one again."""
        raise NotImplementedError

    # The picture.

    def _show_picture(self, item: Browsed | None) -> None:
        """Open the item's image, unless it is the one that is shown."""
        was, self._pictured = self._pictured, item
        self._aim_at(None if item is None else held(item))
        if item is None:
            self.canvas.clear()
        elif was is None or (was.path, was.etag) != (item.path, item.etag):
            self._image, self._viewport, self._frame, self._window = None, None, 0, None
            self.canvas.clear()
            self._open(item)
        else:
            self._redraw()

    def _open(self, item: Browsed) -> None:
        self.workers.cancel_group(self, "picture")
        self.run_worker(partial(self._load, item, self._frame, self._window), group="picture")  # type: ignore[arg-type]

    async def _load(self, item: Browsed, frame: int, window: Window | None) -> None:
        get = partial(self.desk.pictures.image, self.reviewer.project.datastore, held(item), frame, window)
        try:
            image = await once_there(get, self.canvas.clear)
        except StorageError as error:
            self._trouble = str(error)
        else:
            self._trouble, self._image = "", image
            if self._viewport is None or self._viewport.image_wh != image.image_wh:
                self._viewport = Viewport.fitting(image.image_wh, self.canvas.view_wh_px)
        self._show_trouble()
        self._redraw()

    def _redraw(self) -> None:
        if self._image is not None and self._viewport is not None:
            overlay = Overlay(self._outlines() if self._is_overlay_shown else ())
            self.canvas.display_image(self._image, self._viewport, self._look, overlay, self._make)

    async def _make(self, viewport: Viewport, look: Look, size: tuple[int, int]) -> Prepared:
        color = rgb_of(self.app.theme_variables["background"])
        assert self._image is not None
        return await self.desk.pictures.view(self._image, viewport, look, self.terminal, size, color)

    def on_resize(self) -> None:
        """Another size: the same part of the image."""
        self.call_after_refresh(self._resized)

    def _resized(self) -> None:
        if self._viewport is not None:
            self._viewport = self._viewport.resized(self.canvas.view_wh_px)
            self._redraw()

    # Window and level.

    def _leveled_image(self) -> Aim | None:
        item = self._pictured
        if item is None or self._image is None:
            return None
        return Aim(self.reviewer.project.datastore, held(item), self._frame, self._window)

    def _see_through(self, window: Window) -> None:
        self._window = window
        if self._pictured is not None:
            self._open(self._pictured)

    def _show_levels(self) -> None:
        """In the place of the footer, which comes back after it."""
        line = self.query_one("#keys", Line)
        if self._leveling is not None:
            line.show(self._leveling.parts(), self._leveling.keys(), group=2)
        else:
            self.show_footer(line)

    # Looking.

    @property
    def _is_enlarged(self) -> bool:
        return self._viewport is not None and self._viewport.is_enlarged

    def _see(self, viewport: Viewport) -> None:
        self._viewport = viewport
        self._redraw()

    def _pan(self, name: str) -> None:
        assert self._viewport is not None
        across, down = STEPS[name]
        self._see(self._viewport.panned(across * PAN_PX, down * PAN_PX))

    def action_zoom(self, name: str) -> None:
        """Nearer, farther, all of it, or px for px."""
        if self._viewport is not None:
            self._see(zoomed(self._viewport, name, self._viewport.center_xy))

    def action_look(self, name: str) -> None:
        """Brighter, darker, more or less contrast; the file stays as it is."""
        self._look = looked(self._look, name)
        self._redraw()

    def action_rotate(self) -> None:
        """A quarter turn of the view."""
        if self._viewport is not None:
            self._see(self._viewport.rotated())

    def action_overlay(self) -> None:
        """Regions on or off."""
        self._is_overlay_shown = not self._is_overlay_shown
        self._redraw()

    def action_page(self, name: str) -> None:
        """Another page of a file of several."""
        item = self._pictured
        if item is None or item.frames < 2:
            self.say("This file has one page.")
            return
        self._frame = other_page(self._frame, name, item.frames)
        self.say(f"Page {self._frame + 1} of {item.frames}.")
        self._open(item)
