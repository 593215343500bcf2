"""What many sessions look at again and again is read once for all of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from core.db.database import Database

P = ParamSpec("P")
T = TypeVar("T")

AGE_S = 1.0
KEPT = 256


class Recent:
    """Reads that may be a moment old; those who ask meanwhile get the same answer. For one event loop."""

    def __init__(self, db: Database, age_s: float = AGE_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._db, self._age_s, self._clock = db, age_s, clock
        self._known: dict[tuple[Any, ...], tuple[float, asyncio.Task[Any]]] = {}

    async def read(self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`Database.read`, or what that gave for the same question less than `age_s` ago. Arguments must be hashable.

        Raises:
            What `Database.read` raises, for everybody who asked.
        """
        key = (fn, args, *kwargs.items())
        now_s = self._clock()
        known = self._known.get(key)
        if known is None or now_s - known[0] >= self._age_s:
            task = asyncio.ensure_future(self._db.read(fn, *args, **kwargs))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # who asked may have left
            known = self._known[key] = (now_s, task)
            self._forget(now_s)
        result: T = await asyncio.shield(known[1])
        return result

    def _forget(self, now_s: float) -> None:
        if len(self._known) > KEPT:
            self._known = {key: known for key, known in self._known.items() if now_s - known[0] < self._age_s}
