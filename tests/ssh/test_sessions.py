"""What a labeler may expect of her session, with the system's ssh."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

import pytest

from tests.ssh.client import APPLE, FOOT, KITTY, SshTerminal, until
from tests.ssh.house import House, app_of, as_bob, in_house
from tests.ssh.small_app import ALIVE

pytest.importorskip("pyghostty")


def test_two_labelers_work_side_by_side(tmp_path: Path) -> None:
    """Keys, screens and what the terminal can do are each labeler's own."""

    async def story(house: House) -> None:
        async with (
            SshTerminal(house.login, "alice", KITTY, (120, 32)) as alice,
            SshTerminal(as_bob(house).login, "bob", FOOT, (100, 36)) as bob,
        ):
            await alice.sees("I am alice")
            await bob.sees("I am bob")
            alice.send(b"n")
            await alice.sees("n=1;")
            bob.send(b"nn")
            await bob.sees("n=2;")
            assert "n=1;" in alice.text()
            assert "graphics=kitty dark=True" in alice.text()
            assert "graphics=sixel dark=False" in bob.text()

    in_house(tmp_path, story)


def test_leaving_gives_the_terminal_back(tmp_path: Path) -> None:
    """After the app ends, the terminal has the modes it had before, whatever it can do."""

    async def story(house: House) -> None:
        for profile in (KITTY, FOOT, APPLE):
            async with SshTerminal(house.login, "alice", profile) as alice:
                await alice.sees("I am alice")
                alice.send(b"q")
                assert await alice.ended() == 0
                assert alice.modes_left() == []

    in_house(tmp_path, story)


def test_the_window_can_be_resized(tmp_path: Path) -> None:
    """The screen follows the window, down to a few cells and up to more than a screen can fill."""

    async def story(house: House) -> None:
        async with SshTerminal(house.login, "alice", FOOT, (120, 32)) as alice:
            await alice.sees("size=120x32")
            alice.resize(90, 30)
            await alice.sees("size=90x30")
            alice.resize(20, 5)
            await alice.sees("n=0; size=20x5")
            alice.resize(1000, 300)
            await alice.until(lambda: app_of(house, "alice").terminal.size_cells == (500, 200), "a clamped size")
            alice.resize(80, 24)
            await alice.sees("size=80x24")
            alice.send(b"n")
            await alice.sees("n=1;")

    in_house(tmp_path, story)


@pytest.mark.parametrize("size", [(20, 5), (1000, 60)])
def test_any_window_size_can_connect(tmp_path: Path, size: tuple[int, int]) -> None:
    """A tiny and a huge window get a session that can be left."""

    async def story(house: House) -> None:
        async with SshTerminal(house.login, "alice", APPLE, size) as alice:
            await alice.sees("I am alice")
            alice.send(b"q")
            assert await alice.ended() == 0

    in_house(tmp_path, story)


def test_a_paste_arrives_whole_as_a_paste(tmp_path: Path) -> None:
    """Pasted text is one event and triggers no keys, even a large one."""

    async def story(house: House) -> None:
        async with SshTerminal(house.login, "alice", FOOT) as alice:
            await alice.sees("I am alice")
            alice.send(b"\x1b[200~qn hello\x1b[201~")
            await alice.sees("paste of 8: 'qn hello'")
            alice.send(b"n")
            await alice.sees("n=1;")

    in_house(tmp_path, story)


def test_a_lone_escape_is_a_key(tmp_path: Path) -> None:
    """Esc works by itself, and the key after it is a key of its own."""

    async def story(house: House) -> None:
        async with SshTerminal(house.login, "alice", KITTY) as alice:
            await alice.sees("I am alice")
            alice.send(b"\x1b")
            await alice.sees("heard=escape")
            alice.send(b"n")
            await alice.sees("n=1;")

    in_house(tmp_path, story)


def test_a_crash_ends_one_session_only(tmp_path: Path) -> None:
    """She is told, her terminal is given back, her work is saved, no innards are shown; others go on."""

    async def story(house: House) -> None:
        async with (
            SshTerminal(house.login, "alice", KITTY) as alice,
            SshTerminal(as_bob(house).login, "bob", FOOT) as bob,
        ):
            await alice.sees("I am alice")
            await bob.sees("I am bob")
            app = app_of(house, "alice")
            alice.send(b"x")
            assert await alice.ended() == 1
            assert b"because of an error. Your work was saved" in alice.raw
            assert b"secret" not in alice.raw
            assert alice.modes_left() == []
            assert app.was_ended == 1
            bob.send(b"n")
            await bob.sees("n=1;")

    in_house(tmp_path, story)


def test_a_vanished_client_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the connection is cut, work is saved, the session ends at once, and its memory is given back."""

    async def story(house: House) -> None:
        monkeypatch.setattr("tui.hosted.SAVE_TIMEOUT_S", 0.5)  # even a cancelled timer keeps its app until it is due
        tasks = len(asyncio.all_tasks())
        for _ in range(3):
            async with SshTerminal(house.login, "alice", KITTY) as alice:
                await alice.sees("I am alice")
                alice.send(b"nn")
                await alice.sees("n=2;")
                app = app_of(house, "alice")
                alice.kill()
                await house.until_empty()
                assert app.was_ended == 1
                del app
        await until(lambda: len(asyncio.all_tasks()) <= tasks)
        await until(lambda: gc.collect() >= 0 and not ALIVE, 5)

    in_house(tmp_path, story)


def test_a_stalled_client_harms_nobody(tmp_path: Path) -> None:
    """While one client takes no bytes, little is kept for it, others are quick, and it catches up afterwards."""

    async def story(house: House) -> None:
        async with (
            SshTerminal(house.login, "alice", FOOT, (120, 40)) as alice,
            SshTerminal(as_bob(house).login, "bob", FOOT) as bob,
        ):
            await alice.sees("I am alice")
            await bob.sees("I am bob")
            session = next(s for s, name in house.front_end.sessions.items() if name == "alice")
            alice.stall()
            alice.send(b"f")
            await bob.until(lambda: session.output.congested, "congestion")
            sent = session.output.sent_bytes
            await asyncio.sleep(1)
            bob.send(b"n")
            await bob.sees("n=1;", 3)
            assert session.output.sent_bytes - sent < 200_000
            assert session.output.congested
            alice.go_on()
            await alice.until(lambda: session.output.sent_bytes > sent + 100_000, "new frames")

    in_house(tmp_path, story)


def test_a_flood_of_keys_does_not_stop_others(tmp_path: Path) -> None:
    """Somebody leaning on a key, or pasting a book without paste marks, costs the others nothing."""

    async def story(house: House) -> None:
        async with (
            SshTerminal(house.login, "alice", FOOT) as alice,
            SshTerminal(as_bob(house).login, "bob", FOOT) as bob,
        ):
            await alice.sees("I am alice")
            await bob.sees("I am bob")
            for _ in range(20):
                alice.send(b"z" * 3000)
                await asyncio.sleep(0.005)
            bob.send(b"n")
            await bob.sees("n=1;", 3)
            assert app_of(house, "alice")._message_queue.qsize() < 1000

    in_house(tmp_path, story)


def test_a_restart_is_announced(tmp_path: Path) -> None:
    """When the server stops, every session ends with a reason, its work saved, its terminal given back."""

    async def story(house: House) -> None:
        async with SshTerminal(house.login, "alice", KITTY) as alice:
            await alice.sees("I am alice")
            app = app_of(house, "alice")
            await house.front_end.drain(5)
            await alice.ended()
            assert b"Tagline is restarting. Your work was saved" in alice.raw
            assert alice.modes_left() == []
            assert app.was_ended == 1

    in_house(tmp_path, story)
