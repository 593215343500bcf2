"""`backup`, `restore` and `upgrade`: on the server itself only, for a backup holds password hashes and a restore replaces all."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.background.processes import processes
from core.db.database import Database, open_database
from core.db.schema import check_version, found_revision, head_revision, migrate
from core.errors import BadInput, DatabaseNewer, DatabaseOlder
from core.upkeep.backup import Backed, back_up, restore
from core.upkeep.invariants import violations
from sshd.config import Config

KEPT = "backups"


def add_to(commands: Any) -> None:
    """Describe the three."""
    backup = commands.add_parser(
        "backup",
        help="everything but images in one file, while it serves",
        example="tagline --data /srv/tagline backup /backup/tagline-monday.tagline",
    )
    backup.add_argument("file", type=Path)
    backup.set_defaults(own=_backup)
    bring = commands.add_parser(
        "restore",
        help="bring a backup in, of this release or an older one, from either engine",
        example="tagline --data /srv/tagline restore /backup/tagline-monday.tagline --replace",
    )
    bring.add_argument("file", type=Path)
    bring.add_argument("--replace", action="store_true", help="over everything that is in the database now")
    bring.set_defaults(own=_restore)
    upgrade = commands.add_parser(
        "upgrade",
        help="bring the database to this release's schema, whole or not at all",
        example="tagline --data /srv/tagline upgrade",
    )
    upgrade.add_argument(
        "--no-backup", action="store_true", help="leave out the copy that is made of a SQLite file first"
    )
    upgrade.add_argument("--check", action="store_true", help="afterwards see that every rule holds; reads all rows")
    upgrade.set_defaults(own=_upgrade)


def _timed(work: Coroutine[Any, Any, str]) -> int:
    began = time.monotonic()
    text = asyncio.run(work)
    print(f"{text} ({time.monotonic() - began:.1f} s)")
    return 0


def _contents(found: Backed) -> str:
    rows = found.rows
    return (
        f"{rows.get('project', 0):,} projects, {rows.get('item', 0):,} items, {rows.get('assignment', 0):,} answers and leases, "
        f"{rows.get('event', 0):,} events; {found.bytes / 1e6:,.1f} MB"
    )


def _backup(config: Config, args: argparse.Namespace) -> int:
    async def work() -> str:
        db = await _existing(config)
        try:
            return f"{args.file}: {_contents(await back_up(db, args.file))}. Keep {config.host_key_path} as well."
        finally:
            await db.close()

    return _timed(work())


async def _existing(config: Config, *, check: bool = True) -> Database:
    if config.database_url.startswith("sqlite") and not (config.data_dir / "tagline.db").is_file():
        raise BadInput(f"There is no database in {config.data_dir}; name another folder with --data.")
    return await open_database(config.database_url, check=check)


def _restore(config: Config, args: argparse.Namespace) -> int:
    async def work() -> str:
        config.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = await restore(config.database_url, args.file, replace=args.replace, now_ms=_now_ms())
        return f"{args.file} is here: {_contents(found)}. Every rule holds; start `serve`."

    return _timed(work())


def _upgrade(config: Config, args: argparse.Namespace) -> int:
    return _timed(upgrade(config, keep=not args.no_backup, check=args.check))


async def upgrade(config: Config, *, keep: bool, check: bool) -> str:
    """Bring the schema up to date; says what was done.

    Raises:
        BadInput: processes of this installation still run, or a rule does not hold.
        DatabaseNewer: a newer Tagline made the schema.
    """
    db = await _existing(config, check=False)
    try:
        before = await db.read(found_revision)
        said = await _prepared(db, config, before, keep=keep)
    finally:
        await db.close()
    await migrate(config.database_url)
    done = f"The schema is {head_revision()}" + (f", was {before}" if before != head_revision() else " already")
    return f"{done}.{said}{await _checked(config) if check else ''}"


async def _prepared(db: Database, config: Config, before: str | None, *, keep: bool) -> str:
    """See that nothing is in the way of a migration, and keep a copy of a SQLite file; says where."""
    try:
        await db.read(check_version)
    except DatabaseNewer:
        raise
    except DatabaseOlder:
        pass
    else:
        return ""
    if before is not None and before >= "0005":
        alive = [one.name for one in await db.read(processes) if one.is_alive(_now_ms())]
        if alive:
            raise BadInput(f"{alive[0]} still runs; stop `serve` on every host, then upgrade. Nothing was changed.")
    if not keep or before is None or db.dialect != "sqlite":
        return ""
    folder = config.data_dir / KEPT
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"before-{head_revision()}-{datetime.now(UTC):%Y%m%d-%H%M%S}.tagline"
    await back_up(db, path)
    return f" What it was before is kept in {path}."


async def _checked(config: Config) -> str:
    db = await open_database(config.database_url)
    try:
        broken = [f"{what}: {n}" for what, n in (await db.read(violations)).items() if n]
    finally:
        await db.close()
    if broken:
        raise BadInput(f"Rules that do not hold: {'; '.join(broken)}.")
    return " Every rule holds."


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
