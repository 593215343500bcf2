"""Waiting for a datastore on behalf of an event loop, in threads that nothing else needs: a slow one holds nothing else up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

THREADS = 16
_POOL = ThreadPoolExecutor(THREADS, thread_name_prefix="datastore")


async def waited(ask: Callable[[], T]) -> T:
    """What a blocking call to a datastore returns; raises what it raises."""
    return await asyncio.get_running_loop().run_in_executor(_POOL, ask)
