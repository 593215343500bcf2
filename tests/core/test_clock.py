"""Leases are judged by one time on every host, whatever a host's own clock says."""

from __future__ import annotations

import asyncio
import time

import pytest

from core.db.clock import SharedClock
from core.db.database import Database, open_database
from core.db.schema import migrate
from tests.conftest import Run


def test_a_clock_that_jumps_moves_no_lease(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL a host whose clock is an hour off, or jumps while it serves, goes by the database server's."""

    async def main() -> None:
        await migrate(postgres_url)
        db = await open_database(postgres_url)
        clock, real_s = SharedClock(), time.time
        monkeypatch.setattr(time, "time", lambda: real_s() + 3600)
        await clock.follow(db)
        assert abs(clock.now_ms() - 1000 * real_s()) < 2000
        monkeypatch.setattr(time, "time", lambda: real_s() - 7200)
        assert abs(clock.now_ms() - 1000 * real_s()) < 2000
        await db.close()

    asyncio.run(main())


def test_one_machine_goes_by_its_own_clock(run_sqlite: Run) -> None:
    """On SQLite there is no other time."""

    async def body(db: Database) -> None:
        clock = SharedClock()
        await clock.follow(db)
        assert abs(clock.now_ms() - 1000 * time.time()) < 1000

    run_sqlite(body)
