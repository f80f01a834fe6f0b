"""Staying alive in the eyes of the others, and sharing out the connectors with them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from integrationbus.server.clock import Clock
from integrationbus.server.replica import Replica, Roll, homes_of
from integrationbus.server.replicas.regularly import Regularly
from integrationbus.server.replicas.trust import Window
from integrationbus.server.store import Store

__all__ = ["LONGEST_LOOK", "Heartbeat"]

LONGEST_LOOK = timedelta(seconds=2)
"""How long it takes at most until a replica sees that another one is gone, once its lease is over."""


class Heartbeat:
    """Prolongs the leases of this process, on a thread and connections of its own, and keeps the share of each.

    A connector belongs here while this process holds it, or while nobody does and its home is here. One that is held
    and has its home elsewhere is given back as soon as it rests. ``on_gained`` gets the names of those that have come;
    ``give_back`` returns which of the given ones it could give back. ``on_moved`` is called when others should look.
    """

    def __init__(
        self,
        *,
        store: Store,
        replica: Replica,
        lease: timedelta,
        clock: Clock,
        trust: Window,
        on_gained: Callable[[Collection[str]], None],
        give_back: Callable[[Collection[str]], Collection[str]],
        on_moved: Callable[[], None],
    ) -> None:
        self._store = store
        self._replica = replica
        self._clock = clock
        self._trust = trust
        self._on_gained = on_gained
        self._give_back = give_back
        self._on_moved = on_moved
        self._here: frozenset[str] = frozenset()
        self._adopted: frozenset[str] = frozenset()
        self._others: Sequence[Replica] = ()
        self._homes: Mapping[str, str] = {}
        self._known: Sequence[Replica] = ()
        self._patience_seconds = (lease + LONGEST_LOOK).total_seconds()
        self._heard_at = clock.monotonic()
        self._beats = Regularly(
            self._beat,
            name="heartbeat",
            seconds=min(LONGEST_LOOK, lease / 3).total_seconds(),
            trouble="the leases could not be prolonged",
        )

    def start(self) -> None:
        """Join the others. Raises StoreUnavailable or OutcomeUnknown."""
        self._beat()
        self._on_moved()
        self._beats.start()

    def retire(self) -> None:
        """Be nobody's home any more: what rests is given back, the rest when its run has ended."""
        self._replica = replace(self._replica, connectors=frozenset())
        self.look_now()

    def stop(self) -> None:
        """Leave the others; called when nothing is processed any more."""
        self._beats.stop()
        self._store.leave(self._replica.id)
        self._on_moved()

    def look_now(self) -> None:
        """Somebody came, went, or gave something back."""
        self._beats.now()

    def is_here(self, connector: str) -> bool:
        """Whether a connector belongs here."""
        return connector in self._here

    def is_elsewhere(self, connector: str) -> bool:
        """Whether another replica can run a connector."""
        return any(connector in other.connectors for other in self._others)

    @property
    def is_in_touch(self) -> bool:
        """Whether the database answered, before others may have taken over what is here."""
        return self._clock.monotonic() - self._heard_at < self._patience_seconds

    @property
    def has_others(self) -> bool:
        """Whether there are other replicas."""
        return bool(self._others)

    def _beat(self) -> None:
        asked_at = self._clock.monotonic()
        roll = self._store.attend(self._replica)
        self._trust.renew(roll.renewed, asked_at)
        self._heard_at = asked_at
        self._others = [replica for replica in roll.replicas if replica.id != self._replica.id]
        homes = self._homes_by(roll)
        own = self._replica.id
        held = {name for name, holder in roll.holders.items() if holder == own}
        given_back = set(self._give_back({name for name in held if homes.get(name) not in (own, "", None)}))
        free = {name for name, home in homes.items() if home == own and name not in roll.holders}
        here = frozenset((held - given_back) | free)
        self._here, self._adopted = here, self._adopted & here
        if given_back:
            self._on_moved()
        if gained := here - self._adopted:
            # What fails is done again with the next beat.
            self._on_gained(gained)
            self._adopted = here

    def _homes_by(self, roll: Roll) -> Mapping[str, str]:
        """The home of each connector; worked out again when somebody came or went."""
        if roll.replicas != self._known:
            self._homes = homes_of(roll.replicas)
            self._known = roll.replicas
        return self._homes
