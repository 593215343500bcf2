"""COCO of the same images and boxes by Datumaro, a converter of many formats: the peer of `exporters`.

`python benchmarks/rig/export_peer.py ITEMS BOXES FOLDER`, by a Python that has Datumaro and nothing of Tagline; prints JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datumaro import DatasetItem
from datumaro.components.annotation import Bbox
from datumaro.components.dataset import Dataset
from datumaro.components.media import Image
from datumaro.version import __version__


def _items(items: int, boxes: int) -> Iterator[Any]:
    for n in range(items):
        found = [Bbox(10.5 + k, 20, 99.5, 200.25, label=k % 2, id=boxes * n + k + 1, group=k + 1) for k in range(boxes)]
        image = Image.from_file(path=f"photos/{n:07}.jpg", size=(480, 640))
        yield DatasetItem(f"photos/{n:07}", subset="all", media=image, annotations=found)


def _peak_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def _measured(items: int, boxes: int, folder: str) -> dict[str, Any]:
    idle_mb, began = _peak_mb(), time.perf_counter()
    dataset = Dataset.from_iterable(_items(items, boxes), categories=["robin", "wren"])
    images = len(dataset)
    gathered = time.perf_counter()
    dataset.export(folder, "coco_instances", save_media=False)
    ended = time.perf_counter()
    return {
        "peer": f"datumaro {__version__}", "seconds": round(ended - began, 2), "of_it_writing": round(ended - gathered, 2),
        "added_MB": round(_peak_mb() - idle_mb), "peak_MB": round(_peak_mb()), "images": images,
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(_measured(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])))
