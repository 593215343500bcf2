"""Keeps N front ends and a janitor running: starts them, hears their hearts beat, replaces the dead, stops them gently.

It must not import textual or asyncssh, nor touch the database: it has to outlive whatever goes wrong in its children.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from core.errors import BadInput, TaglineError
from sshd import hardening
from sshd.config import Config

log = logging.getLogger("tagline.supervisor")

EX_CONFIG = 78
START_S = 60.0
KILL_AFTER_S = 5.0
HEALTHY_S = 60.0
BACK_OFF_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class CannotStart(TaglineError):
    """A child says that starting it again will not help."""


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


def back_off_s(failures: int) -> float:
    """How long to wait before a start, after so many lives that were short."""
    return BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)]


def hold_port(host: str, port: int) -> socket.socket:
    """A socket that keeps the address for our front ends and never accepts anything itself.

    Raises:
        BadInput: something else listens there, or the address is not ours to use.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        if port:
            with socket.socket(family) as other:  # without SO_REUSEPORT, to notice another server of ours as well
                other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                other.bind((host, port))
                other.listen(1)
        held = socket.socket(family)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind((host, port))
    except OSError as error:
        raise BadInput(
            f"Tagline cannot listen on {host} port {port}: {error.strerror}. Choose another port."
        ) from error
    return held


class Supervisor:
    """The children of one `serve`."""

    def __init__(self, config: Config, jobs: Sequence[Job]) -> None:
        self._config, self._jobs = config, jobs
        self._stop = asyncio.Event()
        self.children: dict[str, Child] = {}

    def stop(self) -> None:
        """Ask everything to end; sessions get time to save their work."""
        self._stop.set()

    @property
    def is_ready(self) -> bool:
        """True once every job has shown life."""
        return len(self.children) == len(self._jobs) and all(child.is_ready for child in self.children.values())

    async def run(self, on_ready: Callable[[int], None]) -> None:
        """Keep all jobs alive until `stop`. Raises CannotStart."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for job in self._jobs:
                    tasks.create_task(self._keep(job), name=job.name)
                tasks.create_task(self._announce(on_ready))
        except* CannotStart as group:
            raise group.exceptions[0] from None

    async def _announce(self, on_ready: Callable[[int], None]) -> None:
        while not self._stop.is_set():
            if self.is_ready:
                on_ready(self._config.port)
                return
            await self._sleep(0.02)

    async def _keep(self, job: Job) -> None:
        failures = 0
        while not self._stop.is_set():
            started_s = time.monotonic()
            child = await self._start(job)
            try:
                status = await self._watch(child)
            finally:
                await self._bury(child)
            if status == EX_CONFIG:
                raise CannotStart(f"The {job.name} cannot start; its message is above.")
            if self._stop.is_set():
                return
            failures = 0 if time.monotonic() - started_s > HEALTHY_S else failures + 1
            log.error("the %s ended with status %s; starting it again", job.name, status)
            await self._sleep(back_off_s(failures - 1 if failures else 0))

    async def _start(self, job: Job) -> Child:
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
        process.stdin.write(self._config.to_json())
        process.stdin.close()
        child = self.children[job.name] = Child(job, process, reads)
        asyncio.get_running_loop().add_reader(reads, child.heard)
        return child

    async def _watch(self, child: Child) -> int:
        """Wait for the child's end, and bring it about when its heart stops or when all is to stop."""
        ended = asyncio.ensure_future(child.process.wait())
        while not ended.done():
            if self._stop.is_set():
                return await self._end(child, ended)
            if child.is_stuck(self._config.heartbeat_s):
                log.error("the %s does not answer; killing it", child.job.name)
                child.process.kill()
                return await ended
            await asyncio.wait(
                [ended, asyncio.ensure_future(self._sleep(0.5))],
                return_when=asyncio.FIRST_COMPLETED,
            )
        return ended.result()

    async def _end(self, child: Child, ended: asyncio.Future[int]) -> int:
        _signal(child.process, signal.SIGTERM)
        try:
            return await asyncio.wait_for(asyncio.shield(ended), self._config.drain_s + KILL_AFTER_S)
        except TimeoutError:
            log.error("the %s does not end; killing it", child.job.name)
            _signal(child.process, signal.SIGKILL)
            return await ended

    async def _bury(self, child: Child) -> None:
        if child.process.returncode is None:
            _signal(child.process, signal.SIGKILL)
            await child.process.wait()
        asyncio.get_running_loop().remove_reader(child.beats_fd)
        os.close(child.beats_fd)
        del self.children[child.job.name]

    async def _sleep(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return


def _signal(process: asyncio.subprocess.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except ProcessLookupError:
        return


def standard_jobs(config: Config) -> tuple[Job, ...]:
    """The front ends, the janitor, and the learning worker where the settings want one."""
    front_ends = (Job(f"front end {n + 1}", "sshd.front_end") for n in range(config.front_ends))
    learners = (Job(f"learning worker {n + 1}", "sshd.learner") for n in range(config.learners))
    return (*front_ends, Job("janitor", "sshd.janitor"), *learners)


async def supervise(config: Config, on_ready: Callable[[int], None]) -> None:
    """Serve until SIGTERM or SIGINT. `on_ready` gets the port once everything runs.

    Raises:
        BadInput: the address cannot be listened on.
        CannotStart: a process ended for a reason that a restart does not cure.
    """
    with hold_port(config.host, config.port) as held:
        supervisor = Supervisor(config := replace(config, port=held.getsockname()[1]), standard_jobs(config))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, supervisor.stop)
        await supervisor.run(on_ready)


def serve(config: Config, on_ready: Callable[[int], None]) -> None:
    """Run `supervise` to its end; returns when everything has stopped in order. Raises what it raises."""
    asyncio.run(supervise(config, on_ready))
