"""How fast tasks come in and get settled, over the last minute."""

import threading
from collections import deque

from integrationbus.server.clock import Clock

__all__ = ["Rate", "Rates"]

_WINDOW_SECONDS = 60


class Rate:
    """Counts what happened in the last minute, to the second. Safe to use from several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seconds: deque[tuple[int, int]] = deque()

    def count(self, number: int) -> None:
        """Record that so many things happened now."""
        second = int(self._clock.monotonic())
        with self._lock:
            if self._seconds and self._seconds[-1][0] == second:
                self._seconds[-1] = (second, self._seconds[-1][1] + number)
            else:
                self._seconds.append((second, number))
            self._forget(second)

    def per_second(self) -> float:
        """The average over the last minute."""
        with self._lock:
            self._forget(int(self._clock.monotonic()))
            return sum(number for _, number in self._seconds) / _WINDOW_SECONDS

    def _forget(self, now: int) -> None:
        while self._seconds and self._seconds[0][0] <= now - _WINDOW_SECONDS:
            self._seconds.popleft()


class Rates:
    """The rates of every connector, by name."""

    def __init__(self, connectors: list[str], clock: Clock) -> None:
        self._logged = {name: Rate(clock) for name in connectors}
        self._settled = {name: Rate(clock) for name in connectors}

    def count_logged(self, connector: str, tasks: int) -> None:
        """Tasks were logged."""
        self._logged[connector].count(tasks)

    def count_settled(self, connector: str, tasks: int) -> None:
        """Tasks were settled."""
        self._settled[connector].count(tasks)

    def logged_per_second(self, connector: str) -> float:
        """Tasks logged per second over the last minute."""
        return self._logged[connector].per_second()

    def settled_per_second(self, connector: str) -> float:
        """Tasks settled per second over the last minute."""
        return self._settled[connector].per_second()
