"""Over SSH each role gets its own commands and a clear refusal for the rest."""

from __future__ import annotations

import asyncio
import shlex
from pathlib import Path

import pytest

from core.db.database import open_database
from core.db.schema import migrate
from core.ids import Role
from core.team import people
from core.team.people import Account
from sshd.commands import run_command
from tests.builders import NOW_MS, make_account, make_world

EVERYBODY = {Role.ADMIN, Role.LEAD, Role.LABELER}
WHO_MAY = {
    "project status Birds": EVERYBODY,
    "export Birds": {Role.ADMIN},
    # What needs the server's own files is nobody's over SSH.
    "project create New --type multi-class --folder / --label a": set(),
    "user add new --password": set(),
    "user add new --key /etc/passwd": set(),
    "export Birds -o /tmp/x": set(),
}


async def tell(argv: list[str], account: Account, url: str) -> tuple[int, str, str]:
    """Run one command as this account; status, stdout and stderr."""
    db = await open_database(url)
    said: dict[str, list[bytes]] = {"out": [], "err": []}

    async def out(data: bytes) -> None:
        said["out"].append(data)

    async def err(data: bytes) -> None:
        said["err"].append(data)

    try:
        status = await run_command(argv, account, db, out, err)
    finally:
        await db.close()
    return status, b"".join(said["out"]).decode(), b"".join(said["err"]).decode()


@pytest.mark.parametrize("line", WHO_MAY)
def test_each_role_may_do_what_the_table_says(tmp_path: Path, line: str) -> None:
    """Who may, is served; who may not reads one line that says so, and changes nothing."""

    async def story() -> None:
        url = f"sqlite:///{tmp_path / 'tagline.db'}"
        await migrate(url)
        db = await open_database(url)
        world = await make_world(db)
        accounts = [
            world.labelers[0],
            await make_account(db, "lea", Role.LEAD),
            await make_account(db, "ada", Role.ADMIN),
        ]
        await db.write(people.add_member, world.project, accounts[1].id, Role.LEAD, by=None, now_ms=NOW_MS)
        await db.close()
        for account in accounts:
            status, out, err = await tell(shlex.split(line), account, url)
            if account.role in WHO_MAY[line]:
                assert (status, err) == (0, ""), account.role
            else:
                assert (status != 0, out, len(err.splitlines())) == (True, "", 1), account.role

    asyncio.run(story())


def test_a_project_not_given_is_not_shown(tmp_path: Path) -> None:
    """A labeler sees only the projects given to them, by list and by name."""

    async def story() -> None:
        url = f"sqlite:///{tmp_path / 'tagline.db'}"
        await migrate(url)
        db = await open_database(url)
        await make_world(db)
        stranger = await make_account(db, "stranger")
        await db.close()
        assert (await tell(["project", "list"], stranger, url))[1] == "There is no project yet.\n"
        status, out, err = await tell(["project", "status", "Birds"], stranger, url)
        assert (status, out, "not given to you" in err) == (1, "", True)

    asyncio.run(story())
