"""The ports of what tasks do to objects: how it becomes durable together with the record that they are done."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from integrationbus.server.claims import Rehearsing, Settled, SettlingTransaction
from integrationbus.server.connector import Lease
from integrationbus.server.object_names import ObjectName
from integrationbus.server.task import Task, TaskResult

__all__ = ["Effects", "Finished", "Taken", "TargetLedger", "TargetTransaction"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A connector that was taken. ``settled`` tasks of an earlier holder are done since, and ``follows`` from them."""

    lease: Lease
    settled: int = 0
    follows: Settled = field(default_factory=Settled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What tasks did in the target, by task id, and the names of what they wrote.

    ``sequences`` are the places of all of them in the line of their connector.
    """

    results: Mapping[str, TaskResult]
    names: Collection[ObjectName]
    sequences: Collection[int]


class Effects(Protocol):
    """Takes connectors, and gives their batches something to write through. Everything may raise StoreUnavailable."""

    def take(self, connector: str, owner: str, run_id: str, *, crashed: bool) -> Taken:
        """Take a connector for a run, and clean up after an earlier holder; see ``Store.acquire_lease``.

        From now on no earlier holder can write. Raises LeaseLost when there is a later holder already.
        """
        ...

    def settling(self, lease: Lease, run_id: str) -> AbstractContextManager[SettlingTransaction]:
        """Apply and settle a claim; see ``Store.settling``. The promise is the same wherever the objects are."""
        ...

    def rehearsal(self, connector_id: int) -> AbstractContextManager[Rehearsing]:
        """Try things in the target on behalf of a connector; see ``Store.rehearsal``."""
        ...


class TargetTransaction(Protocol):
    """A transaction of a target that is a database of its own. Leaving it commits."""

    @property
    def handle(self) -> object:
        """What the target writes through."""
        ...

    def savepoint(self) -> AbstractContextManager[None]:
        """See ``SettlingTransaction.savepoint``."""
        ...

    def keep(self, results: Sequence[tuple[Task, TaskResult]], names: Collection[ObjectName]) -> None:
        """Put on record what was done, in the transaction that does it. May be called once.

        Raises LeaseLost when one of the tasks has a result on record: it must not be applied again.
        """
        ...


class TargetLedger(Protocol):
    """What a target that is a database of its own knows about who may write, and what was done for which task."""

    def take(self, lease: Lease) -> Finished:
        """Let nobody with an earlier lease write any more, and read what was done that may not be settled yet.

        Raises LeaseLost when a later lease was there before.
        """
        ...

    def writing(self, lease: Lease) -> AbstractContextManager[TargetTransaction]:
        """A transaction for a batch. Raises LeaseLost when a later lease has taken over."""
        ...

    def trial(self) -> AbstractContextManager[TargetTransaction]:
        """A transaction that is undone at its end."""
        ...

    def settled(self, lease: Lease, sequences: Collection[int]) -> None:
        """The results of these tasks are on record in the queue: the next batch may drop them here."""
        ...
