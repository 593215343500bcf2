"""A TIFF of a hundred megapixels: how long until it is seen, whole and px for px, and the memory that it takes at most.

Each way of storing it is opened in a process of its own, so that its peak is its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import orjson
from PIL import Image

from storage.images import decode
from storage.pyramid import build
from tui.canvas.frame import BASE_COLORS
from tui.canvas.render import Look, render
from tui.canvas.viewport import Viewport
from tui.picture.prepare import prepare
from tui.terminal import Graphics, Terminal

SIZE_WH = (11_600, 8_700)
WAYS = {"uncompressed": {}, "LZW": {"compression": "tiff_lzw"}, "JPEG": {"compression": "jpeg", "quality": 90}}
MOST_MB, FIRST_S, LATER_MS = 1024, 10.0, 250
SIZE_CELLS, CELL, BACKGROUND = (128, 48), (8, 16), (17, 21, 28)


def run(_args: argparse.Namespace) -> dict[str, Any]:
    """Seconds and megabytes by way."""
    with TemporaryDirectory(prefix="tagline-large-") as folder:
        found = {}
        picture = _picture()
        for way, options in WAYS.items():
            path = Path(folder) / f"{way}.tif"
            picture.save(path, **options)
            done = subprocess.run([sys.executable, "-m", "benchmarks.large", path], check=True, capture_output=True)
            found[way] = {"file_mb": round(path.stat().st_size / 1e6), **orjson.loads(done.stdout)}
            path.unlink()
    met = {
        f"never over {MOST_MB} MB": all(figures["peak_mb"] < MOST_MB for figures in found.values()),
        f"seen within {FIRST_S:.0f} s": all(figures["first_picture_s"] < FIRST_S for figures in found.values()),
        f"zoomed within {LATER_MS} ms": all(figures["zoomed_ms"] < LATER_MS for figures in found.values()),
    }
    return {"megapixels": round(SIZE_WH[0] * SIZE_WH[1] / 1e6), **found, "met": met}


def _picture() -> Image.Image:
    """Waves with grain: compresses about as photos do."""
    wide, high = SIZE_WH
    y, x = np.arange(high, dtype=np.float32)[:, None], np.arange(wide, dtype=np.float32)
    pixels = np.empty((high, wide, 3), np.uint8)
    rng = np.random.default_rng(1)
    grain = rng.integers(0, 24, (high, 512), dtype=np.uint8)
    for channel, length in enumerate((900.0, 1300.0, 700.0)):
        waves = 110 + 60 * np.sin(x / length) + 40 * np.sin(y / length)
        pixels[..., channel] = waves.astype(np.uint8) + np.tile(grain, (1, wide // 512 + 1))[:, :wide]
    return Image.fromarray(pixels)


def opened(path: Path) -> dict[str, Any]:
    """As a session opens it: decode, halve, draw the whole; then px for px; then a step aside."""
    began = time.perf_counter()
    image = build(decode(path.read_bytes(), path=path.name))
    view = Viewport.fitting(image.image_wh, (SIZE_CELLS[0] * CELL[0], SIZE_CELLS[1] * CELL[1]))
    terminal = Terminal(name="test", size_cells=SIZE_CELLS, cell_wh_px=CELL, graphics=Graphics.SIXEL)
    times = []
    for viewport in (view, view.at_100((4000.0, 3000.0)), view.at_100((4300.0, 3200.0))):
        prepare(render(image, viewport, Look(), BACKGROUND), terminal, SIZE_CELLS, BACKGROUND, colors=BASE_COLORS)
        times.append(time.perf_counter() - began)
        began += times[-1]
    return {
        "first_picture_s": round(times[0], 2),
        "zoomed_ms": round(times[1] * 1000),
        "panned_ms": round(times[2] * 1000),
        "peak_mb": _peak_mb(),
        "kept_mb": round(image.nbytes / 1e6),
    }


def _peak_mb() -> int:
    """The kernel's mark of this process alone; `ru_maxrss` begins with that of the parent."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(opened(Path(sys.argv[1]))))
