"""The one writer thread: what is cancelled, or fails, disturbs nobody else."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from sqlalchemy import Connection

from core.db.database import open_database
from core.db.schema import migrate
from core.errors import BadInput
from core.ids import Role
from core.team import people


def test_a_caller_that_gives_up_does_not_stop_the_others(tmp_path: Path) -> None:
    """A session that vanishes in the middle of a write leaves the database serving everybody else."""

    async def story() -> None:
        url = f"sqlite:///{tmp_path / 'tagline.db'}"
        await migrate(url)
        db = await open_database(url)

        def slow(conn: Connection) -> None:
            conn.exec_driver_sql(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 300000) SELECT max(i) FROM n"
            )

        running = [asyncio.create_task(db.write(slow)) for _ in range(4)]
        await asyncio.sleep(0)
        for task in running:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*running)
        async with asyncio.timeout(20):
            account = await db.write(people.add_account, "alice", Role.LABELER, by=None, now_ms=1)
            assert await db.read(people.account_by_name, "alice") == account
        await db.close()

    asyncio.run(story())


def test_a_write_that_fails_takes_none_of_its_neighbours_with_it(tmp_path: Path) -> None:
    """Of writes that share a commit, one that is refused half-way leaves nothing, and all the others are stored once."""

    async def story() -> None:
        url = f"sqlite:///{tmp_path / 'tagline.db'}"
        await migrate(url)
        db = await open_database(url)

        def refused(conn: Connection) -> None:
            people.add_account(conn, "mallory", Role.LABELER, by=None, now_ms=1)
            raise BadInput("no")

        names = [f"labeler{n}" for n in range(6)]
        adds = [db.write(people.add_account, name, Role.LABELER, by=None, now_ms=1) for name in names]
        outcomes = await asyncio.gather(*adds[:3], db.write(refused), *adds[3:], return_exceptions=True)
        refusal = outcomes.pop(3)
        assert isinstance(refusal, BadInput)
        assert [account.name for account in outcomes] == names  # type: ignore[union-attr]
        assert [account.name for account in await db.read(people.list_accounts)] == names
        await db.close()

    asyncio.run(story())
