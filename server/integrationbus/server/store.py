"""The port of the store: what the rest of the server asks of the database, and what it may rely on.

Every method is one transaction and blocks; none may be called on the event loop. A method that writes has either done
all of it, durably, when it returns, or nothing when it raises. The exception is OutcomeUnknown: the commit itself
failed, and only a later look can tell. Any method may raise StoreUnavailable.

Positions of a connector's feed and sequences of its line are dense and in commit order.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from integrationbus.server.claims import Claim, ClaimRequest, NewRun, Rehearsing, SettlingTransaction
from integrationbus.server.connector import ConnectorRecord, HeadAction, Lease
from integrationbus.server.effects import Finished, Taken
from integrationbus.server.log_entries import LogEntry, LogReceipt, NotStored
from integrationbus.server.log_streams import StreamStanding
from integrationbus.server.replica import News, Replica, RequestedRun, Roll
from integrationbus.server.retention import Purged, Retention
from integrationbus.server.run import NotifyOutcome, Run, RunState
from integrationbus.server.switches import Switch, SwitchState
from integrationbus.server.task import (
    Task,
    TaskAction,
    TaskActionKind,
    TaskAttempt,
)
from integrationbus.server.task_events import EventPage
from integrationbus.server.task_queries import ActionPage, TaskPage, TaskQuery

__all__ = ["Store"]


class Store(Protocol):
    """The database of the bus."""

    @property
    def store_id(self) -> str:
        """The identity of this store; tokens of another one mean nothing here."""
        ...

    @property
    def database_kind(self) -> str:
        """Either "sqlite" or "postgresql"."""
        ...

    # Logging

    @property
    def logged(self) -> int:
        """How many tasks ``append`` of this object has taken so far, to tell how much is logged at the time."""
        ...

    def append(self, entries: Sequence[LogEntry]) -> Sequence[LogReceipt | NotStored]:
        """Store the tasks of all entries in one transaction, each connector's in the order of the entries.

        An entry whose request was stored before gets the receipt of then. One whose request id was used with another
        body, before or in this very call, is not stored and gets a ReusedRequest; one for a connector that is switched
        off gets a SwitchedOff. An entry with a place in a stream moves the stream on; one whose stream stands elsewhere
        is not stored and gets a MisplacedEntry. Raises when a connector is unknown to the store: callers check names
        first.
        """
        ...

    def stream_standing(self, creator: str, stream_id: str) -> StreamStanding:
        """How far a stream is settled; at 0 when nothing of it was ever stored."""
        ...

    # Connectors

    def register_connectors(self, class_paths: Mapping[str, str]) -> None:
        """Make sure that a connector of each name exists, and keep its class path. None is ever removed."""
        ...

    def connectors(self) -> Sequence[ConnectorRecord]:
        """Every connector, by name."""
        ...

    def connector(self, name: str) -> ConnectorRecord:
        """One connector. Raises ConnectorNotFound."""
        ...

    def set_paused(self, name: str, *, paused: bool, actor: str, reason: str) -> None:
        """Pause or release a connector. Raises ConnectorNotFound."""
        ...

    def set_enabled(self, name: str, *, enabled: bool, actor: str, reason: str) -> None:
        """Switch a connector on or off. Raises ConnectorNotFound."""
        ...

    def switches(self) -> Sequence[SwitchState]:
        """The switches of the bus, by number."""
        ...

    def set_switch(self, switch: Switch, *, on: bool, actor: str, reason: str) -> SwitchState:
        """Turn a switch on or off."""
        ...

    def clear_halt(self, name: str, action: HeadAction, *, actor: str, reason: str) -> bool:
        """Release a halted connector and do with its head as told; False when it was not halted."""
        ...

    def oldest_waiting(self, connector_id: int) -> datetime | None:
        """When the first task of the line was logged; None for an empty line."""
        ...

    # Acting on tasks

    def act_on(
        self,
        action: TaskActionKind,
        selection: TaskQuery,
        *,
        after: tuple[int, int] | None,
        limit: int,
        etag: str,
        actor: str,
        reason: str,
        rehearse: bool,
    ) -> ActionPage:
        """Act on the next tasks of one connector that match, in their order, from behind ``after``.

        Tasks that cannot be acted upon are left alone and reported. With ``rehearse`` nothing is changed. ``etag`` is
        empty, or that which the task must have: raises EtagMismatch.
        """
        ...

    def attempts(self, task_id: str) -> tuple[Sequence[TaskAttempt], Sequence[TaskAction]]:
        """Every attempt at a task, and what operators did with it, the oldest first. Raises TaskNotFound."""
        ...

    def rehearsal(self, connector_id: int) -> AbstractContextManager[Rehearsing]:
        """A transaction to try things in on behalf of a connector; what is written in it is undone at the end."""
        ...

    # Processing

    def called(self) -> Sequence[str]:
        """The connectors with tasks that are called out of turn."""
        ...

    def acquire_lease(
        self, connector: str, owner: str, run_id: str, *, crashed: bool = True, recover: bool = True
    ) -> Lease:
        """Take the connector for a run. Without ``recover`` what follows is left to ``take_over``.

        Attempts that were left open are closed, and other runs that are open are INTERRUPTED. ``crashed`` says that the
        process may have died of a task: then they are tried alone next, and charged; see ``Task.isolated``.

        Raises LeaseHeld when another owner has it, and prolonged it in time.
        """
        ...

    def take_over(self, lease: Lease, run_id: str, finished: Finished, *, crashed: bool) -> Taken:
        """Settle what an earlier holder finished elsewhere, and do with the rest as ``acquire_lease`` says.

        Results of tasks that are settled already are left alone. Raises LeaseLost.
        """
        ...

    def release_lease(self, connector: str, owner: str) -> None:
        """Give the connector back; nothing happens when it is lost already."""
        ...

    def abandoned(self) -> Sequence[str]:
        """The connectors with a run that is open; before any was taken: those whose holder died in mid-run."""
        ...

    def begin_run(self, connector_id: int, run: NewRun) -> Run:
        """Record that a run begins, unless that is on record already."""
        ...

    def note_cancellation(self, run_id: str, *, actor: str, reason: str) -> None:
        """Record who cancels a run that is in progress, and why. Raises RunNotFound and RunEnded."""
        ...

    def end_run(self, run_id: str, state: RunState, *, seen: int = 0, lost: bool = False) -> RequestedRun | None:
        """Record that a run ended; nothing happens when it was never recorded, or has ended.

        A request to look again, with a number above ``seen``, is returned; it keeps the run from ending, unless that is
        INTERRUPTED or CANCELLED. A run of a connector that was ``lost`` to another process does not end while it is
        requested, for it goes on there; the request is returned.
        """
        ...

    def next_deadline(self, connector_id: int) -> datetime | None:
        """When the next wait of a connector ends in failure; None when none does."""
        ...

    def claim(self, lease: Lease, request: ClaimRequest) -> Claim:
        """Mark the next tasks RUNNING, each with an open attempt; SKIP_ONCE tasks on the way are passed over.

        Raises LeaseLost.
        """
        ...

    def settling(self, lease: Lease, run_id: str) -> AbstractContextManager[SettlingTransaction]:
        """Open the transaction that settles a claim. Leaving it raises LeaseLost, with nothing done, if it is lost."""
        ...

    # Replicas

    def attend(self, replica: Replica) -> Roll:
        """Prolong the presence of a replica and all of its leases, and see who else is there."""
        ...

    def roll(self) -> Roll:
        """Who is there."""
        ...

    def leave(self, replica_id: str) -> None:
        """A replica ends. Its leases are given back one by one, when their runs have ended."""
        ...

    def leave_request(self, connector_id: int, run: NewRun) -> tuple[NotifyOutcome, Run]:
        """Ask whoever processes a connector for a run: that which is in progress, or this one, on record now."""
        ...

    def news(self) -> News:
        """What happened to all connectors, whoever did it, and what replicas left for one another."""
        ...

    # Retention

    def purge_connector(self, connector_id: int, retention: Retention, *, limit: int) -> Purged:
        """Remove the oldest settled tasks of a connector that were kept long enough, so many, and changes as well.

        Changes go from the beginning of the feed, whose floor moves with them. A task goes after its last change.
        """
        ...

    def purge_records(self, retention: Retention, *, limit: int) -> Purged:
        """Remove the oldest request ids and ended runs that were kept long enough, so many of each."""
        ...

    # Reading

    def task(self, task_id: str, *, with_payload: bool) -> Task:
        """One task. Raises TaskNotFound."""
        ...

    def tasks(
        self, query: TaskQuery, *, after: tuple[int, int] | None, limit: int, with_payload: bool, newest_first: bool
    ) -> TaskPage:
        """Tasks by connector id and sequence, from behind ``after`` in the direction of the list."""
        ...

    def events(self, connector_id: int, *, after_position: int, limit: int) -> EventPage:
        """Events of one connector behind a position."""
        ...

    def run(self, run_id: str) -> Run:
        """One run. Raises RunNotFound."""
        ...

    def runs(self, connector_id: int | None, *, before: str | None, limit: int) -> Sequence[Run]:
        """Runs, the newest first, from before the run with the id ``before``."""
        ...

    def close(self) -> None:
        """Release everything; the store is of no use afterwards."""
        ...
