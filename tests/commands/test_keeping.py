"""`backup`, `restore` and `upgrade` as an operator types them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from core.db.database import open_database
from core.db.schema import head_revision
from tests.builders import make_release
from tests.commands.test_cli import Tagline, ready, tagline

__all__ = ["ready", "tagline"]  # fixtures


def test_a_backup_goes_to_another_machine(ready: Tagline, tmp_path: Path) -> None:
    """Backed up here and restored into an empty folder elsewhere, projects and users are there, and no second time by accident."""
    file = str(tmp_path / "all.tagline")
    status, out, _ = ready("backup", file)
    assert (status, "12 items" in out, "host_key" in out) == (0, True, True)
    there = ("--data", str(tmp_path / "elsewhere"))
    status, out, _ = ready(*there, "restore", file)
    assert (status, "12 items" in out, "Every rule holds" in out) == (0, True, True)
    assert ready(*there, "project", "list", "--json")[1] == ready("project", "list", "--json")[1]
    status, _, err = ready(*there, "restore", file)
    assert (status, "--replace" in err, err.count("\n")) == (1, True, 1)
    assert ready(*there, "restore", file, "--replace")[0] == 0


def test_what_cannot_be_backed_up_is_said(tagline: Tagline, tmp_path: Path) -> None:
    """Without a database, or into a folder that is not there, one line says so."""
    assert "no database" in tagline("backup", str(tmp_path / "x"))[2]
    assert tagline("init")[0] == 0
    status, _, err = tagline("backup", str(tmp_path / "no" / "x"))
    assert (status, "cannot be written" in err, err.count("\n")) == (1, True, 1)


def test_an_upgrade_keeps_what_was_before(tagline: Tagline, tmp_path: Path) -> None:
    """From the first release it keeps a copy, says from what to what, and checks every rule; done again, it does nothing."""
    data = tmp_path / "data"
    data.mkdir()

    async def first_release() -> None:
        db = await open_database(f"sqlite:///{data / 'tagline.db'}", check=False)
        await db.write(make_release, "0001")
        await db.close()

    asyncio.run(first_release())
    status, out, _ = tagline("upgrade", "--check")
    assert (status, f"is {head_revision()}, was 0001" in out, "Every rule holds" in out) == (0, True, True)
    (kept,) = (data / "backups").iterdir()
    assert str(kept) in out
    status, out, _ = tagline("upgrade")
    assert (status, "already" in out) == (0, True)
    assert [*(data / "backups").iterdir()] == [kept]
