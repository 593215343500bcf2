"""Keeps N front ends and a janitor running: starts them, hears their hearts beat, replaces the dead, renews and stops them gently.

It must not import textual or asyncssh, nor touch the database: it has to outlive whatever goes wrong in its children.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from core.errors import BadInput, TaglineError
from sshd.config import Config
from sshd.life import Child, Job, bury, signal_to, spawn

log = logging.getLogger("tagline.supervisor")

EX_CONFIG = 78
KILL_AFTER_S = 5.0
HEALTHY_S = 60.0
BACK_OFF_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class CannotStart(TaglineError):
    """A child says that starting it again will not help."""


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

    def __init__(self, config: Config, jobs: Sequence[Job], read_config: Callable[[], Config] | None = None) -> None:
        self._config, self._jobs, self._read_config = config, jobs, read_config
        self._stop, self._renew = asyncio.Event(), asyncio.Event()
        self.children: dict[str, Child] = {}

    def stop(self) -> None:
        """Ask everything to end; sessions get time to save their work."""
        self._stop.set()
        self._renew.set()

    def renew(self) -> None:
        """Ask for a rolling restart: each process gets an heir that serves before it is told to end itself."""
        self._renew.set()

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
                tasks.create_task(self._roll())
        except* CannotStart as group:
            raise group.exceptions[0] from None

    async def _announce(self, on_ready: Callable[[int], None]) -> None:
        while not self._stop.is_set():
            if self.is_ready:
                on_ready(self._config.port)
                return
            await self._sleep(0.02)

    async def _roll(self) -> None:
        """Renew one process after the other, each time somebody asks."""
        while True:
            await self._renew.wait()
            if self._stop.is_set():
                return
            self._renew.clear()
            self._take_settings()
            for job in self._jobs:
                if not await self._succeed(job):
                    log.error("the rolling restart ends here; the old processes serve on")
                    break
            else:
                log.info("every process was renewed")

    def _take_settings(self) -> None:
        """Read the settings anew for whatever starts from now on; address and processes stay as they are."""
        try:
            if self._read_config is not None:
                self._config = replace(self._read_config(), host=self._config.host, port=self._config.port)
        except BadInput as error:
            log.error("the new settings were not taken: %s", error)

    async def _succeed(self, job: Job) -> bool:
        """Give the job's process an heir and end it; False where the heir does not come to serve."""
        heir = await spawn(job, self._config)
        while not heir.is_ready:
            if self._stop.is_set() or heir.process.returncode is not None or heir.is_stuck(self._config.heartbeat_s):
                await self._bury(heir)
                return False
            await self._sleep(0.02)
        child = self.children.get(job.name)
        if child is None or child.heir is not None:  # it died meanwhile and was replaced: by settings of now
            await self._bury(heir)
            return True
        child.heir = heir
        signal_to(child.process, signal.SIGTERM)
        while self.children.get(job.name) is not heir and not self._stop.is_set():
            await self._sleep(0.05)
        return True

    async def _keep(self, job: Job) -> None:
        failures = 0
        heir: Child | None = None
        while not self._stop.is_set():
            started_s = time.monotonic()
            child = self.children[job.name] = heir or await spawn(job, self._config)
            heir = None
            try:
                status = await self._watch(child)
            finally:
                heir = child.heir
                await self._bury(child)
                if heir is not None and self._stop.is_set():
                    await self._bury(heir)
            if heir is not None:
                continue
            if status == EX_CONFIG:
                raise CannotStart(f"The {job.name} cannot start; its message is above.")
            if self._stop.is_set():
                return
            failures = 0 if time.monotonic() - started_s > HEALTHY_S else failures + 1
            log.error("the %s ended with status %s; starting it again", job.name, status)
            await self._sleep(back_off_s(failures - 1 if failures else 0))

    async def _watch(self, child: Child) -> int:
        """Wait for the child's end, and bring it about when its heart stops or when all is to stop."""
        ended = asyncio.ensure_future(child.process.wait())
        while not ended.done():
            if self._stop.is_set() or child.heir is not None:
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
        signal_to(child.process, signal.SIGTERM)
        try:
            return await asyncio.wait_for(asyncio.shield(ended), self._config.drain_s + KILL_AFTER_S)
        except TimeoutError:
            log.error("the %s does not end; killing it", child.job.name)
            signal_to(child.process, signal.SIGKILL)
            return await ended

    async def _bury(self, child: Child) -> None:
        await bury(child)
        if self.children.get(child.job.name) is child:
            del self.children[child.job.name]

    async def _sleep(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return


def standard_jobs(config: Config) -> tuple[Job, ...]:
    """The front ends, the janitor, and the learning worker where the settings want one."""
    front_ends = (Job(f"front end {n + 1}", "sshd.front_end") for n in range(config.front_ends))
    learners = (Job(f"learning worker {n + 1}", "sshd.learner") for n in range(config.learners))
    return (*front_ends, Job("janitor", "sshd.janitor"), *learners)


async def supervise(
    config: Config, on_ready: Callable[[int], None], read_config: Callable[[], Config] | None = None
) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP renews all. `on_ready` gets the port once everything runs.

    Raises:
        BadInput: the address cannot be listened on.
        CannotStart: a process ended for a reason that a restart does not cure.
    """
    with hold_port(config.host, config.port) as held:
        config = replace(config, port=held.getsockname()[1])
        supervisor = Supervisor(config, standard_jobs(config), read_config)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, supervisor.stop)
        loop.add_signal_handler(signal.SIGHUP, supervisor.renew)
        await supervisor.run(on_ready)


def serve(config: Config, on_ready: Callable[[int], None], read_config: Callable[[], Config] | None = None) -> None:
    """Run `supervise` to its end; returns when everything has stopped in order. Raises what it raises."""
    asyncio.run(supervise(config, on_ready, read_config))
