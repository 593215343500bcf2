"""Labelers at a page each few seconds over real SSH, whose terminals show nothing: they answer what is asked and count bytes."""

from __future__ import annotations

import asyncio
import random
import re
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import asyncssh

from benchmarks.rig.team import LABELS, Team
from tests.ssh.client import KITTY

THINK_S = 3.0
SIZE_CELLS, SIZE_PX = (120, 32), (1200, 640)


class Client(asyncssh.SSHClientSession[bytes]):
    """A terminal that shows nothing: answers questions, counts bytes, knows when it last heard something."""

    def __init__(self) -> None:
        self.received = 0
        self.heard_s = 0.0
        self.is_gone = False
        self._tail = b""

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """The channel is there."""
        self.channel = chan

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """Answer what is asked in it."""
        self.received += len(data)
        self.heard_s = time.monotonic()
        text = self._tail + data
        if b"\x1b[5n" in text or self.received < 4096:
            found = sorted((m.end(), answer) for question, answer in KITTY for m in re.finditer(question, text))
            for _, answer in found:
                self.send(answer)
            text = text[found[-1][0] :] if found else text
        self._tail = text[-32:]

    def connection_lost(self, exc: Exception | None) -> None:
        """Cut off, or ended."""
        self.is_gone = True

    def send(self, data: bytes) -> None:
        """Type."""
        if not self.is_gone:
            self.channel.write(data)

    async def still(self, for_s: float = 0.4) -> None:
        """Wait until nothing has come for a while."""
        while time.monotonic() - self.heard_s < for_s:  # noqa: ASYNC110 - silence is no event
            await asyncio.sleep(0.1)


@dataclass
class Crowd:
    """Everybody who labels, and what went wrong for them."""

    port: int
    team: Team
    errors: int = 0
    pages: int = 0
    clients: dict[str, Client] = field(default_factory=dict)


async def seat(stack: AsyncExitStack, crowd: Crowd, name: str) -> None:
    """Connect so-and-so and open their project; whoever closes `stack` hangs up."""
    connection = await stack.enter_async_context(
        asyncssh.connect(
            "127.0.0.1", crowd.port, username=name, client_keys=[crowd.team.keys[name]], known_hosts=None, agent_path=None,
            config=None, compression_algs=["none"],
        )
    )  # fmt: skip
    _, client = await connection.create_session(
        Client, term_type="xterm-256color", term_size=(*SIZE_CELLS, *SIZE_PX), encoding=None
    )
    assert isinstance(client, Client)
    crowd.clients[name] = client
    await client.still()
    client.send(b"\r")
    await client.still()


async def labeler(crowd: Crowd, client: Client, until_s: float, *, is_boxes: bool) -> None:
    """A page each three seconds or so, keys half-way; who was cut off is an error."""
    rng, label = random.Random(id(client)), 0
    await asyncio.sleep(rng.uniform(0, THINK_S))
    while time.monotonic() < until_s and not client.is_gone:
        await asyncio.sleep(THINK_S / 2 * rng.uniform(0.8, 1.2))
        label = (label + rng.randrange(1, len(LABELS))) % len(LABELS)  # another one: a label again changes nothing
        digit = str(label + 1).encode()
        for key in (b"t", b" ", digit) if is_boxes else (b"a", digit):
            client.send(key)
            await asyncio.sleep(0.15)
        await asyncio.sleep(THINK_S / 2 * rng.uniform(0.8, 1.2) - 0.3)
        before = client.received
        client.send(b"\r")
        crowd.pages += 1
        await asyncio.sleep(0.05)
        crowd.errors += client.received == before and client.is_gone
    crowd.errors += client.is_gone
