"""Commands over SSH, and the bounds of what anybody may ask of the server."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from core.errors import DatabaseLocked
from core.team.people import account_by_name, set_disabled
from sshd.host_key import ensure_host_key
from sshd.limits import Limits
from tests.ssh.client import APPLE, SshTerminal, run_ssh, until
from tests.ssh.house import NOW_MS, PASSWORD, House, in_house, make_key

pytest.importorskip("pyghostty")


async def log_in(house: House, user: str, password: str) -> str:
    """Try one password over a fresh connection; how it went."""
    try:
        async with asyncssh.connect(
            "127.0.0.1", house.login.port, username=user, password=password, known_hosts=None, client_keys=None,
            agent_path=None, preferred_auth="password",
        ) as connection:  # fmt: skip
            result = await connection.run("hello")
            return f"in: {result.stdout!s}"
    except asyncssh.PermissionDenied:
        return "denied"
    except asyncssh.DisconnectError as error:
        return f"cut off: {error.reason}"


def test_a_command_runs_as_the_account(tmp_path: Path) -> None:
    """`ssh host command` runs Tagline's command with her arguments; output, errors and status come back apart."""

    async def story(house: House) -> None:
        status, out, err = await run_ssh(house.login, "alice", "export", "'a b'", "--all")
        assert (status, out, err) == (3, "alice admin ['export', 'a b', '--all']\n", "to stderr\n")

    in_house(tmp_path, story)


def test_a_command_on_a_terminal_has_straight_lines(tmp_path: Path) -> None:
    """With `ssh -t` each line starts at the left edge."""

    async def story(house: House) -> None:
        async with SshTerminal(house.login, "alice", command=("hello",)) as alice:
            assert await alice.ended() == 3
            assert b"['hello']\r\n" in alice.raw

    in_house(tmp_path, story)


def test_a_large_output_comes_whole(tmp_path: Path) -> None:
    """An export of many megabytes arrives byte for byte."""

    async def story(house: House) -> None:
        status, out, _ = await run_ssh(house.login, "alice", "big")
        assert (status, len(out)) == (0, 20_000_000)

    in_house(tmp_path, story)


def test_a_broken_command_shows_no_innards(tmp_path: Path) -> None:
    """A command that fails inside says so in one line, and a command with a stray quote is explained."""

    async def story(house: House) -> None:
        status, out, err = await run_ssh(house.login, "alice", "break")
        assert (status, out) == (1, "")
        assert "failed inside Tagline" in err
        assert "secret" not in err
        status, _, err = await run_ssh(house.login, "alice", "it's")
        assert status == 1
        assert "cannot be read" in err

    in_house(tmp_path, story)


def test_nothing_is_forwarded(tmp_path: Path) -> None:
    """The server is no way into the network behind it, and takes no agent and no subsystem."""

    async def story(house: House) -> None:
        options = ("-N", "-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:22")
        status, _, err = await run_ssh(house.login, "alice", options=options)
        assert status != 0, err
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            local = free.getsockname()[1]
        async with SshTerminal(house.login, "alice", options=("-A", "-L", f"{local}:127.0.0.1:22")) as alice:
            await alice.sees("I am alice")
            reader, writer = await asyncio.open_connection("127.0.0.1", local)
            assert await asyncio.wait_for(reader.read(100), 5) == b""
            writer.close()
        status, _, _ = await run_ssh(house.login, "alice", "sftp", options=("-s",))
        assert status != 0

    in_house(tmp_path, story)


def test_a_user_has_a_bounded_number_of_sessions(tmp_path: Path) -> None:
    """One session too many is refused in words; the others go on."""

    async def story(house: House) -> None:
        async with (
            SshTerminal(house.login, "alice", APPLE) as first,
            SshTerminal(house.login, "alice", APPLE) as second,
        ):
            await first.sees("I am alice")
            await second.sees("I am alice")
            async with SshTerminal(house.login, "alice", APPLE) as third:
                assert await third.ended() == 1
                assert b"You have 2 sessions open already" in third.raw
            first.send(b"n")
            await first.sees("n=1;")

    in_house(tmp_path, story, Limits(sessions_per_user=2))


def test_only_her_own_key_opens_her_account(tmp_path: Path) -> None:
    """A stranger's key, a colleague's key and a disabled account's key are refused."""

    async def story(house: House) -> None:
        stranger = replace(house.login, key=make_key(tmp_path / "stranger"))
        assert (await run_ssh(stranger, "alice", "hello"))[0] == 255
        assert (await run_ssh(house.login, "bob", "hello"))[0] == 255
        assert (await run_ssh(house.login, "nobody", "hello"))[0] == 255
        account = await house.db.read(account_by_name, "alice")
        await house.db.write(set_disabled, account.id, True, by=None, now_ms=NOW_MS)
        assert (await run_ssh(house.login, "alice", "hello"))[0] == 255

    in_house(tmp_path, story)


def test_passwords_log_in_and_guessing_is_stopped(tmp_path: Path) -> None:
    """The right password works; after a few wrong ones none is heard for a while, yet her key still opens."""

    async def story(house: House) -> None:
        assert (await log_in(house, "alice", PASSWORD)).startswith("in: alice")
        assert await log_in(house, "bob", PASSWORD) == "denied"
        for _ in range(3):
            assert await log_in(house, "alice", "wrong password") == "denied"
        assert await log_in(house, "alice", PASSWORD) == "denied"
        assert (await run_ssh(house.login, "alice", "hello"))[0] == 3

    in_house(tmp_path, story, Limits(user_failures_per_minute=3))


def test_one_connection_has_few_tries(tmp_path: Path) -> None:
    """A client that offers key after key is sent away."""

    async def story(house: House) -> None:
        keys = [make_key(tmp_path / f"wrong{n}") for n in range(5)]
        options = tuple(part for key in keys for part in ("-i", str(key)))
        stranger = replace(house.login, key=keys[0])
        status, _, err = await run_ssh(stranger, "alice", "hello", options=options)
        assert status == 255
        assert "Too many authentication failures" in err

    in_house(tmp_path, story, Limits(auth_failures=3))


def test_silent_connections_lock_nobody_out(tmp_path: Path) -> None:
    """Sockets that never log in are few and short-lived; afterwards people get in as before."""

    async def story(house: House) -> None:
        sockets = []
        for _ in range(30):
            silent = socket.socket()
            silent.setblocking(False)
            with suppress(BlockingIOError):
                silent.connect(("127.0.0.1", house.login.port))
            sockets.append(silent)
            await asyncio.sleep(0.005)
        held = sum(house.front_end.gate.unauthenticated.values())
        assert held <= 10
        await until(lambda: not house.front_end.gate.unauthenticated, 20)
        for silent in sockets:
            silent.close()
        assert (await run_ssh(house.login, "alice", "hello"))[0] == 3

    in_house(tmp_path, story, Limits(unauthenticated=10, login_timeout_s=2))


def test_trouble_with_the_database_is_told_at_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who cannot be let in because the database is locked reads so, instead of `permission denied`."""

    async def story(house: House) -> None:
        async def locked(*_args: object, **_kwargs: object) -> None:
            raise DatabaseLocked("The database is locked by another process; nothing was written. Try again.")

        monkeypatch.setattr(house.front_end.db, "read", locked)
        status, _, err = await run_ssh(house.login, "alice", "hello")
        assert status == 255
        assert "The database is locked" in err
        monkeypatch.undo()

    in_house(tmp_path, story)


def test_the_host_key_is_made_once_and_private(tmp_path: Path) -> None:
    """The key survives restarts, so nobody is warned of a changed host, and only its owner can read it."""

    async def story(house: House) -> None:
        assert (await run_ssh(house.login, "alice", "hello"))[0] == 3

    in_house(tmp_path, story)
    before = (tmp_path / "host_key").read_bytes()
    assert (tmp_path / "host_key").stat().st_mode & 0o777 == 0o600
    assert ensure_host_key(tmp_path / "host_key").startswith("SHA256:")
    assert (tmp_path / "host_key").read_bytes() == before
