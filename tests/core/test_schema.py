"""Upgrading a database keeps what is in it, and makes the schema that the code was written for."""

from __future__ import annotations

import asyncio

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, insert, select, text

from core.counts.progress import label_counts
from core.db import schema
from core.db.database import open_database
from core.db.tables import ITEM, ITEM_LABEL, TALLY, Base


def test_the_steps_make_the_schema_of_the_code(database_url: str) -> None:
    """A new database and one brought up step by step have exactly the tables that the code reads."""

    def differences(conn: Connection) -> object:
        schema.upgrade(conn)
        return compare_metadata(MigrationContext.configure(conn), Base.metadata)

    async def main() -> object:
        db = await open_database(database_url, check=False)
        try:
            return await db.write(differences)
        finally:
            await db.close()

    assert asyncio.run(main()) == []


def test_labels_of_an_older_database_are_found(database_url: str) -> None:
    """What was labeled before the step is on the data page, with its source, and in the queue's counts."""

    def older(conn: Connection) -> None:
        command.upgrade(schema._config(conn), "0001")
        conn.execute(
            text("INSERT INTO account (id, name, role, settings, created_ms) VALUES (1, 'a', 'admin', '{}', 0)")
        )
        conn.execute(
            text(
                "INSERT INTO project (id, name, task_type, state, datastore, pattern, seed, max_items, min_labelers, "
                "max_labelers, lease_s, instructions, assist, import_done, import_total, created_ms, version) VALUES "
                "(1, 'P', 'multi-class', 'running', 'local:/', '**', 1, 9, 1, 1, 60, '', '{}', 0, 0, 0, 1)"
            )
        )
        conn.execute(
            text(
                "INSERT INTO label_class (id, project_id, name, path, position, color) "
                "VALUES (5, 1, 'cat', 'cat', 0, '#ffffff')"
            )
        )
        columns = "id, project_id, path, etag, bytes, width, height, frames, key, kind, priority, open_slots, state"
        conn.execute(text(f"INSERT INTO item ({columns}) VALUES (8, 1, 'b', '', 1, 1, 1, 1, 1, 2, 0, 1, 0)"))
        conn.execute(
            text(
                f"INSERT INTO item ({columns}, answer, decided_ms) VALUES "
                "(7, 1, 'a', '', 1, 1, 1, 1, 1, 2, 0, 0, 1, '{\"labels\":[5],\"regions\":[]}', 3)"
            )
        )
        conn.execute(
            text(
                "INSERT INTO assignment (item_id, account_id, project_id, state, token, held_seq, active_ms, comment, "
                "version, body, submitted_ms, source) VALUES (7, 1, 1, 1, 1, 0, 0, '', 1, '{}', 3, 'prelabel-accepted')"
            )
        )
        conn.execute(insert(TALLY).values(project_id=1, what="label", account_id=1, day=9, code=5, n=1))

    def upgraded(conn: Connection) -> object:
        schema.upgrade(conn)
        index = [tuple(row) for row in conn.execute(select(ITEM_LABEL))]
        source = conn.execute(select(ITEM.c.source).where(ITEM.c.id == 7)).scalar_one()
        queued = conn.execute(select(TALLY.c.code, TALLY.c.n).where(TALLY.c.what == "queue")).all()
        return index, source, [tuple(row) for row in queued], label_counts(conn, 1)  # type: ignore[arg-type]

    async def main() -> object:
        db = await open_database(database_url, check=False)
        try:
            await db.write(older)
            return await db.write(upgraded)
        finally:
            await db.close()

    assert asyncio.run(main()) == ([(1, 5, 7)], "prelabel-accepted", [(2, 1)], {5: 1})
