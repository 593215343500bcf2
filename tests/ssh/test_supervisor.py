"""What an operator may expect of `serve`: the dead are replaced, the stuck are noticed, the end is gentle."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from core.errors import BadInput
from sshd.config import Config, load_config
from sshd.limits import Gate, Limits
from sshd.supervisor import CannotStart, Job, Supervisor, back_off_s, hold_port
from tests.ssh.client import until

LIVING = Job("living", "tests.ssh.living")


def config_for(folder: Path, mood: str) -> Config:
    """Settings with a short patience."""
    (folder / "mood").write_text(mood)
    return Config(folder, "sqlite://", heartbeat_s=2.0, drain_s=2.0)


def lives(folder: Path) -> list[int]:
    """Process ids of all lives so far."""
    path = folder / "lives"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def supervised(folder: Path, mood: str, story: Callable[[Supervisor], Awaitable[None]]) -> None:
    """Run one job under a supervisor while the story happens, then stop."""

    async def live() -> None:
        supervisor = Supervisor(config_for(folder, mood), [LIVING])
        async with asyncio.timeout(40):
            running = asyncio.create_task(supervisor.run(lambda port: None))
            try:
                await story(supervisor)
            finally:
                supervisor.stop()
                await running

    asyncio.run(live())


def test_a_killed_process_is_replaced(tmp_path: Path) -> None:
    """`kill -9` of a front end costs its sessions their connection, and nobody the service."""

    async def story(supervisor: Supervisor) -> None:
        await until(lambda: supervisor.is_ready)
        os.kill(lives(tmp_path)[0], signal.SIGKILL)
        await until(lambda: len(lives(tmp_path)) == 2 and supervisor.is_ready)

    supervised(tmp_path, "live", story)
    assert (tmp_path / "gentle").exists()


def test_a_stuck_process_is_replaced(tmp_path: Path) -> None:
    """A front end whose event loop hangs is noticed by its missing heartbeat."""

    async def story(supervisor: Supervisor) -> None:
        await until(lambda: len(lives(tmp_path)) == 2 and supervisor.is_ready)
        with pytest.raises(ProcessLookupError):
            os.kill(lives(tmp_path)[0], 0)

    supervised(tmp_path, "hang", story)


def test_a_rolling_restart_renews_every_process(tmp_path: Path) -> None:
    """On SIGHUP a successor serves before its predecessor ends, in order; a second one is renewed again."""

    async def story(supervisor: Supervisor) -> None:
        await until(lambda: supervisor.is_ready)
        for renewed in (2, 3):
            supervisor.renew()
            await until(lambda n=renewed: len(lives(tmp_path)) == n and supervisor.is_ready)  # type: ignore[misc]
            await until(lambda n=renewed: supervisor.children["living"].process.pid == lives(tmp_path)[n - 1])  # type: ignore[misc]
            with pytest.raises(ProcessLookupError):
                os.kill(lives(tmp_path)[renewed - 2], 0)
        assert (tmp_path / "gentle").exists()

    supervised(tmp_path, "live", story)


def test_a_renewal_that_fails_leaves_the_old_process_serving(tmp_path: Path) -> None:
    """An upgrade that does not start, and settings that cannot be read, cost nobody the service."""

    async def story(supervisor: Supervisor) -> None:
        await until(lambda: supervisor.is_ready)
        (tmp_path / "mood").write_text("refuse")
        supervisor.renew()
        await until(lambda: len(lives(tmp_path)) == 2)
        await until(lambda: not Path(f"/proc/{lives(tmp_path)[1]}").exists())
        assert supervisor.children["living"].process.pid == lives(tmp_path)[0]
        (tmp_path / "mood").write_text("live")
        supervisor.renew()
        await until(lambda: supervisor.children["living"].process.pid != lives(tmp_path)[0])

    supervised(tmp_path, "live", story)


def test_what_cannot_work_is_not_tried_again(tmp_path: Path) -> None:
    """A wrong setting ends the server with the reason instead of an endless loop of restarts."""

    async def live() -> None:
        async with asyncio.timeout(30):
            await Supervisor(config_for(tmp_path, "refuse"), [LIVING]).run(lambda port: None)

    with pytest.raises(CannotStart):
        asyncio.run(live())
    assert len(lives(tmp_path)) == 1


def test_children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    """`kill -9` of the supervisor leaves no front end behind that would hold the port."""

    async def story(supervisor: Supervisor) -> None:
        await until(lambda: supervisor.is_ready)
        child = supervisor.children["living"]
        asyncio.get_running_loop().remove_reader(child.beats_fd)
        os.dup2(os.open(os.devnull, os.O_RDONLY), child.beats_fd)  # closes the only reading end
        await until(lambda: (tmp_path / "gentle").exists())

    supervised(tmp_path, "live", story)


def test_restarts_slow_down() -> None:
    """A process that dies at once does not eat the machine, and is tried for ever."""
    assert back_off_s(0) < back_off_s(3) < back_off_s(100) == 30.0


def test_a_taken_port_is_said_at_once() -> None:
    """The operator reads that something else listens there, before anything is started."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(BadInput, match="Choose another port"):
        hold_port("127.0.0.1", taken.getsockname()[1])


def test_settings_come_from_the_file_and_the_environment(tmp_path: Path) -> None:
    """tagline.toml overrides the defaults, the environment overrides the file, and the child reads the same."""
    (tmp_path / "tagline.toml").write_text('port = 2022\nhost = "127.0.0.1"\n[limits]\nsessions = 7\n')
    config = load_config(tmp_path, {"TAGLINE_PORT": "2023"})
    assert (config.host, config.port, config.limits.sessions) == ("127.0.0.1", 2023, 7)
    assert Config.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    "text", ["port = 70000", "porrt = 1", "port = 'x'", "port =", "front_ends = 0", "limits = 3", "port = true"]
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str) -> None:
    """A slip in tagline.toml is a clear message, not a traceback or a guess."""
    (tmp_path / "tagline.toml").write_text(text)
    with pytest.raises(BadInput):
        load_config(tmp_path, {})


def test_one_address_cannot_use_up_the_places_of_others() -> None:
    """Sockets that do not log in are bounded by address; who logs in or leaves makes room."""
    gate = Gate(Limits(unauthenticated=10, unauthenticated_per_address=2), clock=lambda: 0.0)
    assert [gate.admit("a"), gate.admit("a")] == [None, None]
    assert gate.admit("a") is not None
    assert gate.admit("b") is None
    gate.settled("a")
    assert gate.admit("a") is None


def test_wrong_passwords_are_forgotten_after_a_minute() -> None:
    """Mistyping locks nobody out for long."""
    now_s = 0.0
    gate = Gate(Limits(user_failures_per_minute=2), clock=lambda: now_s)
    gate.failed("a", "alice")
    assert gate.hears_passwords("a", "alice")
    gate.failed("b", "alice")
    assert not gate.hears_passwords("a", "alice")
    assert gate.hears_passwords("a", "bob")
    now_s = 61.0
    assert gate.hears_passwords("a", "alice")
