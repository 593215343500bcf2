"""A picture that takes its time: its place says so, and it is asked for until the datastore answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from storage.base import Unreachable

T = TypeVar("T")

ASK_AGAIN_S, LOADING_AFTER_S = 2.0, 0.5
LOADING_NOTE = "loading…"
AWAY_NOTE = "the datastore does not answer"


async def once_there(get: Callable[[], Awaitable[T]], meanwhile: Callable[[str], None]) -> T:
    """What a datastore gives, however long that takes; `meanwhile` is told what to say in its place while it does."""
    note = LOADING_NOTE
    while True:
        telling = asyncio.get_running_loop().call_later(LOADING_AFTER_S, meanwhile, note)
        try:
            return await get()
        except Unreachable:
            note = AWAY_NOTE
        finally:
            telling.cancel()
        meanwhile(note)
        await asyncio.sleep(ASK_AGAIN_S)
