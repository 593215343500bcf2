"""225 spoiled files of labels, 25 of each format: a result or one clear sentence each; no crash, 5 s and 1 GB at most."""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.rig.report import peak_mb
from core.ids import TaskType
from exporters.importers.entries import BadFile
from exporters.importers.formats import IMPORTERS

EACH = 25
WORST_S, WORST_MB = 5.0, 1000


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Counts a format, the slowest file, the largest this process ever was, and a few of the sentences."""
    from tests.importers.test_malformed import samples

    counts: dict[str, Counter[str]] = {format: Counter() for format in IMPORTERS}
    said: dict[str, str] = {}
    slowest = 0.0
    with TemporaryDirectory(prefix="tagline-fuzz-") as name:
        good = samples(Path(name, "good"))
        for format in IMPORTERS:
            for seed in range(args.items or EACH):
                began = time.perf_counter()
                what, text = _attempt(Path(name, format, str(seed)), format, good[format], seed)
                slowest = max(slowest, time.perf_counter() - began)
                counts[format][what] += 1
                said.setdefault(f"{format}: {what}", text)
    total = sum(counts.values(), Counter[str]())
    largest = round(peak_mb())
    met = {
        "read or refused in a sentence, no crash": set(total) <= {"read", "refused"},
        "5 s": slowest < WORST_S,
        "1 GB": largest < WORST_MB,
    }
    return {
        "files": total.total(), **total, "formats": counts, "slowest_s": round(slowest, 2), "largest_mb": largest,
        "examples": {what: text for what, text in said.items() if text}, "met": met,
    }  # fmt: skip


def _attempt(folder: Path, format: str, good: tuple[str, bytes], seed: int) -> tuple[str, str]:
    """Spoil a good file and read it; what came of it, and what was said."""
    from tests.importers.house import read_back
    from tests.importers.test_malformed import IMAGES, spoiled_in

    rng = random.Random(f"{format}/{seed}")
    spoiled_in(folder, format, good, rng, seed)
    try:
        read_back(folder, rng.choice(list(TaskType)), IMAGES, format, fit=rng.random() < 0.5)
    except BadFile as error:
        return ("refused", str(error)) if 10 < len(str(error)) < 400 else ("unclear", str(error))
    except Exception as error:
        return "crashed", f"seed {seed}: {type(error).__name__}: {error}"
    return "read", ""
