"""A labeler connects again while their old session is not gone yet: the two never hold the same thing, and neither breaks."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Connection, event

from core.db.database import Database, open_database
from core.db.schema import migrate
from core.labeling.queue import claim_page, resume_pages
from tests.builders import NOW_MS, World, make_world


def test_the_old_session_leases_more_while_the_new_one_resumes(postgres_url: str) -> None:
    """What the old one is given between two statements of the new one stays the old one's; the new one has all from before."""

    async def claim(world: World) -> None:
        db = await open_database(postgres_url)
        await db.write(claim_page, world.project, world.labelers[0].id, 4, now_ms=NOW_MS)
        await db.close()

    def resume(conn: Connection, world: World) -> Any:
        with ThreadPoolExecutor(1) as elsewhere:

            def between(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
                if statement.startswith("UPDATE assignment"):
                    elsewhere.submit(asyncio.run, claim(world)).result(30)

            event.listen(conn, "after_cursor_execute", between)
            try:
                return resume_pages(conn, world.project, world.labelers[0].id, now_ms=NOW_MS)
            finally:
                event.remove(conn, "after_cursor_execute", between)

    async def main() -> None:
        await migrate(postgres_url)
        db: Database = await open_database(postgres_url)
        try:
            world = await make_world(db, items=20)
            before = await db.write(claim_page, world.project, world.labelers[0].id, 4, now_ms=NOW_MS)
            page = await db.write(resume, world)
            assert [held.item for held in page.items] == [held.item for held in before.items]
            again = await db.write(resume_pages, world.project, world.labelers[0].id, now_ms=NOW_MS)
            assert len(again.items) == 8
        finally:
            await db.close()

    asyncio.run(main())
