"""This process among the replicas: its heartbeat, its lookout, and the signals between them."""

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Protocol

from integrationbus.server.clock import Clock
from integrationbus.server.replica import Replica, Signal
from integrationbus.server.replicas.heartbeat import Heartbeat
from integrationbus.server.replicas.lookout import Lookout, Tidings
from integrationbus.server.replicas.trust import Window
from integrationbus.server.store import Store

__all__ = ["ReplicaGroup", "Work"]


class Work(Protocol):
    """The processing of this replica, as the group sees it."""

    def adopt(self, names: Collection[str]) -> None:
        """Go on with what an earlier holder of these connectors left."""
        ...

    def give_back(self, names: Collection[str]) -> Collection[str]:
        """Let others have those of the named connectors that rest; returns their names."""
        ...


class ReplicaGroup:
    """Tells where connectors are processed (see ``Homes``), and keeps this process and the others informed.

    ``store`` has connections of its own, so that a busy server does not keep its leases from being prolonged.
    ``send`` gives a hint to the other replicas, from any thread. What they did is passed to ``on_tidings``.
    """

    def __init__(
        self,
        *,
        store: Store,
        replica: Replica,
        lease: timedelta,
        poll_seconds: float,
        clock: Clock,
        send: Callable[[Signal], None],
        on_tidings: Callable[[Tidings], None],
    ) -> None:
        self.trust = Window(lease, clock)
        self._store = store
        self._send = send
        self._work: Work | None = None
        self._heartbeat = Heartbeat(
            store=store,
            replica=replica,
            lease=lease,
            clock=clock,
            trust=self.trust,
            on_gained=self._gained,
            give_back=self._give_back,
            on_moved=lambda: send(Signal.MOVED),
        )
        self._lookout = Lookout(store, poll_seconds, on_tidings)

    def start(self, work: Work) -> None:
        """Join the others, and take this replica's share. Raises StoreUnavailable or OutcomeUnknown."""
        self._work = work
        self._lookout.start()
        self._heartbeat.start()

    def retire(self) -> None:
        """Let others have what this replica processes, as soon as it rests."""
        self._heartbeat.retire()

    def stop(self) -> None:
        """Leave the others; called when nothing is processed any more."""
        self._lookout.stop()
        self._heartbeat.stop()

    def is_here(self, connector: str) -> bool:
        """See ``Homes.is_here``."""
        return self._heartbeat.is_here(connector)

    def is_elsewhere(self, connector: str) -> bool:
        """See ``Homes.is_elsewhere``."""
        return self._heartbeat.is_elsewhere(connector)

    @property
    def is_in_touch(self) -> bool:
        """See ``Heartbeat.is_in_touch``."""
        return self._heartbeat.is_in_touch

    def tell(self) -> None:
        """See ``Homes.tell``."""
        if self._heartbeat.has_others:
            self._send(Signal.CHANGED)
            # It may have been left for this replica, which is about to take the connector.
            self._lookout.look_now()

    def heard(self, signal: Signal) -> None:
        """Another replica gave a hint."""
        if signal is Signal.MOVED:
            self._heartbeat.look_now()
        self._lookout.look_now()

    def _gained(self, names: Collection[str]) -> None:
        assert self._work, "the group was started"
        self._work.adopt(names)
        # What was left for these connectors is not new, but was not for this process before.
        self._lookout.look_now()

    def _give_back(self, names: Collection[str]) -> Collection[str]:
        return self._work.give_back(names) if self._work and names else ()
