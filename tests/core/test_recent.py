"""Reads that many sessions share: one question, one read, and an answer that is never older than promised."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from core.db.database import Database
from core.db.recent import Recent
from core.errors import NotFound


class Counting:
    """A database that answers with how often it was asked, once it is let."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.error: Exception | None = None

    async def read(self, _fn: Callable[..., object], *_args: object) -> int:
        """Wait, then answer or fail."""
        self.asked += 1
        await self.may_answer.wait()
        if self.error is not None:
            raise self.error
        return self.asked


def _question(_conn: object, which: int = 0) -> int:
    return which


def _play(scenario: Callable[[Counting, Recent, list[float]], Awaitable[None]]) -> None:
    async def act() -> None:
        db, now_s = Counting(), [100.0]
        await scenario(db, Recent(cast("Database", db), age_s=1.0, clock=lambda: now_s[0]), now_s)

    asyncio.run(act())


def test_all_who_ask_at_once_share_one_read_and_later_ones_ask_anew() -> None:
    """Fifty sessions cost one read; after the promised age the next one reads again; another question is another read."""

    async def scenario(db: Counting, recent: Recent, now_s: list[float]) -> None:
        asking = [asyncio.ensure_future(recent.read(_question)) for _ in range(50)]
        await asyncio.sleep(0)
        db.may_answer.set()
        assert set(await asyncio.gather(*asking)) == {1}
        now_s[0] += 0.9
        assert await recent.read(_question) == 1
        now_s[0] += 0.1
        assert await recent.read(_question) == 2
        assert await recent.read(_question, 7) == 3

    _play(scenario)


def test_who_leaves_early_takes_the_answer_from_nobody_and_trouble_is_everybodys() -> None:
    """A session that ends while it asks does not end the others' read; an error reaches all who asked, and is not kept."""

    async def scenario(db: Counting, recent: Recent, now_s: list[float]) -> None:
        leaver, stayer = (asyncio.ensure_future(cast("Any", recent.read(_question))) for _ in range(2))
        await asyncio.sleep(0)
        leaver.cancel()
        db.may_answer.set()
        assert await stayer == 1
        now_s[0] += 1
        db.error = NotFound("That project is gone.")
        with pytest.raises(NotFound):
            await recent.read(_question)
        db.error = None
        now_s[0] += 1
        assert await recent.read(_question) == 3

    _play(scenario)
