"""Pictures made ready in worker threads, for all sessions of a process: asked for twice, each is made once."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from core.annotation import HeldItem
from core.geometry import Polygon
from core.pixels.prompted import Prompt
from storage import dicom, open_store, pyramid
from storage.base import Store, Unreachable
from storage.dicom import Levels, Window
from storage.images import decode
from storage.pyramid import Pyramid
from tui.canvas.frame import BASE_COLORS
from tui.canvas.render import Look, render
from tui.canvas.viewport import Viewport
from tui.colors import Color
from tui.picture.prepare import Prepared, prepare
from tui.terminal import Terminal

PICTURE_THREADS = 2
AWAY_S = 2.0
CACHE_BYTES = 256 * 1024 * 1024
T = TypeVar("T")


class Segmenter(Protocol):
    """A model that finds the object in a box or under a point; one call at a time, in a thread."""

    def outline(self, image: Pyramid, prompt: Prompt) -> Polygon | None:
        """The object's outline, None where there is none. Raises Unavailable when the model cannot be had."""


def _key_of(
    datastore: str, item: HeldItem, terminal: Terminal, size_cells: tuple[int, int], background: Color
) -> tuple[object, ...]:
    look = (terminal.graphics, terminal.cell_wh_px, terminal.sixel_colors, terminal.is_xterm)
    return (datastore, item.path, item.etag, size_cells, background, look)


class Pictures:
    """Pictures made ready in worker threads, shared by all sessions of a process, newest kept within a bound of memory."""

    def __init__(self, cache_bytes: int = CACHE_BYTES, segmenter: Segmenter | None = None) -> None:
        self.segmenter = segmenter
        self._segmenting = ThreadPoolExecutor(1, thread_name_prefix="segment")
        self._pool = ThreadPoolExecutor(PICTURE_THREADS, thread_name_prefix="picture")
        self._stores: dict[str, Store] = {}
        self._ready: OrderedDict[tuple[object, ...], asyncio.Future[Prepared]] = OrderedDict()
        self._images: OrderedDict[tuple[object, ...], asyncio.Future[Pyramid]] = OrderedDict()
        self._away: dict[str, tuple[float, str]] = {}
        self._bytes = 0
        self._limit = cache_bytes

    async def get(
        self, datastore: str, item: HeldItem, terminal: Terminal, size_cells: tuple[int, int], background: Color
    ) -> Prepared:
        """One picture for one terminal and size; asked for twice, it is made once.

        Raises:
            UnreadableImage: the file cannot be shown.
            StorageError: the datastore cannot give it.
        """
        key = _key_of(datastore, item, terminal, size_cells, background)
        future = self._ready.get(key)
        if future is None or (future.done() and (future.cancelled() or future.exception() is not None)):
            loop = asyncio.get_running_loop()
            future = loop.run_in_executor(self._pool, self._make, datastore, item, terminal, size_cells, background)
            self._ready[key] = future
            future.add_done_callback(self._count)
        self._ready.move_to_end(key)
        return await asyncio.shield(future)

    def ready(
        self, datastore: str, item: HeldItem, terminal: Terminal, size_cells: tuple[int, int], background: Color
    ) -> Prepared | None:
        """The picture that `get` would give, where it is made already."""
        future = self._ready.get(_key_of(datastore, item, terminal, size_cells, background))
        made = future is not None and future.done() and not future.cancelled() and future.exception() is None
        return future.result() if future is not None and made else None

    def _make(
        self, datastore: str, item: HeldItem, terminal: Terminal, size_cells: tuple[int, int], background: Color
    ) -> Prepared:
        fit = (size_cells[0] * terminal.cell_wh_px[0], size_cells[1] * terminal.cell_wh_px[1])
        rgb = decode(self._bytes_of(datastore, item), path=item.path, fit_wh=fit)
        return prepare(rgb, terminal, size_cells, background)

    async def image(self, datastore: str, item: HeldItem, frame: int = 0, window: Window | None = None) -> Pyramid:
        """One image at all sizes, a DICOM one through a window if one is given; shared by the sessions that look at it.

        Raises:
            UnreadableImage, StorageError: as `get`.
        """
        key = (datastore, item.path, item.etag, frame, window)
        future = self._images.get(key)
        if future is None or (future.done() and (future.cancelled() or future.exception() is not None)):
            loop = asyncio.get_running_loop()
            future = self._images[key] = loop.run_in_executor(self._pool, self._open, datastore, item, frame, window)
            future.add_done_callback(lambda _done: self._drop_images())
        self._images.move_to_end(key)
        return await asyncio.shield(future)

    def _open(self, datastore: str, item: HeldItem, frame: int, window: Window | None) -> Pyramid:
        return pyramid.build(decode(self._bytes_of(datastore, item), path=item.path, frame=frame, window=window))

    async def levels(self, datastore: str, item: HeldItem, frame: int) -> Levels | None:
        """The window and the presets of a DICOM frame, None for one in colour. Raises UnreadableImage, StorageError."""
        return await self.look(lambda: dicom.levels(self._bytes_of(datastore, item), frame))

    def _bytes_of(self, datastore: str, item: HeldItem) -> bytes:
        """The file. A datastore that just did not answer is not asked again for a moment: it would keep every thread waiting."""
        until_s, why = self._away.get(datastore, (0.0, ""))
        if time.monotonic() < until_s:
            raise Unreachable(why)
        try:
            return self._store(datastore).get(item.path)
        except Unreachable as error:
            self._away[datastore] = (time.monotonic() + AWAY_S, str(error))
            raise

    def _drop_images(self) -> None:
        def ready(future: asyncio.Future[Pyramid]) -> bool:
            return future.done() and not future.cancelled() and future.exception() is None

        used = sum(future.result().nbytes for future in self._images.values() if ready(future))
        while used > self._limit and len(self._images) > 1:
            key = next(iter(self._images))
            oldest = self._images.pop(key)
            used -= oldest.result().nbytes if ready(oldest) else 0

    async def view(
        self,
        image: Pyramid,
        viewport: Viewport,
        look: Look,
        terminal: Terminal,
        size_cells: tuple[int, int],
        color: Color,
    ) -> Prepared:
        """What a viewport shows of an image, ready for one terminal."""

        def make() -> Prepared:
            rgb = render(image, viewport, look, color)
            return prepare(rgb, terminal, size_cells, color, colors=BASE_COLORS)

        return await asyncio.get_running_loop().run_in_executor(self._pool, make)

    async def look(self, see: Callable[[], T]) -> T:
        """What a function sees in an image's pixels, in a worker thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, see)

    async def outline(self, image: Pyramid, prompt: Prompt) -> Polygon | None:
        """What the segmenter, where there is one, finds by a prompt; pictures are not kept waiting by it. Raises Unavailable."""
        if self.segmenter is None:
            return None
        see = self.segmenter.outline
        return await asyncio.get_running_loop().run_in_executor(self._segmenting, see, image, prompt)

    def _store(self, datastore: str) -> Store:
        return self._stores.get(datastore) or self._stores.setdefault(datastore, open_store(datastore))

    def _count(self, done: asyncio.Future[Prepared]) -> None:
        if done.cancelled() or done.exception() is not None:
            return
        self._bytes += done.result().nbytes
        while self._bytes > self._limit and len(self._ready) > 1:
            _, oldest = self._ready.popitem(last=False)
            if oldest.done() and not oldest.cancelled() and oldest.exception() is None:
                self._bytes -= oldest.result().nbytes

    def close(self) -> None:
        """Let the threads go."""
        for pool in (self._pool, self._segmenting):
            pool.shutdown(wait=False, cancel_futures=True)
