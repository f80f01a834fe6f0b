"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta

__all__ = ["ManualClock"]

_START = datetime(2026, 1, 1, tzinfo=UTC)


class ManualClock:
    """See ``Clock``. It starts at ``start``, an aware time."""

    def __init__(self, start: datetime = _START) -> None:
        self._start = start
        self._now = start

    def now(self) -> datetime:
        """The time that the test has set, aware, UTC."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the start."""
        return (self._now - self._start).total_seconds()

    def advance(self, delta: timedelta) -> None:
        """Move on. Raises ValueError for a step back."""
        if delta < timedelta(0):
            raise ValueError(f"time does not go backwards: {delta}")
        self._now += delta
