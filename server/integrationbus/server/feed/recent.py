"""The newest changes, in memory."""

from collections import deque
from collections.abc import Sequence
from itertools import islice

from integrationbus.server.task_events import TaskEvent

__all__ = ["Recent"]


class Recent:
    """Keeps the last ``size`` changes of all connectors together, for each without a hole between them.

    It is a cache of the table, never the truth.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._events: dict[int, deque[TaskEvent]] = {}
        self._order: deque[int] = deque()

    def newest(self, connector_id: int) -> int:
        """The position of the newest change that it holds of a connector; 0 when there is none."""
        events = self._events.get(connector_id)
        return events[-1].position if events else 0

    def add(self, connector_id: int, events: Sequence[TaskEvent]) -> None:
        """Add changes that follow on what it holds; anything else makes it start afresh with them."""
        newest = self.newest(connector_id)
        fresh = [event for event in events if event.position > newest]
        if fresh and newest and fresh[0].position != newest + 1:
            del self._events[connector_id]
            self._order = deque(each for each in self._order if each != connector_id)
        self._events.setdefault(connector_id, deque()).extend(fresh)
        self._order.extend([connector_id] * len(fresh))
        while len(self._order) > self._size:
            oldest = self._order.popleft()
            self._events[oldest].popleft()
            if not self._events[oldest]:
                del self._events[oldest]

    def after(self, connector_id: int, position: int, limit: int) -> Sequence[TaskEvent] | None:
        """At most ``limit`` changes behind a position; None when it does not reach back that far."""
        events = self._events.get(connector_id)
        if not events or position < events[0].position - 1:
            return None
        start = position - events[0].position + 1
        return list(islice(events, start, start + limit))

    def clear(self) -> None:
        """Hold nothing any more."""
        self._events.clear()
        self._order.clear()
