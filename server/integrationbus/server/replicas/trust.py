"""How long this process may believe that it holds a connector."""

import threading
from collections.abc import Iterable
from datetime import timedelta
from typing import Protocol

from integrationbus.server.clock import Clock

__all__ = ["Trust", "Unlimited", "Window"]


class Trust(Protocol):
    """Says whether a lease still holds, without asking the database."""

    def begin(self, connector_id: int, asked_at: float) -> None:
        """The lease was taken or prolonged; the request for it left at this moment of the monotonic clock."""
        ...

    def holds(self, connector_id: int) -> bool:
        """Whether nobody else can have the connector."""
        ...


class Unlimited:
    """Trust where no other process can be: see ``Trust``."""

    def begin(self, connector_id: int, asked_at: float) -> None:
        """See ``Trust.begin``."""

    def holds(self, connector_id: int) -> bool:
        """See ``Trust.holds``."""
        return True


class Window:
    """Trust in leases that expire: see ``Trust``.

    It is counted from before the request left, by the monotonic clock, and ends a fifth of the lease before its expiry.
    So it ends before anybody else can take the lease, unless the clocks of two machines run that differently.
    """

    def __init__(self, lease: timedelta, clock: Clock) -> None:
        self._seconds = lease.total_seconds() * 0.8
        self._clock = clock
        self._until: dict[int, float] = {}
        self._lock = threading.Lock()

    def begin(self, connector_id: int, asked_at: float) -> None:
        """See ``Trust.begin``."""
        self.renew([connector_id], asked_at)

    def renew(self, connector_ids: Iterable[int], asked_at: float) -> None:
        """Leases were prolonged; the request left at this moment of the monotonic clock."""
        with self._lock:
            for each in connector_ids:
                # An answer that took long says nothing against a newer one.
                self._until[each] = max(self._until.get(each, 0.0), asked_at + self._seconds)

    def holds(self, connector_id: int) -> bool:
        """See ``Trust.holds``."""
        with self._lock:
            return self._clock.monotonic() < self._until.get(connector_id, 0.0)
