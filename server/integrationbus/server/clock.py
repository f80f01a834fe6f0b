"""Time, passed in wherever it is needed so that tests can hold it."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

__all__ = ["Clock", "SystemClock", "from_micros", "to_micros"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# A lease runs out while the machine sleeps; the ordinary monotonic clock of Linux stands still then.
_SINCE_BOOT: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class Clock(Protocol):
    """What the server asks for the time."""

    def now(self) -> datetime:
        """The wall-clock time, aware, UTC: what is stored and shown."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go backwards, nor stop while the machine sleeps: what durations are measured with."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """The wall-clock time, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since the machine started; where it does not count those of its sleep, without them."""
        return time.monotonic() if _SINCE_BOOT is None else time.clock_gettime(_SINCE_BOOT)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 UTC of an aware time: the form in which times are stored, exact on every database."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    """The aware UTC time of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=micros)
