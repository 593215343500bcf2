"""What an operator reads of a running installation: `status` and `metrics`, on the server and over SSH."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from core.background.processes import Process, announce, processes
from core.db.database import Database
from core.errors import DatabaseLocked
from core.ids import Role
from core.upkeep.installation import installation
from sshd.commands import run_command
from sshd.commands.status import write_whole
from sshd.facts import prometheus, status_facts
from sshd.presence import PERIOD_S, present
from tests.builders import NOW_MS, make_account, make_world
from tests.conftest import Run
from tests.ssh.client import until

SAMPLE = re.compile(r'[a-z_]+(\{([a-z_]+="([^"\\\n]|\\.)*",?)*\})? -?[0-9.e+-]+')
FRONT_END = Process(
    "front-end one 7", "front-end", "one", "0.1.0", NOW_MS - 5000, NOW_MS, {"sessions": 3, "logins_total": 9}
)


def test_status_tells_of_every_process_on_any_host(run: Run) -> None:
    """Sessions are summed over the hosts that live; a process that fell silent is shown as such, and forgotten in the end."""

    async def body(db: Database) -> None:
        await make_world(db, items=7)
        silent = replace(FRONT_END, name="front-end two 8", host="two", seen_ms=NOW_MS - 60_000)
        for one in (silent, FRONT_END, replace(FRONT_END, seen_ms=NOW_MS + 1)):
            await db.write(announce, one)
        facts = status_facts(await db.read(installation, now_ms=NOW_MS), now_ms=NOW_MS)
        assert facts["sessions"] == 3
        assert [(one["host"], one["state"]) for one in facts["processes"]] == [("one", "alive"), ("two", "silent")]
        (project,) = facts["projects"]
        assert (project["todo"], project["queue"]["manual"], project["in_hand"]) == (7, 7, 0)
        assert facts["database"]["engine"] == db.dialect
        assert facts["database"]["bytes"] > 0
        await db.write(announce, replace(FRONT_END, seen_ms=NOW_MS + 2 * 3600_000))
        assert [one.host for one in await db.read(processes)] == ["one"]

    run(body)


def test_metrics_are_prometheus_text(run_sqlite: Run, tmp_path: Path) -> None:
    """Every line is one that Prometheus reads, whatever a project is called, and each family is told once."""

    async def body(db: Database) -> None:
        await make_world(db, items=2)
        await db.write(announce, replace(FRONT_END, host='o"n\\e'))
        facts = status_facts(await db.read(installation, now_ms=NOW_MS), now_ms=NOW_MS)
        text = prometheus(facts)
        samples = [line for line in text.splitlines() if not line.startswith("#")]
        assert not [line for line in samples if not SAMPLE.fullmatch(line)]
        families = [line for line in text.splitlines() if line.startswith("# TYPE")]
        assert len(families) == len(set(families))
        assert 'tagline_queue_items{project="Birds",kind="manual"} 2' in samples
        assert any(line.startswith("tagline_process_sessions{") and line.endswith(" 3") for line in samples)
        write_whole(tmp_path / "tagline.prom", text)
        assert (tmp_path / "tagline.prom").read_text() == text

    run_sqlite(body)


def test_only_admins_read_them_over_ssh(run_sqlite: Run) -> None:
    """An admin's `status --json` is JSON and `metrics` text; neither writes a file of the server; others are refused."""

    async def body(db: Database) -> None:
        boss = await make_account(db, "boss", Role.ADMIN)
        out: list[bytes] = []

        async def keep(data: bytes) -> None:
            out.append(data)

        assert await run_command(["status", "--json"], boss, db, keep, keep) == 0
        assert json.loads(b"".join(out))["sessions"] == 0
        assert await run_command(["status"], boss, db, keep, keep) == 0
        assert await run_command(["metrics", "--file", "/tmp/x"], boss, db, keep, keep) == 1
        assert b"standard output" in out[-1]

    run_sqlite(body)


def test_a_process_says_that_it_lives_and_leaves(run_sqlite: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it runs it is there, with figures that are fresh; trouble with the database does not end it; then it is gone."""
    monkeypatch.setattr("sshd.presence.PERIOD_S", 0.02)
    assert PERIOD_S == 10.0

    async def body(db: Database) -> None:
        seen: list[int] = []
        async with present(db, "front-end", lambda: {"sessions": len(seen)}):
            write = db.write

            async def locked(*_args: object, **_kwargs: object) -> None:
                seen.append(1)
                raise DatabaseLocked("locked")

            monkeypatch.setattr(db, "write", locked)
            await until(lambda: len(seen) > 2)
            monkeypatch.setattr(db, "write", write)
            told = ()
            async with asyncio.timeout(10):
                while not told or not told[0].figures["sessions"]:
                    told = await db.read(processes)
            assert told[0].figures["memory_bytes"] > 1_000_000
        assert await db.read(processes) == ()

    run_sqlite(body)
