"""`tagline demo` makes what it needs once, from the photos that are shipped with it."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from core.counts.progress import project_progress
from core.db.database import open_database
from core.ids import AccountId, ProjectState, Role
from core.project import projects
from core.team import people
from core.team.people import Account
from sshd import demo
from sshd.config import Config, load_config
from sshd.demo import HOST, PROJECTS, USERS, DemoServer, free_port, key_path, prepare, ssh_command


async def summary(config: Config) -> list[tuple[str, str, int, int]]:
    """Every project's name, state, readable items and unreadable ones."""
    db = await open_database(config.database_url)
    found = await db.read(projects.list_projects, Account(AccountId(0), "operator", Role.ADMIN))
    rows = [(one.project, await db.read(project_progress, one.project.id)) for one in found]
    users = {account.name for account in await db.read(people.list_accounts)}
    await db.close()
    assert users == set(USERS)
    return sorted((project.name, project.state.value, done.todo, done.unreadable) for project, done in rows)


def test_the_demo_is_made_once(tmp_path: Path) -> None:
    """Every shipped photo becomes an item that can be shown, users get keys, and a second demo changes nothing."""

    async def story() -> None:
        config = replace(load_config(tmp_path / "demo", {}), host=HOST)
        await prepare(config)
        made = await summary(config)
        assert [name for name, *_ in made] == sorted(project.name for project in PROJECTS)
        assert all(state == ProjectState.RUNNING.value and todo > 0 and broken == 0 for _, state, todo, broken in made)
        keys = {name: key_path(config, name).read_bytes() for name in USERS}
        assert all(key_path(config, name).stat().st_mode & 0o077 == 0 for name in USERS)
        await prepare(config)
        assert await summary(config) == made
        assert {name: key_path(config, name).read_bytes() for name in USERS} == keys
        assert ssh_command(config, 2222, "alice")[-1] == f"alice@{HOST}"

    asyncio.run(story())


def test_a_taken_port_is_no_trouble() -> None:
    """Where something else has the wanted port the demo takes another."""
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        taken = other.getsockname()[1]
        assert free_port(taken) not in (0, taken)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_the_server_ends_with_the_terminal(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing the terminal and ending the process leave no server behind."""
    before = {one: signal.getsignal(one) for one in (signal.SIGHUP, signal.SIGTERM)}
    ended: list[DemoServer] = []
    monkeypatch.setattr(demo, "converse", lambda *_args: signal.raise_signal(number))
    monkeypatch.setattr(demo, "end", ended.append)
    server = DemoServer(subprocess.Popen(["true"]), 1)
    try:
        assert demo.attend(load_config(tmp_path, {}), server) == 0
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    server.process.wait()
    assert ended == [server]
