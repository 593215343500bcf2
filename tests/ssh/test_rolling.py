"""A new release or new settings on a running server: whoever labels comes back to the page and the labels they had."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.background.processes import processes
from core.db.database import open_database
from sshd import cli
from tests.ssh.client import APPLE, Login, SshTerminal
from tests.ssh.house import make_key
from tests.tui.house import make_photos

pytest.importorskip("pyghostty")
ROOT = Path(__file__).parents[2]


def test_a_rolling_restart_keeps_what_was_begun(tmp_path: Path) -> None:
    """Over real SSH: two images labeled and not submitted, SIGHUP, connect again: the same page with the same labels, submitted at once."""
    key = make_key(tmp_path / "alice")
    make_photos(tmp_path / "photos", 12)
    for line in (
        ("init",),
        ("user", "add", "alice", "--key", f"{key}.pub"),
        (
            *[
                "project",
                "create",
                "Birds",
                "--type",
                "multi-class",
                "--label",
                "cat",
                "--label",
                "dog",
                "--member",
                "alice",
                "--folder",
            ],
            str(tmp_path / "photos"),
        ),
    ):
        assert cli.main(["--data", str(tmp_path / "data"), *line]) == 0
    command = [sys.executable, "-m", "sshd", "--data", str(tmp_path / "data"), "serve", "--host", "127.0.0.1"]
    command += ["--port", "0", "--front-ends", "1"]
    env = {**os.environ, "TAGLINE_LEARNERS": "0", "TAGLINE_DRAIN_S": "5"}
    serving = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert serving.stdout is not None
        port = int(re.findall(r"port (\d+)", serving.stdout.readline())[0])
        asyncio.run(_renewed(Login(port, key, tmp_path / "known_hosts"), tmp_path / "data", serving))
    finally:
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(30) == 0


async def _front_ends(data: Path) -> set[str]:
    db = await open_database(f"sqlite:///{data / 'tagline.db'}")
    try:
        return {one.name for one in await db.read(processes) if one.kind == "front-end"}
    finally:
        await db.close()


async def _renewed(login: Login, data: Path, serving: subprocess.Popen[str]) -> None:
    before = await _front_ends(data)
    async with SshTerminal(login, "alice", APPLE, (110, 40)) as alice:
        await alice.sees("Birds")
        alice.send(b"\r")
        await alice.until(lambda: len(_photos(alice)) == 4, "a page")
        page = _photos(alice)
        alice.send(b"1\x1b[C2")
        await alice.until(lambda: " cat " in alice.text() and " dog " in alice.text(), "two labels")
        serving.send_signal(signal.SIGHUP)
        assert await alice.ended(40) == 0
        assert b"Tagline is restarting. Your work was saved" in alice.raw
    async with SshTerminal(login, "alice", APPLE, (110, 40)) as alice:
        await alice.sees("Birds")
        alice.send(b"\r")
        await alice.until(lambda: _photos(alice) == page, "the same page")
        await alice.until(lambda: " cat " in alice.text() and " dog " in alice.text(), "the two labels")
    assert not before & await _front_ends(data)


def _photos(terminal: SshTerminal) -> set[str]:
    """The images that are on the page."""
    return set(re.findall(r"photo-\d+", terminal.text()))
