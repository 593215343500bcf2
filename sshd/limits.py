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
    user_failures_per_minute: int = 10
    commands_per_user: int = 8
    login_timeout_s: int = 30
    upload_mb: int = 512
    uploads_project_mb: int = 50 * 1024


@dataclass
class Gate:
    """Counts connections by address, and wrong passwords by address and by user name.

    Keys are not counted here: they cannot be guessed, an agent offers several, and a user whose name is under attack
    must still get in with hers.
    """

    limits: Limits
    clock: Callable[[], float] = time.monotonic
    unauthenticated: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _connections: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    _failures: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    _user_failures: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def admit(self, address: str) -> str | None:
        """Count a new connection; says why it is refused, or None."""
        recent = self._recent(self._connections, address)
        recent.append(self.clock())
        if len(recent) > self.limits.connections_per_minute:
            return "too many connections a minute"
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

    def failed(self, address: str, user: str) -> None:
        """Count a wrong password."""
        self._recent(self._failures, address).append(self.clock())
        self._recent(self._user_failures, user).append(self.clock())

    def hears_passwords(self, address: str, user: str) -> bool:
        """False while so many were wrong lately that a further one is refused unseen."""
        return (
            len(self._recent(self._failures, address)) < self.limits.failures_per_minute
            and len(self._recent(self._user_failures, user)) < self.limits.user_failures_per_minute
        )

    def _recent(self, times: dict[str, deque[float]], address: str) -> deque[float]:
        found = times[address]
        while found and self.clock() - found[0] > 60:
            found.popleft()
        if len(times) > 10_000:
            oldest_first = sorted(times, key=lambda key: times[key][-1] if times[key] else 0.0)
            for stale in oldest_first[:5_000]:
                if stale != address:
                    del times[stale]
        return found
