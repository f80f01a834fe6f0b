"""The newest changes of one connector, in memory."""

from collections import deque
from collections.abc import Sequence
from itertools import islice

from integrationbus.server.task_queries import TaskEvent

__all__ = ["Ring"]


class Ring:
    """Keeps the last ``size`` changes, without a hole between them. It is a cache of the table, never the truth."""

    def __init__(self, size: int) -> None:
        self._events: deque[TaskEvent] = deque(maxlen=size)

    @property
    def newest(self) -> int:
        """The position of the newest change that it holds; 0 when empty."""
        return self._events[-1].position if self._events else 0

    def add(self, events: Sequence[TaskEvent]) -> None:
        """Add changes that follow on what it holds; anything else makes it start afresh with them."""
        fresh = [event for event in events if event.position > self.newest]
        if fresh and self._events and fresh[0].position != self.newest + 1:
            self._events.clear()
        self._events.extend(fresh)

    def after(self, position: int, limit: int) -> Sequence[TaskEvent] | None:
        """At most ``limit`` changes behind a position; None when it does not reach back that far."""
        if not self._events or position < self._events[0].position - 1:
            return None
        start = position - self._events[0].position + 1
        return list(islice(self._events, start, start + limit))
