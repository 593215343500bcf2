"""Figures as the results page has them: date, versions, percentiles."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sqlite3
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

LIBRARIES = ("textual", "textual-image", "asyncssh", "sqlalchemy", "asyncpg", "pillow", "numpy")


def versions() -> dict[str, Any]:
    """When and with what this was measured."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "sqlite_version": sqlite3.sqlite_version,
        "cpus": os.cpu_count(),
        "libraries": {name: importlib.metadata.version(name) for name in LIBRARIES},
    }


def latencies_ms(seconds: Sequence[float]) -> dict[str, float]:
    """Median, p99 and worst of durations, in ms."""
    if not seconds:
        return {"n": 0}
    ordered = sorted(seconds)
    return {
        "n": len(ordered),
        "p50_ms": round(1000 * statistics.median(ordered), 2),
        "p99_ms": round(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 2),
        "max_ms": round(1000 * ordered[-1], 2),
    }


def forget_peak() -> None:
    """From here on `peak_mb` is the most memory since now, so that a benchmark does not report that of the one before."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_mb() -> float:
    """The most memory of this process so far; getrusage would count that of the process which started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
