"""How long to go on trying."""

import logging
import random
import time
from collections.abc import Callable
from typing import Final

from integrationbus.client.model.errors import BusError, DeadlineExceeded, Exhausted, Unavailable

__all__ = ["Patience"]

_log = logging.getLogger(__name__)

_SHORTEST_DELAY: Final = 0.01
_FIRST_DELAY: Final = 0.1
_LONGEST_DELAY: Final = 2.0


class Patience:
    """Says after each failure how long to wait, until ``seconds`` have gone by without a success."""

    def __init__(self, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._delay = _FIRST_DELAY
        self._ends: float | None = None

    def succeeded(self) -> None:
        """Start afresh."""
        self._delay = _FIRST_DELAY
        self._ends = None

    def delay_after(self, error: BusError) -> float:
        """Return the seconds to wait before the next try.

        Raises the error when another try cannot help, or when the time is up. The last try comes when it is.
        """
        now = self._monotonic()
        if self._ends is None:
            self._ends = now + self._seconds
        if not _may_pass(error) or now >= self._ends:
            raise error
        delay = min(self._next_delay(error), self._ends - now)
        _log.info("trying again in %.1f s: %s", delay, error)
        return delay

    def _next_delay(self, error: BusError) -> float:
        if error.retry_delay is not None:
            return max(error.retry_delay.total_seconds(), _SHORTEST_DELAY)
        delay, self._delay = self._delay, min(self._delay * 2, _LONGEST_DELAY)
        # Clients that lost the same server must not all come back at once.
        return delay * random.uniform(0.5, 1.0)  # noqa: S311 - nothing to keep secret


def _may_pass(error: BusError) -> bool:
    """Whether waiting helps. A limit without a delay is one of size: the same request would meet it again."""
    if isinstance(error, Exhausted):
        return error.retry_delay is not None
    return isinstance(error, Unavailable | DeadlineExceeded)
