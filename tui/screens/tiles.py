"""The pictures of a classification page: each as it is made for its tile, or looked at from nearer, turned, brighter, another frame."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

from core.annotation import HeldItem
from core.ids import ItemId
from storage.base import StorageError, UnreadableImage
from storage.dicom import Window
from storage.pyramid import Pyramid
from tui.canvas.looking import looked, other_page, zoomed
from tui.canvas.render import Look
from tui.canvas.viewport import Viewport
from tui.colors import Color, rgb_of
from tui.desk import LabelingDesk
from tui.picture.prepare import Prepared
from tui.screens.leveled import ARROWS, Aim
from tui.screens.work.screen import WorkScreen
from tui.terminal import Terminal
from tui.widgets.tile import Tile

PAN_PX = 48
AS_IT_IS = Look()
Cells = tuple[int, int]


@dataclass(frozen=True)
class Viewing:
    """How one image is looked at, where that is not as it came; without a viewport all of it is seen."""

    frame: int = 0
    window: Window | None = None
    look: Look = AS_IT_IS
    viewport: Viewport | None = None


class TilesScreen(WorkScreen):
    """Keys for looking are about the image in focus; how it is looked at goes when it leaves the page."""

    def __init__(self, desk: LabelingDesk, page_size: int) -> None:
        super().__init__(desk, page_size)
        self._viewings: dict[ItemId, Viewing] = {}

    @property
    def _focused(self) -> HeldItem | None:
        page = self.page
        return page.items[page.focus] if page.focus < len(page.items) else None

    @property
    def _viewing(self) -> Viewing:
        item = self._focused
        return Viewing() if item is None else self._viewings.get(item.item, Viewing())

    # As they came.

    async def _prepare_ahead(self) -> None:
        sizes = [tile.view.size for tile in self.query(Tile)]
        for item, size in zip(self._holding.waiting, sizes, strict=False):
            if size.width and size.height:
                wanted = self._wanted(item, (size.width, size.height))
                await asyncio.gather(self._desk.desk.pictures.get(*wanted), return_exceptions=True)

    def _wanted(self, item: HeldItem, size_cells: Cells) -> tuple[str, HeldItem, Terminal, Cells, Color]:
        """What `Pictures` is asked for."""
        return self._desk.project.datastore, item, self.terminal, size_cells, self._background

    @property
    def _background(self) -> Color:
        return rgb_of(self.app.theme_variables["background"])

    def _load_pictures(self) -> None:
        """Show each item's picture as soon as it is made."""
        # Workers that may be cancelled before they begin are given the function: a coroutine would never be awaited.
        self.workers.cancel_group(self, "pictures")
        items = self.page.items
        self._viewings = {one.item: self._viewings[one.item] for one in items if one.item in self._viewings}
        for place, tile in enumerate(self.query(Tile)):
            if place >= len(items):
                tile.view.show(None)
            elif items[place].item in self._viewings:
                self._view(tile, items[place])
            elif not self._show_at_once(tile, items[place]):
                self.run_worker(partial(self._load_picture, tile, items[place]), group="pictures")  # type: ignore[arg-type]

    def _show_at_once(self, tile: Tile, item: HeldItem) -> bool:
        """Show a picture that was made ahead in the same frame as everything else; False where it is not there."""
        size = tile.view.size
        made = self._desk.desk.pictures.ready(*self._wanted(item, (size.width, size.height)))
        tile.view.show(made)  # the picture of another item never stays over this one's name
        return made is not None

    async def _load_picture(self, tile: Tile, item: HeldItem) -> None:
        wanted = self._wanted(item, tile.view.size_cells)
        await self._show_made(tile, item, None, partial(self._desk.desk.pictures.get, *wanted))

    async def _show_made(
        self, tile: Tile, item: HeldItem, viewing: Viewing | None, make: Callable[[], Awaitable[Prepared]]
    ) -> None:
        """Show what is made, or why nothing is, unless the image is looked at in another way by then."""
        if not all(tile.view.size_cells):
            return

        def show(made: Prepared | None, note: str = "") -> None:
            if self._viewings.get(item.item) is viewing:
                tile.view.show(made, note)

        try:
            show(await self._once_there(make, partial(show, None)))
        except UnreadableImage as error:
            await self._drop_unreadable(item, str(error))
        except StorageError as error:
            show(None)
            self.say(str(error), severity="error")

    # Looked at in another way.

    def _look_through(self, viewing: Viewing) -> None:
        """Look at the image in focus so."""
        item = self._focused
        if item is not None:
            self._viewings[item.item] = viewing
            self._view(self.query(Tile)[self.page.focus], item)

    def _view(self, tile: Tile, item: HeldItem) -> None:
        viewing = self._viewings[item.item]
        make = partial(self._make_view, tile, item, viewing)
        shown = partial(self._show_made, tile, item, viewing, make)
        self.run_worker(shown, group=f"pictures of {tile.id}", exclusive=True)  # type: ignore[arg-type]

    async def _make_view(self, tile: Tile, item: HeldItem, viewing: Viewing) -> Prepared:
        image = await self._image(item, viewing)
        viewport = self._viewport(tile, image, viewing)
        pictures, size = self._desk.desk.pictures, tile.view.size_cells
        return await pictures.view(image, viewport, viewing.look, self.terminal, size, self._background)

    async def _image(self, item: HeldItem, viewing: Viewing) -> Pyramid:
        pictures = self._desk.desk.pictures
        return await pictures.image(self._desk.project.datastore, item, viewing.frame, viewing.window)

    def _viewport(self, tile: Tile, image: Pyramid, viewing: Viewing) -> Viewport:
        """The viewport as it is on a tile of this size; all of an image that has another size than the one before."""
        wide, high = self.terminal.cell_wh_px
        view_wh_px = (tile.view.size.width * wide, tile.view.size.height * high)
        if viewing.viewport is None or viewing.viewport.image_wh != image.image_wh:
            return Viewport.fitting(image.image_wh, view_wh_px)
        return viewing.viewport.resized(view_wh_px)

    async def _change_view(self, change: Callable[[Viewport], Viewport]) -> None:
        """Look at the image in focus so, once it is there in its own size."""
        item = self._focused
        if item is not None:
            await self.in_time(partial(self._change_view_of, item, change))

    async def _change_view_of(self, item: HeldItem, change: Callable[[Viewport], Viewport]) -> None:
        image = await self.ask(self._image(item, self._viewing))
        if image is not None and self._focused is item:
            tile, viewing = self.query(Tile)[self.page.focus], self._viewing
            self._look_through(replace(viewing, viewport=change(self._viewport(tile, image, viewing))))
            self._show_header()

    # Keys.

    async def action_zoom(self, name: str) -> None:
        """Nearer, farther, all of it, or px for px."""
        await self._change_view(lambda view: zoomed(view, name, view.center_xy))

    async def action_rotate(self) -> None:
        """A quarter turn of the view."""
        await self._change_view(Viewport.rotated)

    async def _pan(self, arrow: str) -> bool:
        """Move over the image in focus; False where all of it is seen."""
        viewport = self._viewing.viewport
        if viewport is None or not viewport.is_enlarged:
            return False
        across, down = ARROWS[arrow]
        await self._change_view(lambda view: view.panned(across * PAN_PX, down * PAN_PX))
        return True

    def action_look(self, name: str) -> None:
        """Brighter, darker, more or less contrast; the file stays as it is."""
        viewing = self._viewing
        self._look_through(replace(viewing, look=looked(viewing.look, name)))

    def action_page(self, name: str) -> None:
        """Another page or frame of a file of several."""
        item, viewing = self._focused, self._viewing
        if item is None or item.frames < 2:
            self._tell("this file has one page")
            return
        frame = other_page(viewing.frame, name, item.frames)
        self._tell(f"page {frame + 1} of {item.frames}")
        self._look_through(replace(viewing, frame=frame))

    # Window and level.

    def _leveled_image(self) -> Aim | None:
        item = self._focused
        if item is None:
            return None
        return Aim(self._desk.project.datastore, item, self._viewing.frame, self._viewing.window)

    def _see_through(self, window: Window) -> None:
        self._look_through(replace(self._viewing, window=window))
