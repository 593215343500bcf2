"""Pictures made ready in worker threads, for all sessions of a process: asked for twice, each is made once."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol, TypeVar

from core.annotation import HeldItem
from core.geometry import Polygon
from core.pixels.prompted import Prompt
from storage import dicom, pyramid
from storage.base import StorageError
from storage.dicom import Levels, Window
from storage.images import decode
from storage.pyramid import Pyramid
from tui.canvas.frame import BASE_COLORS
from tui.canvas.render import Look, render
from tui.canvas.viewport import Viewport
from tui.colors import Color
from tui.picture.prepare import Prepared, prepare
from tui.picture_files import PictureFiles
from tui.terminal import Terminal

PICTURE_THREADS = 2
CACHE_BYTES = 256 * 1024 * 1024
T = TypeVar("T")


class Segmenter(Protocol):
    """A model that finds the object in a box or under a point; one call at a time, in a thread."""

    def outline(self, image: Pyramid, prompt: Prompt) -> Polygon | None:
        """The object's outline, None where there is none. Raises Unavailable when the model cannot be had."""


class NobodyWaits(StorageError):
    """A picture was not made, since who had asked for it went on."""


def _key_of(
    datastore: str, item: HeldItem, terminal: Terminal, size_cells: tuple[int, int], background: Color
) -> tuple[object, ...]:
    look = (terminal.graphics, terminal.cell_wh_px, terminal.sixel_colors, terminal.is_xterm)
    return (datastore, item.path, item.etag, size_cells, background, look)


def _forget_failed(
    known: OrderedDict[tuple[object, ...], asyncio.Future[T]], key: tuple[object, ...], done: asyncio.Future[T]
) -> None:
    """What could not be made is tried anew when it is asked for; its error would keep the whole file in memory."""
    if (done.cancelled() or done.exception() is not None) and known.get(key) is done:
        del known[key]


class Pictures:
    """Pictures made ready in worker threads, shared by all sessions of a process, newest kept within a bound of memory."""

    def __init__(self, cache_bytes: int = CACHE_BYTES, segmenter: Segmenter | None = None) -> None:
        self.segmenter = segmenter
        self._segmenting = ThreadPoolExecutor(1, thread_name_prefix="segment")
        self._pool = ThreadPoolExecutor(PICTURE_THREADS, thread_name_prefix="picture")
        self._files = PictureFiles()
        self._ready: OrderedDict[tuple[object, ...], asyncio.Future[Prepared]] = OrderedDict()
        self._images: OrderedDict[tuple[object, ...], asyncio.Future[Pyramid]] = OrderedDict()
        self._wanted: Counter[tuple[object, ...]] = Counter()
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
        fit = (size_cells[0] * terminal.cell_wh_px[0], size_cells[1] * terminal.cell_wh_px[1])

        def make(data: bytes) -> Prepared:
            return prepare(decode(data, path=item.path, fit_wh=fit), terminal, size_cells, background)

        count = partial(self._count, key)
        return await self._once(self._ready, key, lambda: self._made(key, datastore, item.path, make), count)

    def ready(
        self, datastore: str, item: HeldItem, terminal: Terminal, size_cells: tuple[int, int], background: Color
    ) -> Prepared | None:
        """The picture that `get` would give, where it is made already."""
        future = self._ready.get(_key_of(datastore, item, terminal, size_cells, background))
        made = future is not None and future.done() and not future.cancelled() and future.exception() is None
        return future.result() if future is not None and made else None

    async def image(self, datastore: str, item: HeldItem, frame: int = 0, window: Window | None = None) -> Pyramid:
        """One image at all sizes, a DICOM one through a window if one is given; shared by the sessions that look at it.

        Raises:
            UnreadableImage, StorageError: as `get`.
        """
        key = (datastore, item.path, item.etag, frame, window)

        def build(data: bytes) -> Pyramid:
            return pyramid.build(decode(data, path=item.path, frame=frame, window=window))

        made = self._made
        return await self._once(self._images, key, lambda: made(key, datastore, item.path, build), self._drop_images)

    async def levels(self, datastore: str, item: HeldItem, frame: int) -> Levels | None:
        """The window and the presets of a DICOM frame, None for one in colour. Raises UnreadableImage, StorageError."""
        return await self.seen(datastore, item.path, lambda data: dicom.levels(data, frame))

    async def seen(self, datastore: str, path: str, see: Callable[[bytes], T]) -> T:
        """What a function makes of a file, in a worker thread that does not wait for the datastore. Raises StorageError."""
        async with self._files.turn(datastore) as door:
            data = await self._files.read(door, path)
            return await self.look(lambda: see(data))

    async def _once(
        self,
        known: OrderedDict[tuple[object, ...], asyncio.Future[T]],
        key: tuple[object, ...],
        make: Callable[[], Awaitable[T]],
        done: Callable[[asyncio.Future[T]], None],
    ) -> T:
        """What is made already, or is being made, or is made now; whoever waits may go away, the others wait on."""
        future = known.get(key)
        if future is None or (future.done() and (future.cancelled() or future.exception() is not None)):
            future = known[key] = asyncio.ensure_future(make())
            future.add_done_callback(done)
            future.add_done_callback(partial(_forget_failed, known, key))
        known.move_to_end(key)
        self._wanted[key] += 1
        try:
            return await asyncio.shield(future)
        finally:
            self._wanted[key] -= 1
            if not self._wanted[key]:
                del self._wanted[key]

    async def _made(self, key: tuple[object, ...], datastore: str, path: str, make: Callable[[bytes], T]) -> T:
        """The same as `seen`, unless nobody wants it any more when its turn comes: pages may be left before they are there."""
        async with self._files.turn(datastore) as door:
            if not self._wanted[key]:
                raise NobodyWaits
            data = await self._files.read(door, path)
            return await self.look(lambda: make(data))

    def _drop_images(self, _done: asyncio.Future[Pyramid]) -> None:
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

    def _count(self, key: tuple[object, ...], done: asyncio.Future[Prepared]) -> None:
        if done.cancelled() or done.exception() is not None or self._ready.get(key) is not done:
            return  # nothing was made, or it made room for others while it was on its way
        self._bytes += done.result().nbytes
        while self._bytes > self._limit and len(self._ready) > 1:
            _, oldest = self._ready.popitem(last=False)
            if oldest.done() and not oldest.cancelled() and oldest.exception() is None:
                self._bytes -= oldest.result().nbytes

    def close(self) -> None:
        """Let the threads go."""
        for pool in (self._pool, self._segmenting):
            pool.shutdown(wait=False, cancel_futures=True)
        self._files.close()
