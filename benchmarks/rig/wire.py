"""The network between labelers and a host: it can be cut, or fall silent with every connection left half open."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field


@dataclass(eq=False)
class Line:
    """One connection through the wire."""

    writers: tuple[asyncio.StreamWriter, asyncio.StreamWriter]
    is_silent: bool = False

    def abort(self) -> None:
        """End it without a word."""
        for writer in self.writers:
            writer.transport.abort()


@dataclass
class Wire:
    """Forwards a port of loopback to a host."""

    address: str
    target: int
    lines: set[Line] = field(default_factory=set)
    port: int = 0
    is_down: bool = False

    async def open(self) -> None:
        """Begin to forward."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """End everything."""
        self._server.close()
        self.cut()

    def cut(self) -> int:
        """Every connection breaks; returns how many there were."""
        count = len(self.lines)
        for line in list(self.lines):
            line.abort()
        return count

    async def be_down(self, seconds: float) -> None:
        """Every connection breaks, and none is taken for a while."""
        self.is_down = True
        self.cut()
        try:
            await asyncio.sleep(seconds)
        finally:
            self.is_down = False

    def silence(self) -> int:
        """Nothing that is open now carries another byte, and neither end hears why; returns how many there were."""
        for line in self.lines:
            line.is_silent = True
        return len(self.lines)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_down:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection(self.address, self.target)
        except OSError:
            writer.transport.abort()
            return
        line = Line((writer, back))
        self.lines.add(line)
        await asyncio.gather(self._pump(line, reader, back), self._pump(line, there, writer))
        self.lines.discard(line)

    async def _pump(self, line: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                if not line.is_silent:
                    writer.write(data)
                    await writer.drain()
        if not line.is_silent:
            writer.close()
