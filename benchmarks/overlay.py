"""What one move of the crosshair costs while a box is drawn on a view of 1024x768 px: server ms and bytes, by protocol.

The baseline is the usual way: encode and send the whole frame again at each move.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from textual.app import App, ComposeResult

from benchmarks.rig.report import latencies_ms
from core.geometry import Box, Point
from sshd.demo import PHOTOS
from storage.pyramid import Pyramid, build
from tests.screen.app import ScreenDriver, running, until
from tui.canvas.frame import BASE_COLORS, Frame
from tui.canvas.overlay import Outline, Overlay
from tui.canvas.render import Look, render
from tui.canvas.strokes import moving_marks, still_marks
from tui.canvas.view import CanvasView
from tui.canvas.viewport import Viewport
from tui.picture.damage import CellRect
from tui.picture.pieces import ID_SHIFT
from tui.picture.prepare import Prepared, prepare
from tui.picture.stage import Stage
from tui.terminal import Graphics, Terminal

CELL, SIZE_CELLS = (8, 16), (128, 49)
BACKGROUND = (17, 21, 28)
MOVES, MANY = 200, 1000
KITTY_BYTES, KITTY_MS, SIXEL_BYTES, SIXEL_MS = 1000, 1.0, 20_000, 3.0


class Sink:
    """Takes the place of a screen: counts, shows nothing."""

    def __init__(self) -> None:
        self.columns, self.rows = SIZE_CELLS

    def feed(self, data: bytes) -> None:
        """Take output."""


class Studio(App[None]):
    """One canvas of 1024x768 px over one line."""

    CSS = "CanvasView { width: 128; height: 48; }"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, stage: Stage, image: Pyramid) -> None:
        super().__init__()
        self.stage, self.image = stage, image
        self.canvas = CanvasView(stage)

    def compose(self) -> ComposeResult:
        """The canvas."""
        yield self.canvas

    async def make(self, viewport: Viewport, look: Look, size_cells: tuple[int, int]) -> Prepared:
        """A picture of the view."""
        rgb = render(self.image, viewport, look, BACKGROUND)
        return prepare(rgb, self.stage.terminal, size_cells, BACKGROUND, colors=BASE_COLORS)

    def draw(self, viewport: Viewport, overlay: Overlay) -> None:
        """Show it so; all of it happens before this returns, the picture itself excepted."""
        self.canvas.display_image(self.image, viewport, Look(), overlay, self.make)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Figures a protocol, with few regions and with a thousand."""
    photo = sorted((args.photos or PHOTOS / "cells").rglob("*.jpg"))[0]
    found = {way.value: asyncio.run(_way(way, photo, 10)) for way in Graphics}
    many = {way.value: asyncio.run(_way(way, photo, MANY)) for way in Graphics}
    met = {
        f"kitty p50 and p99 under {KITTY_BYTES} B": found["kitty"]["bytes_p99"] < KITTY_BYTES,
        f"kitty p50 and p99 (of the CPU) under {KITTY_MS} ms": _within(found["kitty"], KITTY_MS),
        f"sixel p50 and p99 under {SIXEL_BYTES} B": found["sixel"]["bytes_p99"] < SIXEL_BYTES,
        f"sixel p50 and p99 (of the CPU) under {SIXEL_MS} ms": _within(found["sixel"], SIXEL_MS),
    }
    return {"view_px": (1024, 768), "moves": MOVES, "10 regions": found, f"{MANY} regions": many, "met": met}


def _within(figures: dict[str, Any], ms: float) -> bool:
    """By the clock at the median; at the tail by the CPU, since other work on the machine counts there."""
    return bool(figures["p50_ms"] < ms and figures["cpu_p99_ms"] < ms)


async def _way(way: Graphics, photo: Path, regions: int) -> dict[str, Any]:
    terminal = Terminal(name="test", size_cells=SIZE_CELLS, cell_wh_px=CELL, graphics=way)
    stage, sink = Stage(terminal), Sink()
    app = Studio(stage, build(np.asarray(Image.open(photo).convert("RGB"))))
    async with running(app, stage, sink) as driver:
        await until(lambda: app.canvas.size.width > 0, app)
        viewport = Viewport.fitting(app.image.image_wh, app.canvas.view_wh_px)
        still = _regions(regions, app.image.image_wh)
        app.draw(viewport, _overlay(still, (300.0, 200.0)))
        await until(lambda: app.canvas.is_settled and app.canvas.picture is not None, app)
        await until(lambda: bool((stage._board.shown >> ID_SHIFT == app.canvas.picture.id).any()), app)  # type: ignore[union-attr]
        await until(lambda: not app.screen._compositor._dirty_regions and not driver.lane, app)
        times, busy, sizes = _moves(app, driver, viewport, still)
        whole = _whole(app, viewport, still)
    return latencies_ms(times) | {
        "cpu_p50_ms": latencies_ms(busy)["p50_ms"], "cpu_p99_ms": latencies_ms(busy)["p99_ms"],
        "bytes_p50": round(statistics.median(sizes)), "bytes_p99": sorted(sizes)[int(len(sizes) * 0.99)],
        "whole frame again (baseline)": whole,
    }  # fmt: skip


def _regions(count: int, size_wh: tuple[int, int]) -> tuple[Outline, ...]:
    rng = random.Random(1)
    found = []
    for n in range(count):
        x, y = rng.uniform(0, size_wh[0] - 60), rng.uniform(0, size_wh[1] - 60)
        box = Box(x, y, x + rng.uniform(12, 60), y + rng.uniform(12, 60))
        found.append(Outline(box, ("#56b4e9", "#e69f00", "#009e73")[n % 3], "cell"))
    return tuple(found)


def _overlay(still: tuple[Outline, ...], at: Point) -> Overlay:
    return Overlay(still, (Outline(Box(150, 100, *at), "#cc79a7"),), at)


def _moves(
    app: Studio, driver: ScreenDriver, viewport: Viewport, still: tuple[Outline, ...]
) -> tuple[list[float], list[float], list[int]]:
    """A box grows and shrinks as the crosshair moves by a few px: seconds by the clock, seconds of the CPU, bytes."""
    rng, at = random.Random(2), (300.0, 200.0)
    times, busy, sizes = [], [], []
    for _ in range(MOVES):
        at = (
            min(620.0, max(160.0, at[0] + rng.choice((-8, -2, 2, 8)))),
            min(460.0, max(110.0, at[1] + rng.choice((-8, 0, 2, 8)))),
        )
        before, began, worked = driver.bulk_bytes, time.perf_counter(), time.thread_time()
        app.draw(viewport, _overlay(still, at))
        busy.append(time.thread_time() - worked)
        times.append(time.perf_counter() - began)
        sizes.append(driver.bulk_bytes - before)
    return times, busy, sizes


def _whole(app: Studio, viewport: Viewport, still: tuple[Outline, ...]) -> dict[str, Any]:
    """Encode all of the frame, strokes included, five times."""
    frame = app.canvas.picture
    assert isinstance(frame, Frame)
    overlay, times, size = _overlay(still, (310.0, 210.0)), [], 0
    for _ in range(5):
        began = time.perf_counter()
        frame.show(still_marks(overlay, viewport), moving_marks(overlay, viewport, CELL))
        if app.stage.terminal.graphics in (Graphics.SIXEL, Graphics.ITERM2):
            size = len(frame.tile(CellRect(0, 0, *frame.size_cells)))
        else:
            base = prepare(
                render(app.image, viewport, Look(), BACKGROUND), app.stage.terminal, frame.size_cells, BACKGROUND
            )
            size = len(base.png) * 4 // 3 or sum(len(row.run(0, frame.size_cells[0])) for row in base.cell_rows)
        times.append(time.perf_counter() - began)
    return {"ms": round(1000 * statistics.median(times), 1), "bytes": size}
