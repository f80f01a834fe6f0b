"""Objects in the database of the queue: what a task does and that it is done are one transaction."""

from contextlib import AbstractContextManager

from integrationbus.server.claims import Rehearsing, SettlingTransaction
from integrationbus.server.connector import Lease
from integrationbus.server.effects import Taken
from integrationbus.server.store import Store

__all__ = ["OneDatabase"]


class OneDatabase:
    """For the contract see ``Effects``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def take(self, connector: str, owner: str, run_id: str, *, crashed: bool) -> Taken:
        """See ``Effects.take``."""
        return Taken(lease=self._store.acquire_lease(connector, owner, run_id, crashed=crashed))

    def settling(self, lease: Lease, run_id: str) -> AbstractContextManager[SettlingTransaction]:
        """See ``Effects.settling``."""
        return self._store.settling(lease, run_id)

    def rehearsal(self, connector_id: int) -> AbstractContextManager[Rehearsing]:
        """See ``Effects.rehearsal``."""
        return self._store.rehearsal(connector_id)
