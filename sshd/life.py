"""One life of a supervised process: how it is started, heard, told to end, and buried."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from dataclasses import dataclass, field

from sshd import hardening
from sshd.config import Config

START_S = 60.0


@dataclass(frozen=True)
class Job:
    """One process to keep alive: a name for the log, and the module that is run with `python -m`."""

    name: str
    module: str


@dataclass
class Child:
    """One life of a job."""

    job: Job
    process: asyncio.subprocess.Process
    beats_fd: int
    beat_s: float = field(default_factory=time.monotonic)
    is_ready: bool = False
    heir: Child | None = None

    def heard(self) -> None:
        """Take the beats that wait in the pipe."""
        try:
            alive = bool(os.read(self.beats_fd, 4096))
        except BlockingIOError:
            return
        if alive:
            self.beat_s, self.is_ready = time.monotonic(), True
        else:
            asyncio.get_running_loop().remove_reader(self.beats_fd)

    def is_stuck(self, heartbeat_s: float) -> bool:
        """True when the event loop of the process has been silent for too long."""
        return time.monotonic() - self.beat_s > (heartbeat_s if self.is_ready else max(START_S, heartbeat_s))


async def spawn(job: Job, config: Config) -> Child:
    """Start a process, hand it its settings, and listen to its heart."""
    reads, writes = os.pipe()
    os.set_blocking(reads, False)
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            job.module,
            str(writes),
            stdin=asyncio.subprocess.PIPE,
            pass_fds=(writes,),
            env=hardening.scrubbed(os.environ),
        )
    finally:
        os.close(writes)
    assert process.stdin is not None
    process.stdin.write(config.to_json())
    process.stdin.close()
    child = Child(job, process, reads)
    asyncio.get_running_loop().add_reader(reads, child.heard)
    return child


async def bury(child: Child) -> None:
    """See that the process has ended, and let go of its heartbeat."""
    if child.process.returncode is None:
        signal_to(child.process, signal.SIGKILL)
        await child.process.wait()
    asyncio.get_running_loop().remove_reader(child.beats_fd)
    os.close(child.beats_fd)


def signal_to(process: asyncio.subprocess.Process, number: int) -> None:
    """Send a signal; a process that has ended hears nothing."""
    try:
        process.send_signal(number)
    except ProcessLookupError:
        return
