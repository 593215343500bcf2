"""What is broken in a siege, one thing at a time: see `benchmarks.siege`. An act returns False where there was nothing to break."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.faults import Memory
from benchmarks.rig.blobs import Blobs
from benchmarks.rig.hosts import FAKETIME, Host
from benchmarks.rig.postgres import Postgres
from benchmarks.rig.team import Team
from benchmarks.rig.wire import Wire
from core.db.database import Database

CLOCK_JUMPS_S = (-7, +7, +600, -600, 0)


@dataclass
class Siege:
    """What is besieged, and what was done to it so far."""

    db: Database
    team: Team
    hosts: list[Host]
    wires: list[Wire]
    memory: Memory
    server: Postgres | None = None
    disk: Path | None = None
    blobs: Blobs | None = None
    database_wire: Wire | None = None
    acts: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    over_time: list[dict[str, int]] = field(default_factory=list)
    rng: random.Random = field(default_factory=lambda: random.Random(7))

    @property
    def port(self) -> int:
        """A labeler connects to either host."""
        return self.rng.choice(self.wires).port

    async def recover(self) -> None:
        """Start a database server again that ended."""
        if self.server is not None and not await self.server.listens():
            await self.server.restart("immediate")


def possible_now(siege: Siege, act: str) -> bool:
    """True where this machine and this siege have what the act needs."""
    if act == "database cut off":
        return siege.database_wire is not None
    if "database" in act:
        return siege.server is not None
    if "blob" in act:
        return siege.blobs is not None
    if "disk" in act:
        return siege.disk is not None and siege.disk.is_mount()
    return "clock" not in act or (FAKETIME.exists() and siege.hosts[-1].clock is not None)


async def _kill(siege: Siege, kind: str) -> bool:
    return siege.rng.choice(siege.hosts).kill(kind)


async def _kill_host(siege: Siege) -> bool:
    host = siege.rng.choice(siege.hosts)
    host.kill_all()
    await asyncio.sleep(siege.rng.uniform(0.5, 6))
    while True:  # its children let go of the port once they notice
        try:
            await host.start()
            return True
        except (RuntimeError, TimeoutError):
            await asyncio.sleep(1)


async def _crash_database(siege: Siege) -> bool:
    assert siege.server is not None
    await siege.server.restart("immediate")
    return True


async def _restart_database(siege: Siege) -> bool:
    assert siege.server is not None
    await siege.server.restart("fast")
    return True


async def _cut_database_off(siege: Siege) -> bool:
    """No host reaches the database for some seconds, and every connection to it breaks."""
    assert siege.database_wire is not None
    await siege.database_wire.be_down(siege.rng.uniform(2, 8))
    return True


async def _stop_blobs(siege: Siege) -> bool:
    assert siege.blobs is not None
    return await siege.blobs.be_down(siege.rng.uniform(2, 10))


async def _slow_blobs(siege: Siege) -> bool:
    assert siege.blobs is not None
    return await siege.blobs.be_slow(siege.rng.uniform(5, 30))


async def _cut(siege: Siege) -> bool:
    return bool(siege.rng.choice(siege.wires).cut())


async def _silence(siege: Siege) -> bool:
    return bool(siege.rng.choice(siege.wires).silence())


async def _renew(siege: Siege) -> bool:
    siege.rng.choice(siege.hosts).renew()
    return True


async def _crowd(siege: Siege) -> bool:
    """Two hundred connections that say nothing, for a few seconds."""
    port = siege.rng.choice(siege.hosts).port
    found = await asyncio.gather(
        *(asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), 5) for _ in range(200)), return_exceptions=True
    )
    await asyncio.sleep(4)
    for one in found:
        if isinstance(one, tuple):
            one[1].transport.abort()
    return True


async def _slow(siege: Siege) -> bool:
    """One labeler's terminal takes no byte for a while."""
    if not siege.memory.open_connections:
        return False
    connection = siege.memory.open_connections[siege.rng.choice(sorted(siege.memory.open_connections))]
    transport = connection._transport
    if transport is None:
        return False
    transport.pause_reading()
    await asyncio.sleep(siege.rng.uniform(5, 20))
    with suppress(RuntimeError):
        transport.resume_reading()
    return True


async def _move_clock(siege: Siege) -> bool:
    clock = siege.hosts[-1].clock
    assert clock is not None
    clock.write_text(f"{siege.rng.choice(CLOCK_JUMPS_S):+d}")
    return True


async def _fill_disk(siege: Siege) -> bool:
    """No byte is left for some seconds; a database server that ended over it is started again."""
    assert siege.disk is not None
    ballast = siege.disk / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"\0" * (1 << 16))
        await asyncio.sleep(siege.rng.uniform(3, 10))
    finally:
        ballast.unlink(missing_ok=True)
    await asyncio.sleep(2)
    await siege.recover()
    return True


Act = Callable[[Siege], Awaitable[bool]]
ACTS: dict[str, Act] = {
    "front end killed": lambda siege: _kill(siege, "front end"),
    "janitor killed": lambda siege: _kill(siege, "janitor"),
    "learner killed": lambda siege: _kill(siege, "learner"),
    "whole host killed": _kill_host,
    "database crashed": _crash_database,
    "database restarted": _restart_database,
    "network cut": _cut,
    "network silent, half-open": _silence,
    "rolling restart": _renew,
    "200 connections at once": _crowd,
    "slow client": _slow,
    "clock moved": _move_clock,
    "disk full": _fill_disk,
    "database cut off": _cut_database_off,
    "blob store down": _stop_blobs,
    "blob store slow": _slow_blobs,
}
