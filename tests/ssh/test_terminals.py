"""Terminals as people have them: slow ones, old ones, ones inside tmux, and none at all."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.ssh.client import APPLE, FOOT, KITTY, SshTerminal, run_ssh
from tests.ssh.house import House, app_of, in_house

pytest.importorskip("pyghostty")


def test_keys_typed_while_the_terminal_is_asked_are_kept(tmp_path: Path) -> None:
    """Typing ahead on a slow link loses nothing."""

    async def story(house: House) -> None:
        async with SshTerminal(house.login, "alice", KITTY, answer_delay_s=0.4) as alice:
            await alice.until(lambda: b"\x1b[c" in alice.raw, "question")
            alice.send(b"nnn")
            await alice.sees("n=3;")

    in_house(tmp_path, story)


def test_late_answers_are_no_keys(tmp_path: Path) -> None:
    """A terminal that answers after the server stopped waiting types nothing by that, and is left clean."""

    async def story(house: House) -> None:
        async with SshTerminal(house.login, "alice", KITTY, answer_delay_s=1.6) as alice:
            await alice.sees("I am alice")
            await asyncio.sleep(1.2)
            alice.send(b"n")
            await alice.sees("n=1;")
            assert app_of(house, "alice").heard == ""
            alice.send(b"q")
            assert await alice.ended() == 0
            assert alice.modes_left() == []

    in_house(tmp_path, story)


def test_a_slow_terminal_gets_its_pictures_all_the_same(tmp_path: Path) -> None:
    """Answers that come after the server stopped waiting still decide how pictures are sent from then on."""

    async def story(house: House) -> None:
        async with SshTerminal(house.login, "alice", KITTY, answer_delay_s=1.6) as alice:
            await alice.sees("graphics=cells")
            await alice.sees("graphics=kitty")

    in_house(tmp_path, story)


def test_a_terminal_without_true_colour_gets_none(tmp_path: Path) -> None:
    """Terminals of 256 colours get codes that they know."""

    async def story(house: House) -> None:
        async with SshTerminal(house.login, "alice", APPLE) as alice:
            await alice.sees("I am alice")
            drawn = alice.raw.split(b"\x1b[2J", 1)[1]
            assert b"8;5;" in drawn
            assert b"8;2;" not in drawn

    in_house(tmp_path, story)


def test_a_user_can_choose_how_pictures_are_sent(tmp_path: Path) -> None:
    """TAGLINE_GRAPHICS, sent with the connection, wins over what was found."""

    async def story(house: House) -> None:
        async with SshTerminal(house.login, "alice", FOOT, env={"TAGLINE_GRAPHICS": "cells"}) as alice:
            await alice.sees("graphics=cells")

    in_house(tmp_path, story)


def test_tmux_gets_cells(tmp_path: Path) -> None:
    """Inside a multiplexer pictures are cells, whatever it claims."""

    async def story(house: House) -> None:
        async with SshTerminal(house.login, "alice", FOOT, term="tmux-256color") as alice:
            await alice.sees("graphics=cells")

    in_house(tmp_path, story)


def test_no_terminal_is_said(tmp_path: Path) -> None:
    """Without a pty she hears what to do."""

    async def story(house: House) -> None:
        status, out, err = await run_ssh(house.login, "alice", options=("-T",))
        assert (status, out) == (1, "")
        assert "Tagline needs a terminal" in err

    in_house(tmp_path, story)


def test_a_dumb_terminal_is_sent_plain_words_only(tmp_path: Path) -> None:
    """TERM=dumb gets one sentence, and not a single control sequence."""

    async def story(house: House) -> None:
        async with SshTerminal(house.login, "alice", term="dumb") as alice:
            assert await alice.ended() == 1
            assert b"cannot show Tagline" in alice.raw
            assert b"\x1b" not in alice.raw

    in_house(tmp_path, story)
