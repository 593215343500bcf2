"""An arrow held down for twenty seconds over a slow link: how far the screen lags behind, and whether old frames queue up.

A labeler with the rectangle tool moves the crosshair 30 times a second over real SSH; a proxy lets 5 Mbit/s through. The
header names the crosshair's place, so each frame is known by it.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.drawing import CELL, SIZE_CELLS, make_project
from benchmarks.rig.databases import database_url, opened
from benchmarks.rig.report import latencies_ms
from benchmarks.rig.team import Typist, connected, free_port, link_photos, served
from core.ids import TaskType
from sshd.demo import PHOTOS
from tests.ssh.client import FOOT, KITTY, Profile
from tui.canvas import pointing
from tui.canvas.viewport import Viewport

RATE_BPS, MOVES_S, SECONDS = 5_000_000, 30, 20.0
PIECE_BYTES = 2048
WORST_MS = 150
IMAGE_WH = (640, 480)
RIGHT, LEFT = b"\x1b[1;2C", b"\x1b[1;2D"


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Lags by protocol."""
    seconds = min(SECONDS, args.seconds * 2)
    found = {name: asyncio.run(_hold(profile, seconds)) for name, profile in (("kitty", KITTY), ("sixel", FOOT))}
    met = {f"{name}: never over {WORST_MS} ms": figures["lag"]["max_ms"] < WORST_MS for name, figures in found.items()}
    met |= {
        f"{name}: nothing after the last move": figures["quiet after ms"] < WORST_MS for name, figures in found.items()
    }
    return {"link_bps": RATE_BPS, "moves a second": MOVES_S, "seconds": seconds, **found, "met": met}


async def _hold(profile: Profile, seconds: float) -> dict[str, Any]:
    with database_url("sqlite") as url, TemporaryDirectory(prefix="tagline-held-") as name:
        folder = Path(name)
        photos = link_photos(folder, 4, PHOTOS / "cells")
        async with opened(url) as db, AsyncExitStack() as stack:
            key = await make_project(db, photos, TaskType.OBJECT_DETECTION)
            server = await stack.enter_async_context(served(folder, url, 1))
            port = await stack.enter_async_context(slow_link(server.port))
            cell = CELL if profile is KITTY else (9, 18)
            pixels = (SIZE_CELLS[0] * cell[0], SIZE_CELLS[1] * cell[1])
            session = connected(port, "drawer", key, size_cells=SIZE_CELLS, profile=profile, pixels=pixels)
            typist, _ = await stack.enter_async_context(session)
            await typist.until(lambda text: "labeled" in text)
            typist.send(b"\r")
            await typist.until(lambda text: "%" in text)
            await asyncio.sleep(2)
            return await _move(typist, cell, seconds)


async def _move(typist: Typist, cell: tuple[int, int], seconds: float) -> dict[str, Any]:
    """Press at a fixed pace; note when the header shows each place."""
    view = Viewport.fitting(IMAGE_WH, ((SIZE_CELLS[0] - 26) * cell[0], (SIZE_CELLS[1] - 3) * cell[1]))
    area = view.image_in_view
    pointer = pointing.begin(area)
    typist.send(b"r")
    await typist.until(lambda text: f" {_place(view, pointer.at)} " in text)
    sent: dict[str, float] = {}
    lags: list[float] = []
    received, began, direction, n = typist.received, time.perf_counter(), 1, 0
    watching = asyncio.create_task(_watch(typist, sent, lags))
    while time.perf_counter() - began < seconds:
        if pointer.at[0] in (area.x0, area.x1) and n:
            direction = -direction
        pointer = pointing.nudged(pointer, (direction, 0), area, 0.0, far=True)
        sent[_place(view, pointer.at)] = time.perf_counter()
        typist.send(RIGHT if direction > 0 else LEFT)
        n += 1
        await asyncio.sleep(max(0.0, began + n / MOVES_S - time.perf_counter()))
    last, quiet = time.perf_counter(), typist.received
    await asyncio.sleep(0.05)
    settled = last
    while time.perf_counter() - settled < 0.5:
        await asyncio.sleep(0.01)
        if typist.received != quiet:
            quiet, settled = typist.received, time.perf_counter()
    watching.cancel()
    return {
        "lag": latencies_ms(lags), "moves": n, "moves that no frame showed": n - len(lags),
        "bytes a move": round((quiet - received) / n), "quiet after ms": round(1000 * (settled - last)),
    }  # fmt: skip


async def _watch(typist: Typist, sent: dict[str, float], lags: list[float]) -> None:
    while True:
        await typist.changed.wait()
        typist.changed.clear()
        header = typist.text().split("\n", 1)[0]
        shown = [place for place in sent if f" {place} " in header]
        lags.extend(time.perf_counter() - sent.pop(place) for place in shown)


def _place(view: Viewport, at: tuple[float, float]) -> str:
    x, y = view.to_image(at)
    return f"{x:.0f},{y:.0f}"


@asynccontextmanager
async def slow_link(port: int) -> AsyncIterator[int]:
    """A port that leads to another one at the link's rate; what does not fit waits at the sender."""
    own = free_port()

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        due = time.perf_counter()
        while data := await source.read(PIECE_BYTES):
            due = max(due, time.perf_counter()) + len(data) * 8 / RATE_BPS
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            sink.write(data)
            await sink.drain()
        sink.close()

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port, limit=PIECE_BYTES * 4)
        await asyncio.gather(pump(reader, up_writer), pump(up_reader, writer), return_exceptions=True)

    server = await asyncio.start_server(join, "127.0.0.1", own, limit=PIECE_BYTES * 4)
    try:
        yield own
    finally:
        server.close()
