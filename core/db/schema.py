"""The schema's version: bring a database up to date, or say why it cannot be used. The steps are in `core.db.migrations`."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from core.errors import DatabaseNewer, DatabaseOlder

MIGRATIONS = Path(__file__).parent / "migrations"


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def check_version(connection: Connection) -> None:
    """See that the schema is this Tagline's.

    Raises:
        DatabaseOlder: it is empty or needs a migration.
        DatabaseNewer: a newer Tagline made it.
    """
    scripts = ScriptDirectory.from_config(_config())
    found = found_revision(connection)
    if found == scripts.get_current_head():
        return
    if found is not None and found not in {revision.revision for revision in scripts.walk_revisions()}:
        raise DatabaseNewer(
            f"The database was made by a newer Tagline (schema {found}); nothing was touched. Upgrade Tagline on this machine."
        )
    raise DatabaseOlder("The database has no schema or an older one; run `tagline init` to bring it up to date.")


def found_revision(connection: Connection) -> str | None:
    """The schema that the database has, or None where it has none."""
    return MigrationContext.configure(connection).get_current_revision()


def head_revision() -> str:
    """The schema that this Tagline makes."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def known_revisions() -> frozenset[str]:
    """Every schema that this Tagline, or one before it, made."""
    return frozenset(one.revision for one in ScriptDirectory.from_config(_config()).walk_revisions())


def upgrade(connection: Connection) -> None:
    """Run every missing migration on an open connection, inside its transaction.

    Raises:
        DatabaseNewer: a newer Tagline made the schema.
    """
    try:
        check_version(connection)
    except DatabaseOlder:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("ANALYZE")  # steps that fill columns join half a million rows: never unplanned
        command.upgrade(_config(connection), "head")


async def migrate(url: str) -> None:
    """Bring the database at `url` to this Tagline's schema; whole or not at all."""
    from core.db.database import open_database

    database = await open_database(url, check=False)
    try:
        await database.write(upgrade)
    finally:
        await database.close()
