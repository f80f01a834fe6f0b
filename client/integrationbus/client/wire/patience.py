"""How long to go on trying."""

import random
import time
from collections.abc import Callable

from integrationbus.client.model.errors import BusError, DeadlineExceeded, Exhausted, Unavailable

__all__ = ["Patience"]

_FIRST_DELAY = 0.1
_LONGEST_DELAY = 2.0


class Patience:
    """Says after each failure how long to wait before the next try, until so many seconds went without a success."""

    def __init__(self, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._delay = _FIRST_DELAY
        self._since: float | None = None

    def succeeded(self) -> None:
        """Start afresh."""
        self._delay = _FIRST_DELAY
        self._since = None

    def delay_after(self, error: BusError) -> float:
        """Seconds to wait before the next try. Raises the error when waiting does not help, or patience is over."""
        helps = isinstance(error, Unavailable | DeadlineExceeded) or (
            isinstance(error, Exhausted) and error.retry_delay is not None
        )
        now = self._monotonic()
        self._since = now if self._since is None else self._since
        if not helps or now - self._since >= self._seconds:
            raise error
        if error.retry_delay is not None:
            return error.retry_delay.total_seconds()
        delay, self._delay = self._delay, min(self._delay * 2, _LONGEST_DELAY)
        # Clients that lost the same server must not all come back at once.
        return delay * random.uniform(0.5, 1.0)  # noqa: S311 - nothing to keep secret
