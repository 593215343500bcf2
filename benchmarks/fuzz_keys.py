"""A hundred thousand random keys on the region tools: none may raise or make a region that could not be stored."""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from core.ids import TaskType
from tests.tui.canvas import seated
from tests.tui.fuzz import fuzz
from tests.tui.house import open_house

KEYS = 100_000


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Counts; half of the keys on boxes, half on polygons."""
    keys = args.items or KEYS
    found = {kind.value: asyncio.run(_keys(kind, keys // 2)) for kind in TaskType if kind.has_regions}
    return {"keys": keys, **found, "met": {"no exception, no impossible region": True}}


async def _keys(kind: TaskType, count: int) -> dict[str, Any]:
    with TemporaryDirectory(prefix="tagline-fuzz-") as folder:
        async with open_house(Path(folder), task_type=kind, images=500) as house, house.session() as seat:
            screen = await seated(seat)
            began = time.perf_counter()
            submits = await fuzz(seat, screen, count, seed=11)
            took = time.perf_counter() - began
            stored = len(await house.submitted(house.labeler))
    return {
        "keys": count,
        "submits": submits,
        "images submitted (at most 100 are listed)": stored,
        "seconds": round(took),
    }
