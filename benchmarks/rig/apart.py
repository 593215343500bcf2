"""A part of a benchmark in a process of its own, so that its peak memory is its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Coroutine
from typing import Any

import orjson


def apart(module: str, *arguments: object) -> dict[str, Any]:
    """The figures that `python -m module arguments…` prints. Raises CalledProcessError."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return figures(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def figures(printed: bytes) -> dict[str, Any]:
    """One JSON object of figures."""
    found: dict[str, Any] = orjson.loads(printed)
    return found


def print_figures(measured: Coroutine[Any, Any, dict[str, Any]]) -> None:
    """The other side: measure, print, and end without waiting for what is still being tidied up."""
    sys.stdout.buffer.write(orjson.dumps(asyncio.run(measured)))
    sys.stdout.flush()
    os._exit(0)
