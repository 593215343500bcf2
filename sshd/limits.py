"""How much one front end takes on, in all and from one address: asyncssh itself sets no such bounds."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limits:
    """Bounds of one front-end process."""

    sessions: int = 200
    sessions_per_user: int = 8
    auth_failures: int = 6
    unauthenticated: int = 64
    unauthenticated_per_address: int = 32
    connections_per_minute: int = 600
    failures_per_minute: int = 60


@dataclass
class Gate:
    """Counts connections and failed logins by address."""

    limits: Limits
    clock: Callable[[], float] = time.monotonic
    unauthenticated: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _connections: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    _failures: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def admit(self, address: str) -> str | None:
        """Count a new connection; says why it is refused, or None."""
        recent = self._recent(self._connections, address)
        recent.append(self.clock())
        if len(recent) > self.limits.connections_per_minute:
            return "too many connections a minute"
        if len(self._recent(self._failures, address)) > self.limits.failures_per_minute:
            return "too many failed logins a minute"
        if self.unauthenticated[address] >= self.limits.unauthenticated_per_address:
            return "too many connections that have not logged in"
        if sum(self.unauthenticated.values()) >= self.limits.unauthenticated:
            return "too many connections that have not logged in"
        self.unauthenticated[address] += 1
        return None

    def settled(self, address: str) -> None:
        """An admitted connection logged in or left."""
        self.unauthenticated[address] -= 1
        if self.unauthenticated[address] <= 0:
            del self.unauthenticated[address]

    def failed(self, address: str) -> None:
        """Count a failed login."""
        self._recent(self._failures, address).append(self.clock())

    def _recent(self, times: dict[str, deque[float]], address: str) -> deque[float]:
        found = times[address]
        while found and self.clock() - found[0] > 60:
            found.popleft()
        if len(times) > 10_000:
            for stale in [a for a, t in times.items() if not t]:
                del times[stale]
        return found
