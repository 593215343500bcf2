"""How much one user or one address may ask of a front end: plain counters, no I/O, no clock of their own."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of one front-end process; with N front ends on a port the whole takes up to N times as much.

    Attributes:
        auth_tries: refused keys and passwords together that one connection may offer.
        preauth, preauth_per_ip: connections that have not logged in yet.
        password_failures_per_ip, password_failures_per_user: wrong passwords within `failure_window_s`; beyond it
            passwords are refused unseen. Keys go on working, so that nobody can lock a colleague out.
    """

    sessions: int = 200
    sessions_per_user: int = 8
    auth_tries: int = 6
    preauth: int = 256
    preauth_per_ip: int = 64
    connections_per_ip_per_min: int = 600
    password_failures_per_ip: int = 30
    password_failures_per_user: int = 10
    failure_window_s: float = 300.0
    login_timeout_s: float = 30.0
    exec_per_user: int = 8


class SlidingWindow:
    """Counts events a key in the last `window_s` seconds; memory is bounded by forgetting quiet keys."""

    def __init__(self, limit: int, window_s: float) -> None:
        self.limit, self._window_s = limit, window_s
        self._times: dict[str, deque[float]] = defaultdict(deque)

    def add(self, key: str, now_s: float) -> None:
        """Count one event."""
        times = self._times[key]
        times.append(now_s)
        while len(times) > self.limit:
            times.popleft()
        if len(self._times) > 10_000:
            self._forget_quiet(now_s)

    def is_full(self, key: str, now_s: float) -> bool:
        """True when the key has used up its window."""
        times = self._times.get(key)
        if times is None:
            return False
        while times and now_s - times[0] > self._window_s:
            times.popleft()
        if not times:
            del self._times[key]
        return len(times) >= self.limit

    def forget(self, key: str) -> None:
        """Start the key afresh, as after a success."""
        self._times.pop(key, None)

    def _forget_quiet(self, now_s: float) -> None:
        quiet = [key for key, times in self._times.items() if now_s - times[-1] > self._window_s]
        for key in quiet or list(self._times)[:5_000]:
            del self._times[key]


class Waiting:
    """Connections that have not logged in, in all and by address."""

    def __init__(self, limit: int, limit_per_ip: int) -> None:
        self._limit, self._limit_per_ip = limit, limit_per_ip
        self._by_ip: dict[str, int] = defaultdict(int)
        self.total = 0

    def enter(self, ip: str) -> bool:
        """Take one more in; False, and nothing is counted, when there is no room."""
        if self.total >= self._limit or self._by_ip.get(ip, 0) >= self._limit_per_ip:
            return False
        self.total += 1
        self._by_ip[ip] += 1
        return True

    def leave(self, ip: str) -> None:
        """One that `enter` took in has logged in or gone."""
        self.total -= 1
        self._by_ip[ip] -= 1
        if not self._by_ip[ip]:
            del self._by_ip[ip]
