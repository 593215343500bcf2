"""One time for all hosts: leases that one host gives are judged by another, whose own clock may be minutes off or jump.

On PostgreSQL it is the database server's time, asked every so often and carried on by this machine's monotonic clock, which nobody can
move. SQLite serves one machine, and that machine's time is everybody's.
"""

from __future__ import annotations

import asyncio
import logging
import time

from sqlalchemy import Connection, text

from core.db.database import Database
from core.errors import TaglineError

log = logging.getLogger("tagline.clock")

PERIOD_S = 30.0
SKEW_TOLD_S = 2.0


class SharedClock:
    """Gives epoch ms, UTC; never fails and never waits."""

    def __init__(self) -> None:
        self._base_s: float | None = None

    def now_ms(self) -> int:
        """The time that leases go by."""
        return int(1000 * (time.time() if self._base_s is None else self._base_s + time.monotonic()))

    async def follow(self, db: Database) -> None:
        """Ask the database server once. Raises DatabaseTrouble."""
        if db.dialect != "postgresql":
            return
        asked_s = time.monotonic()
        server_s = await db.read(_server_s)
        answered_s = time.monotonic()
        self._base_s = server_s - (asked_s + answered_s) / 2

    async def keep(self, db: Database) -> None:
        """Ask again and again; say when this machine's own clock is wrong. Runs until cancelled."""
        is_told = False
        while True:
            try:
                await self.follow(db)
            except TaglineError as error:
                log.debug("the database's time could not be asked: %s", error)
            skew_s = time.time() - self.now_ms() / 1000
            if abs(skew_s) > SKEW_TOLD_S and not is_told:
                log.warning("this machine's clock is %.0f s off the database's; leases go by the database's", skew_s)
            is_told = abs(skew_s) > SKEW_TOLD_S
            await asyncio.sleep(PERIOD_S)


def _server_s(conn: Connection) -> float:
    return float(conn.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
