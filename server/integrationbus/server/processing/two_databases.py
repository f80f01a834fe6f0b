"""Objects in a database of their own: two transactions, and a ledger that makes one effect of them.

The target commits first, with the result of each task in its ledger; then the queue settles the tasks. Whoever finds
them unsettled, because the process died in between or an answer was lost, settles them by the ledger.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager

from integrationbus.server.claims import Rehearsing, Settled, Settlement, SettlingTransaction
from integrationbus.server.connector import Lease
from integrationbus.server.effects import Taken, TargetLedger, TargetTransaction
from integrationbus.server.object_names import ObjectName
from integrationbus.server.store import Store

__all__ = ["TwoDatabases"]


class _Rehearsing:
    """See ``Rehearsing``. ``begin`` opens the transaction of the target, which ends with ``target``.

    Nobody who holds the target waits for the queue, or two connectors could wait for one another. So the transaction of
    the target begins when its handle is asked for, and ``held`` has to be asked before.
    """

    def __init__(
        self, store: Store, connector_id: int, begin: Callable[[], AbstractContextManager[TargetTransaction]]
    ) -> None:
        self._store = store
        self._connector_id = connector_id
        self._begin = begin
        self._target: TargetTransaction | None = None
        self.target = ExitStack()

    @property
    def handle(self) -> object:
        """See ``Rehearsing.handle``."""
        return self._in_target().handle

    def held(self, names: Iterable[ObjectName]) -> Mapping[ObjectName, Mapping[int, str]]:
        """See ``Rehearsing.held``."""
        assert self._target is None, "who holds the target must not wait for the queue"
        with self._store.rehearsal(self._connector_id) as rehearsal:
            return rehearsal.held(names)

    def _in_target(self) -> TargetTransaction:
        if self._target is None:
            self._target = self.target.enter_context(self._begin())
        return self._target


class _Apart(_Rehearsing):
    """See ``SettlingTransaction``: first a transaction of the target, and from ``keep`` on one of the queue."""

    def __init__(self, store: Store, ledger: TargetLedger, lease: Lease, run_id: str) -> None:
        super().__init__(store, lease.connector_id, lambda: ledger.writing(lease))
        self._ledger = ledger
        self._lease = lease
        self._run_id = run_id
        self._settling: SettlingTransaction | None = None
        self.queue = ExitStack()
        self.kept: Sequence[int] = ()
        """The sequences of the tasks whose results are in the ledger."""

    def held(self, names: Iterable[ObjectName]) -> Mapping[ObjectName, Mapping[int, str]]:
        """See ``Rehearsing.held``."""
        return super().held(names) if self._settling is None else self._settling.held(names)

    def savepoint(self) -> AbstractContextManager[None]:
        """See ``SettlingTransaction.savepoint``."""
        return self._in_target().savepoint()

    def keep(self, settlements: Sequence[Settlement], names: Callable[[], Collection[ObjectName]]) -> None:
        """See ``SettlingTransaction.keep``."""
        done = [(item.task, item.result) for item in settlements if item.result]
        self._in_target().keep(done, names())
        self.target.close()
        self.kept = [task.sequence for task, _ in done]
        self._settling = self.queue.enter_context(self._store.settling(self._lease, self._run_id))

    def before_waiting(self) -> bool:
        """See ``SettlingTransaction.before_waiting``. Whatever the queue is, it is worth looking again.

        Who makes the object commits it in the target, and only then settles in the queue, where it looks for waiting
        tasks. That settling cannot overlap with this transaction: SQLite has one writer, PostgreSQL has the gate. If it
        came before, the object was in the target before that, and the second look, whose transaction begins now, finds
        it. If it comes after, it finds the task waiting. A maker that dies between its commits leaves the names of
        what it wrote in the ledger, and whoever takes its connector settles with them.
        """
        self._in_queue().before_waiting()
        self._target = self.target.enter_context(self._ledger.trial())
        return True

    def anybody_waits(self) -> bool:
        """See ``SettlingTransaction.anybody_waits``."""
        return self._in_queue().anybody_waits()

    def settle(self, settlements: Sequence[Settlement], appeared: Collection[ObjectName]) -> Settled:
        """See ``SettlingTransaction.settle``."""
        return self._in_queue().settle(settlements, appeared)

    def _in_queue(self) -> SettlingTransaction:
        assert self._settling, "the target commits before the queue's transaction begins"
        return self._settling


class TwoDatabases:
    """For the contract see ``Effects``."""

    def __init__(self, store: Store, ledger: TargetLedger) -> None:
        self._store = store
        self._ledger = ledger

    def take(self, connector: str, owner: str, run_id: str, *, crashed: bool) -> Taken:
        """See ``Effects.take``.

        An earlier holder can write to the target until its ledger has the new lease. What it wrote is read after that,
        and settled before anything is put back into the line.
        """
        lease = self._store.acquire_lease(connector, owner, run_id, crashed=crashed, recover=False)
        finished = self._ledger.take(lease)
        taken = self._store.take_over(lease, run_id, finished, crashed=crashed)
        self._ledger.settled(lease, finished.sequences)
        return taken

    @contextmanager
    def settling(self, lease: Lease, run_id: str) -> Iterator[SettlingTransaction]:
        """See ``Effects.settling``."""
        transaction = _Apart(self._store, self._ledger, lease, run_id)
        # The target is left first: the second look is over when the queue commits.
        with transaction.queue, transaction.target:
            yield transaction
        self._ledger.settled(lease, transaction.kept)

    @contextmanager
    def rehearsal(self, connector_id: int) -> Iterator[Rehearsing]:
        """See ``Effects.rehearsal``."""
        rehearsing = _Rehearsing(self._store, connector_id, self._ledger.trial)
        with rehearsing.target:
            yield rehearsing
