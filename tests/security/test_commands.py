"""Whatever is in the tables, in the file names and in the command line itself: no command prints a character that acts."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from core.errors import BadInput
from core.ids import TaskType
from core.labels import expand_paths
from core.project.projects import NewProject, check_new
from core.team.people import check_user_name
from sshd.commands import run_command
from tests.security.corpus import MARK, PAYLOADS, controls
from tests.security.house import HostileHouse, hostile_house
from tests.security.surface import READS, REFUSED, STREAMS
from tests.ssh.client import SshTerminal, run_ssh
from tui.text import Cleaner, clean, json_safe


def in_hostile_house(folder: Path, story: Callable[[HostileHouse], Awaitable[None]]) -> None:
    """Run one story there, bounded in time."""

    async def live() -> None:
        async with asyncio.timeout(150), hostile_house(folder) as house:
            await story(house)

    asyncio.run(live())


async def said(house: HostileHouse, argv: list[str]) -> str:
    """Everything that a command prints, on both streams."""
    out: list[bytes] = []

    async def keep(data: bytes) -> None:
        out.append(data)

    await run_command(argv, house.admin, house.db, keep, keep)
    return b"".join(out).decode().replace("\r\n", "\n")  # CSV ends its lines so


def test_the_corpus_is_one() -> None:
    """At least a hundred payloads that differ, each recognisable."""
    assert len(set(PAYLOADS.values())) >= 100
    assert sum(bool(controls(payload)) for payload in PAYLOADS.values()) >= 100
    assert all(MARK in payload for payload in PAYLOADS.values())


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_neutral_text(payload: str) -> None:
    """Cleaned text has no character that acts, in whatever pieces it comes; JSON says the same as before."""
    assert controls(clean(payload)) == []
    assert controls(clean(payload, lines=True), "\n") == []
    cleaner, data = Cleaner(), payload.encode("utf-8", "surrogatepass")
    pieces = b"".join(cleaner.clean(data[n : n + 1]) for n in range(len(data)))
    assert controls(pieces.decode(), "\n\t") == []
    text = json_safe(json.dumps({payload: [payload]}, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass"))
    assert controls(text.decode(), "\n") == []
    assert json.loads(text) == {payload: [payload]}


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_what_is_named_cannot_act(payload: str) -> None:
    """Projects, labels and users with characters that act are refused, in words that have none themselves."""
    if not payload.isprintable():
        for refuse in (
            lambda: check_new(NewProject(payload, TaskType.MULTI_CLASS, "local:/", ("a",))),
            lambda: expand_paths([payload]),
            lambda: check_user_name(payload),
        ):
            with pytest.raises(BadInput) as refused:
                refuse()
            assert controls(clean(str(refused.value))) == []


def test_every_command_prints_harmless_text(tmp_path: Path) -> None:
    """Tables, JSON, metrics, help and refusals: over the whole corpus, in stored text and in arguments, nothing acts."""

    async def story(house: HostileHouse) -> None:
        marks = 0
        for line in (*READS, *(f"{line} --json" for line in READS if "help" not in line and "metrics" not in line)):
            text = await said(house, shlex.split(line.format(*house.projects)))
            assert controls(text, "\n") == [], line
            marks += text.count(MARK)
        assert marks > 1000
        for n, payload in enumerate(PAYLOADS.values()):  # `python -m benchmarks escapes` does every pair
            for line in (REFUSED[n % len(REFUSED)], REFUSED[(n + 7) % len(REFUSED)]):
                argv = [part.format(*house.projects, p=payload) for part in line.split()]
                assert controls(await said(house, argv), "\n") == [], (line, payload)

    in_hostile_house(tmp_path, story)


def test_no_command_acts_on_a_terminal_over_ssh(tmp_path: Path) -> None:
    """With `ssh -t` every command and every export, and without it every refusal, leaves the terminal as it is."""

    async def story(house: HostileHouse) -> None:
        for line in (*READS[:-2], *STREAMS):
            command = tuple(shlex.split(line.format(*house.projects)))
            async with SshTerminal(house.login, "ada", command=command) as ada:
                await ada.ended()
                assert controls(ada.raw.decode(), "\r\n\t") == [], line
        for payload in ("escape alone", "C1 OSC", "title", "clipboard, write", "carriage return", "right to left"):
            for line in ("project status {}", "{}", "'"):
                _, out, err = await run_ssh(house.login, "ada", line.format(shlex.quote(PAYLOADS[payload])))
                assert controls(out + err, "\n") == [], (payload, line)

    in_hostile_house(tmp_path, story)
