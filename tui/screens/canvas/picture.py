"""One image on the canvas: opened, made ahead, seen from nearer, turned, brighter, another of its pages. Nothing is drawn on it."""

from __future__ import annotations

from functools import partial

from core.annotation import HeldItem
from core.geometry import Point
from storage.base import StorageError, UnreadableImage
from storage.dicom import Window
from storage.pyramid import Pyramid
from tui.canvas.looking import looked, other_page, zoomed
from tui.canvas.render import Look
from tui.canvas.view import CanvasView
from tui.canvas.viewport import Viewport
from tui.colors import rgb_of
from tui.desk import LabelingDesk
from tui.keymap import Scope
from tui.picture.prepare import Prepared
from tui.screens.work.screen import WorkScreen
from tui.widgets.region_list import RegionList

LIST_FROM_COLUMNS = 100


class PictureScreen(WorkScreen):
    """What is looked at and how. Before the image is open, nothing is zoomed and nothing happens."""

    SCOPES = (Scope.EVERYWHERE, Scope.REGIONS, Scope.LABELING, Scope.PICTURE)

    def __init__(self, desk: LabelingDesk) -> None:
        super().__init__(desk, 1)
        self._image: Pyramid | None = None
        self._frame = 0
        self._window: Window | None = None
        self._viewport: Viewport | None = None
        self._look = Look()
        self._ahead: tuple[object, Viewport, Prepared] | None = None

    # What a subclass does.

    def _view_moved(self, before: Viewport | None = None) -> None:
        """The viewport is another one, of the same image where `before` is given: what lies over the picture has to follow."""
        raise NotImplementedError

    def _focus_xy(self) -> Point:
        """The image point that zooming keeps in place."""
        raise NotImplementedError

    @property
    def canvas(self) -> CanvasView:
        """The picture."""
        return self.query_one(CanvasView)

    @property
    def _item(self) -> HeldItem | None:
        return self.page.items[0] if self.page.items else None

    # Opening.

    def _load_pictures(self) -> None:
        """Open the page's image; what was zoomed belongs to the image before."""
        self.workers.cancel_group(self, "pictures")
        item = self._item
        if item is None:
            self.canvas.clear()
            return
        self._frame, self._window, self._image, self._viewport = 0, None, None, None
        self.run_worker(partial(self._open, item), group="pictures")  # type: ignore[arg-type]

    async def _open(self, item: HeldItem) -> None:
        try:
            get = partial(self._desk.desk.pictures.image, self._desk.project.datastore, item, self._frame, self._window)
            image = await self._once_there(get, self.canvas.clear)
        except UnreadableImage as error:
            await self._drop_unreadable(item, str(error))
            return
        except StorageError as error:
            self.say(str(error), severity="error")
            return
        self._image = image
        if self._viewport is None or self._viewport.image_wh != image.image_wh:
            self._viewport = Viewport.fitting(image.image_wh, self.canvas.view_wh_px)
            self._view_moved()
        self._draw()

    async def _prepare_ahead(self) -> None:
        """Open the next image and make its first picture while this one is labeled."""
        if not self._holding.waiting or not self.canvas.size.width:
            return
        item = self._holding.waiting[0]
        image = await self._desk.desk.pictures.image(self._desk.project.datastore, item)
        viewport = Viewport.fitting(image.image_wh, self.canvas.view_wh_px)
        size = (self.canvas.size.width, self.canvas.size.height)
        self._ahead = (image, viewport, await self._make_view(image, viewport, Look(), size))

    async def _make_view(self, image: Pyramid, viewport: Viewport, look: Look, size: tuple[int, int]) -> Prepared:
        color = rgb_of(self.app.theme_variables["background"])
        return await self._desk.desk.pictures.view(image, viewport, look, self.terminal, size, color)

    async def _make(self, viewport: Viewport, look: Look, size: tuple[int, int]) -> Prepared:
        image = self._image
        assert image is not None
        if self._ahead is not None and self._ahead[:2] == (image, viewport) and look == Look():
            ready = self._ahead[2]
            if ready.fits(self.terminal, size):
                return ready
        return await self._make_view(image, viewport, look, size)

    # The room for it.

    def on_resize(self) -> None:
        """Another size: the same part of the image, and room for other words."""
        self._fit_list()
        self._show_labels()
        self._refit()

    def _refit(self) -> None:
        self.call_after_refresh(self._resized)

    def _resized(self) -> None:
        if self._viewport is not None:
            self._see(self._viewport.resized(self.canvas.view_wh_px))

    def _fit_list(self) -> None:
        self.query_one(RegionList).display = self.size.width >= LIST_FROM_COLUMNS

    def _hide_work(self) -> None:
        self.query_one("#work").display = False

    # Looking.

    def _see(self, viewport: Viewport) -> None:
        before, self._viewport = self._viewport, viewport
        self._view_moved(before)
        self._draw()

    def action_zoom(self, name: str) -> None:
        """Nearer, farther, all of it, or px for px."""
        if self._viewport is not None:
            self._see(zoomed(self._viewport, name, self._focus_xy()))

    def action_look(self, name: str) -> None:
        """Brighter, darker, more or less contrast; the file stays as it is."""
        self._look = looked(self._look, name)
        self._draw()

    def action_rotate(self) -> None:
        """A quarter turn of the view; regions stay where they are on the image."""
        if self._viewport is not None:
            self._see(self._viewport.rotated())

    def action_page(self, name: str) -> None:
        """Another page of a file of several."""
        item = self._item
        if item is None or item.frames < 2:
            self._tell("this file has one page")
            return
        self._frame = other_page(self._frame, name, item.frames)
        self._tell("")
        self.run_worker(partial(self._open, item), group="pictures", exclusive=True)  # type: ignore[arg-type]
