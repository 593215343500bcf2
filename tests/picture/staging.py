"""Scenarios on a terminal in memory: a gallery that is played, and whether each of its pictures is seen right."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.picture.gallery import Gallery
from tests.screen.app import ScreenDriver, make_terminal, running, until
from tests.screen.terminal import Screen
from tui.picture.prepare import Prepared
from tui.picture.stage import Stage
from tui.terminal import Graphics

PIXELS = [Graphics.SIXEL, Graphics.ITERM2, Graphics.KITTY]
Scenario = Callable[[Gallery, ScreenDriver, Screen], Awaitable[None]]


def play(graphics: Graphics, scenario: Scenario, *, count: int = 1, name: str = "test") -> None:
    """Run a scenario in a gallery of so many pictures."""
    screen = Screen(60, 24)
    stage = Stage(make_terminal(screen, graphics, name))
    app = Gallery(stage, count)

    async def act() -> None:
        async with running(app, stage, screen) as driver:
            await until(lambda: app.views[-1].size.width > 0 and "last line" in screen.text(), app)
            await scenario(app, driver, screen)

    asyncio.run(act())


def drawn(picture: Prepared) -> NDArray[np.uint8]:
    """What a picture should look like on the screen, from its own data; uint8 (H, W, 3)."""
    if picture.png:
        return np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB"))
    if picture.indexes is not None and picture.palette is not None:
        return picture.palette[picture.indexes]
    assert picture.pixels is not None
    return picture.pixels


def seen_right(
    app: Gallery, screen: Screen, pictures: list[Prepared], *, hidden: tuple[int, int, int, int] | None
) -> bool:
    """True when every picture is seen whole, but for a hidden rectangle (column, row, columns, rows); no pixel else."""
    wide, high = screen.cell_wh_px
    expected = np.zeros((screen.rows * high, screen.columns * wide, 4), np.int16)
    for view, picture in zip(app.views, pictures, strict=True):
        x, y = view.origin[0] * wide, view.origin[1] * high
        pixels = drawn(picture)
        expected[y : y + pixels.shape[0], x : x + pixels.shape[1], :3] = pixels
        expected[y : y + pixels.shape[0], x : x + pixels.shape[1], 3] = 255
    if hidden is not None:
        x, y, columns, rows = hidden
        expected[y * high : (y + rows) * high, x * wide : (x + columns) * wide] = 0
    seen = screen.pixels().astype(np.int16)
    if (seen[..., 3] != expected[..., 3]).any():
        return False
    difference = np.abs(seen[..., :3] - expected[..., :3])
    worst, mean = (3, 2.0) if pictures[0].graphics is not Graphics.ITERM2 else (255, 3.0)
    return bool(difference.max() <= worst and difference.mean() <= mean)


def box(app: Gallery) -> tuple[int, int, int, int]:
    """Where the dialog is."""
    region = app.screen.query_one("#box").region
    return region.x, region.y, region.width, region.height
