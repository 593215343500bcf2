"""Runs a real Textual app on the terminal in memory, through the stage, as a session's driver does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from textual.app import App
from textual.driver import Driver
from textual.events import Resize
from textual.geometry import Size

from tests.screen.terminal import Screen
from tui.picture.stage import Stage
from tui.terminal import Terminal

WAIT_S = 10.0


class ScreenDriver(Driver):
    """Text goes out at once; pictures wait in `lane` while `hold` is set, as on a slow link."""

    def __init__(self, app: App[Any], *, stage: Stage, screen: Screen, **options: Any) -> None:
        super().__init__(app, **options)
        self.stage, self.screen = stage, screen
        self.stage.on_due = self.flush
        self.hold = False
        self.lane: dict[str, Iterator[bytes]] = {}
        self.text_bytes = self.bulk_bytes = 0
        self._parts: list[str] = []

    def write(self, data: str) -> None:
        """Collect until the flush, as the SSH driver does."""
        self._parts.append(data)

    def flush(self) -> None:
        """Text out, then pictures."""
        text = self.stage.resolve("".join(self._parts)).encode()
        self._parts.clear()
        self.text_bytes += len(text)
        self.screen.feed(text)
        for key, pieces in self.stage.take_jobs():
            self.lane.pop(key, None)
            self.lane[key] = pieces
        if not self.hold:
            self.pump()

    def pump(self, pieces: int = 1_000_000) -> None:
        """Let so many pieces through."""
        while self.lane and pieces:
            key = next(iter(self.lane))
            piece = next(self.lane[key], None)
            if piece is None:
                del self.lane[key]
                continue
            pieces -= 1
            self.bulk_bytes += len(piece)
            self.screen.feed(piece)

    def start_application_mode(self) -> None:
        """Alternate screen, cleared; then the app learns its size."""
        self.write("\x1b[?1049h\x1b[2J\x1b[H\x1b[?25l\x1b[?7l")
        self.flush()
        self.resized()

    def resized(self) -> None:
        """Tell the app the size of the window."""
        size = Size(self.screen.columns, self.screen.rows)
        self._size = (size.width, size.height)
        self._app.post_message(Resize(size, size))

    def disable_input(self) -> None:
        """There is none."""

    def stop_application_mode(self) -> None:
        """Back to the main screen."""
        self.write("\x1b[?1049l")
        self.flush()

    def close(self) -> None:
        """Nothing is open."""


@asynccontextmanager
async def running(app: App[Any], stage: Stage, screen: Screen) -> AsyncIterator[ScreenDriver]:
    """The app's driver, while the app runs."""
    app.driver_class = partial(ScreenDriver, stage=stage, screen=screen)  # type: ignore[assignment]
    task = asyncio.create_task(app.run_async(size=(screen.columns, screen.rows), mouse=False))
    try:
        await until(lambda: app.is_running and app._driver is not None and not app._batch_count, app)
        driver = app._driver
        assert isinstance(driver, ScreenDriver)
        with app._context():
            yield driver
    finally:
        app.exit()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(task, WAIT_S)


async def until(fact: Callable[[], bool], app: App[Any]) -> None:
    """Wait for a fact; fail after ten seconds."""
    deadline = asyncio.get_running_loop().time() + WAIT_S
    while not fact():
        if app._exception is not None:
            raise app._exception
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError("the fact that the test waits for did not come about")
        await asyncio.sleep(0.01)


def make_terminal(screen: Screen, graphics: Any, name: str = "test") -> Terminal:
    """The capabilities that this screen would have answered with."""
    return Terminal(
        name=name, size_cells=(screen.columns, screen.rows), cell_wh_px=screen.cell_wh_px, graphics=graphics
    )
