"""Processing, as the store sees it: claiming tasks from the line, and settling them."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from integrationbus.server.object_names import ObjectName
from integrationbus.server.policy import AfterFailure
from integrationbus.server.problems import MissingTarget, TaskProblem
from integrationbus.server.run import RunState, RunTrigger
from integrationbus.server.task import (
    Task,
    TaskResult,
)
from integrationbus.server.task_events import NewEvents, no_events
from integrationbus.server.value import value

__all__ = [
    "Claim",
    "ClaimRequest",
    "NewRun",
    "Rehearsing",
    "Settled",
    "Settlement",
    "SettlingTransaction",
]


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

    The run is recorded with its first claim that finds something, if only a task to wait for, unless it is already.
    ``run_is_known`` when that is certain.
    """

    run: NewRun
    after_sequence: int
    max_tasks: int
    max_bytes: int
    run_is_known: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The tasks that are RUNNING now, in their order and with their payloads, as they were before the claim.

    But for ``started_at``, which is the moment of the claim.

    ``after_sequence`` is how far the line was read. Without tasks, ``wait_until`` is when the head of the line is due,
    or ``held`` says that the connector is halted (HALTED) or paused (STOPPED). With neither, and no further than it was
    asked from, the end of the line was reached.

    Tasks that are called out of their turn come first, and by themselves: ``after_sequence`` is where it was then.
    ``has_waiting`` says that tasks of the connector wait for keys. ``passes_by`` says that tasks were passed by, which
    stay in the line for another run. ``is_last`` says that there are no more in the line. ``events`` are those of the
    claim.
    """

    tasks: Sequence[Task]
    after_sequence: int
    wait_until: datetime | None = None
    held: RunState | None = None
    out_of_turn: bool = False
    has_waiting: bool = False
    passes_by: bool = False
    is_last: bool = False
    events: NewEvents = no_events


@value
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
    the batch's own connector was cleared. ``events`` are those of the batch and of what it called.
    """

    called: Sequence[int] = ()
    released: bool = False
    events: NewEvents = no_events


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

    def keep(self, settlements: Sequence[Settlement], names: Callable[[], Collection[ObjectName]]) -> None:
        """Make what was written durable, if it does not become so with the settling; nothing is written after it.

        ``names`` finds the names of what was written, while it can still be looked at. Raises LeaseLost.
        """
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
