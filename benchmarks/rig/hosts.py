"""Whole `tagline serve`s as an operator has them, one a host: started, killed, renewed, and given other clocks or networks."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

START_S = 90.0
MODULES = {"front end": "sshd.front_end", "janitor": "sshd.janitor", "learner": "sshd.learner"}
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


@dataclass
class Host:
    """One `serve`: with its own data folder, address and, where the library is there, clock.

    Attributes:
        before: words before the command, such as `ip netns exec NAME`.
        clock: a file that moves the host's clock by what is in it (`+600`), or None.
    """

    name: str
    data_dir: Path
    database_url: str
    address: str
    port: int
    front_ends: int = 1
    learners: int = 0
    before: Sequence[str] = ()
    clock: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        self.data_dir.mkdir(exist_ok=True)
        command = [*self.before, sys.executable, "-m", "sshd", "--data", str(self.data_dir), "serve"]
        command += ["--host", self.address, "--port", str(self.port), "--front-ends", str(self.front_ends)]
        with (self.data_dir / "server.log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: ASYNC220 - it starts at once
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=self._environment()
            )
        assert self.process.stdout is not None
        reading = asyncio.create_task(asyncio.to_thread(self.process.stdout.readline))
        await asyncio.wait([reading], timeout=START_S)
        if not reading.done() or b"listens" not in reading.result():
            self.kill_all()
            raise RuntimeError((self.data_dir / "server.log").read_text()[-2000:])

    def _environment(self) -> dict[str, str]:
        ours = {
            "TAGLINE_DATABASE_URL": self.database_url, "TAGLINE_LOG_LEVEL": "WARNING", "TAGLINE_LEARNERS": str(self.learners),
            "TAGLINE_DRAIN_S": "5", **self.env,
        }  # fmt: skip
        if self.clock is not None and FAKETIME.exists():
            ours |= {
                "LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(self.clock), "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1",
            }  # fmt: skip
        return {**os.environ, **ours}

    def processes(self, kind: str) -> list[psutil.Process]:
        """Its living processes of a kind."""
        if self.process is None or self.process.poll() is not None:
            return []
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if MODULES[kind] in _words(child)]

    def kill(self, kind: str) -> bool:
        """`kill -9` of one process of a kind; False while none is there."""
        found = self.processes(kind)
        if found:
            found[0].kill()
        return bool(found)

    def kill_all(self) -> None:
        """`kill -9` of `serve` itself; its children notice and end."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def renew(self) -> None:
        """A rolling restart."""
        if self.process is not None:
            self.process.send_signal(signal.SIGHUP)

    async def stop(self) -> None:
        """End it in order."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                await asyncio.to_thread(self.process.wait, 60)
            except subprocess.TimeoutExpired:
                self.process.kill()


def _words(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
