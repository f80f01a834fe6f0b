"""The port of the store: what the rest of the server asks of the database, and what it may rely on.

Every method is one transaction and blocks; none may be called on the event loop. A method that writes has either done
all of it, durably, when it returns, or nothing when it raises. The exception is OutcomeUnknown: the commit itself
failed, and only a later look can tell. Any method may raise StoreUnavailable.

Positions of a connector's feed and sequences of its line are dense and in commit order.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from integrationbus.server.connector import ConnectorRecord, HeadAction, Lease
from integrationbus.server.errors import BusError, ConnectorDisabled, FieldProblem, LoggingOff, RequestIdReused
from integrationbus.server.log_streams import MisplacedEntry, StreamPlace, StreamStanding
from integrationbus.server.object_names import ObjectName
from integrationbus.server.policy import AfterFailure
from integrationbus.server.problems import MissingTarget, TaskProblem
from integrationbus.server.run import Run, RunState, RunTrigger
from integrationbus.server.switches import Switch, SwitchState
from integrationbus.server.task import (
    NewTask,
    ProcessType,
    Task,
    TaskAction,
    TaskActionKind,
    TaskAttempt,
    TaskError,
    TaskResult,
    TaskState,
    TaskType,
)

__all__ = [
    "ActionPage",
    "Claim",
    "ClaimRequest",
    "EventPage",
    "LogEntry",
    "LogReceipt",
    "LoggedTask",
    "NewRun",
    "NotStored",
    "Rehearsing",
    "RequestKey",
    "ReusedRequest",
    "Settled",
    "Settlement",
    "SettlingTransaction",
    "Store",
    "SwitchedOff",
    "TaskEvent",
    "TaskPage",
    "TaskQuery",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestKey:
    """What makes a call repeatable. ``body_digest`` tells a repetition from another request under the same id."""

    creator: str
    request_id: str
    body_digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One call, or a part of a stream, that logs tasks: all of them are stored, in their order, or none."""

    tasks: Sequence[NewTask]
    request: RequestKey | None = None
    place: StreamPlace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedTask:
    """Where a task was stored. ``position`` is that of its first event in the connector's feed."""

    id: str
    connector: str
    sequence: int
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReceipt:
    """What became of a LogEntry: the tasks in their order, now or by an earlier call with the same request."""

    tasks: Sequence[LoggedTask]
    duplicate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReusedRequest:
    """A LogEntry that was not stored, because its request id belongs to another body."""

    request_id: str

    def error(self) -> BusError:
        """What the caller is told."""
        text = f"{self.request_id!r} was used before with another body; a new request needs an id of its own"
        return RequestIdReused(FieldProblem("request_id", text))


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchedOff:
    """A LogEntry that was not stored, because logging is switched off: for one connector, or for all (empty)."""

    connector: str = ""

    def error(self) -> BusError:
        """What the caller is told."""
        if self.connector:
            return ConnectorDisabled(self.connector)
        return LoggingOff("the bus takes no tasks now: logging is switched off; log again later")


NotStored = ReusedRequest | SwitchedOff | MisplacedEntry
"""Why a LogEntry was not stored; ``error()`` is what the caller is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskQuery:
    """Which tasks. Empty fields match everything; connectors are ids, all other texts are compared byte for byte."""

    connector_ids: Sequence[int] = ()
    states: Sequence[TaskState] = ()
    task_types: Sequence[TaskType] = ()
    process_types: Sequence[ProcessType] = ()
    task_ids: Sequence[str] = ()
    external_ids: Sequence[str] = ()
    object_type: str = ""
    site: str = ""
    creator: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    waiting_for_type: str = ""
    waiting_for_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionPage:
    """What was done with the next part of a selection.

    ``affected`` are the ids of the tasks that were acted upon, ``refused`` those of the ones that could not be, with
    the state that forbids it. ``next_after`` is None when nothing is left. ``released`` says that a halt was cleared,
    ``called`` that tasks that waited behind the affected ones are called back.
    """

    affected: Sequence[str]
    refused: Mapping[str, TaskState]
    next_after: tuple[int, int] | None
    released: bool = False
    called: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPage:
    """Part of a list of tasks, and the (connector id, sequence) after which the next part starts, or None."""

    tasks: Sequence[Task]
    next_after: tuple[int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEvent:
    """One committed change of one task, with what a watcher needs of the task. ``attempt`` is 0 before the first."""

    connector_id: int
    connector: str
    position: int
    sequence: int
    task_id: str
    state: TaskState
    previous_state: TaskState | None
    attempt: int
    error: TaskError | None
    result: TaskResult | None
    run_id: str
    occurred_at: datetime
    task_type: TaskType
    process_type: ProcessType
    object_type: str
    external_id: str
    site: str
    creator: str
    title: str
    labels: Mapping[str, str]
    actor: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """Events of one connector in the order of their positions, and the feed's bounds when they were read."""

    events: Sequence[TaskEvent]
    newest_position: int
    floor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run that begins. One that is ``called_only`` processes what is called out of turn, and not the line."""

    id: str
    trigger: RunTrigger
    requested_by: str = ""
    reason: str = ""
    called_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRequest:
    """Ask for the next tasks of a line: those behind ``after_sequence``, at most ``max_tasks`` and ``max_bytes``.

    Tasks that are called out of turn come first; a run that is ``called_only`` gets no others.

    The run is recorded with its first claim that finds something, if it was not recorded before.
    """

    run: NewRun
    after_sequence: int
    max_tasks: int
    max_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The tasks that are RUNNING now, in their order and with their payloads, as they were before the claim.

    ``after_sequence`` is how far the line was read. Without tasks, ``wait_until`` is when the head of the line is due,
    or ``held`` says that the connector is halted (HALTED) or paused (STOPPED). With neither, and no further than it was
    asked from, the end of the line was reached.

    Tasks that are called out of their turn come first, and by themselves: ``after_sequence`` is where it was then.
    ``has_waiting`` says that tasks of the connector wait for keys.
    """

    tasks: Sequence[Task]
    after_sequence: int
    wait_until: datetime | None = None
    held: RunState | None = None
    out_of_turn: bool = False
    has_waiting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How one attempt ended: with a result, with a problem and what follows from it, or with something to wait for.

    None of these: it was not finished, and the task goes back to the line without a charge; with ``at_once`` it is
    called from there first of all. ``names`` are those of the object that a waiting task is about, ``wait_limit`` is
    how long it waits at most.
    """

    task: Task
    result: TaskResult | None = None
    problem: TaskProblem | None = None
    after: AfterFailure | None = None
    waiting: MissingTarget | None = None
    names: Sequence[ObjectName] = ()
    wait_limit: timedelta | None = None
    at_once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What follows from a settled batch for the rest of the bus.

    ``called`` are the ids of the connectors whose waiting tasks were called back. ``released`` says that the halt of
    the batch's own connector was cleared.
    """

    called: Sequence[int] = ()
    released: bool = False


class Rehearsing(Protocol):
    """An open transaction that a connector's tasks are applied in. ``handle`` is what the target writes through."""

    @property
    def handle(self) -> object:
        """The database connection of the transaction."""
        ...

    def held(self, names: Iterable[ObjectName]) -> Mapping[ObjectName, Mapping[int, str]]:
        """The waiting tasks of the connector that are about objects with these names: places and external ids."""
        ...


class SettlingTransaction(Rehearsing, Protocol):
    """A transaction in which a batch is settled. Leaving it checks that the lease still holds, and commits."""

    def savepoint(self) -> AbstractContextManager[None]:
        """What is written inside is undone, alone, when an exception leaves the context."""
        ...

    def before_waiting(self) -> bool:
        """Make sure that nobody makes an object unseen while tasks begin to wait for it, or calls them back unseen.

        Returns whether somebody may have done so before, so that it is worth looking again.
        """
        ...

    def anybody_waits(self) -> bool:
        """Whether any task of any connector waits, so that it matters what was written."""
        ...

    def settle(self, settlements: Sequence[Settlement], appeared: Collection[ObjectName]) -> Settled:
        """Record how the attempts ended, and count them in the run. May be called once.

        ``appeared`` are the names of objects that were written: tasks that wait for them go back into their lines.
        """
        ...


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

    def acquire_lease(self, connector: str, owner: str, run_id: str, *, crashed: bool = True) -> Lease:
        """Take the connector for a run.

        Attempts that were left open are closed, and other runs that are open are INTERRUPTED. ``crashed`` says that the
        process may have died of a task: then they are tried alone next, and charged; see ``Task.isolated``.
        """
        ...

    def release_lease(self, lease: Lease) -> None:
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

    def end_run(self, run_id: str, state: RunState) -> None:
        """Record that a run ended; nothing happens when it was never recorded, or has ended."""
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
