"""Which tasks are meant, and what is read of them: parts of lists, and of the feed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from integrationbus.server.task import (
    ProcessType,
    Task,
    TaskDataType,
    TaskError,
    TaskResult,
    TaskState,
    TaskType,
)

__all__ = [
    "ActionPage",
    "EventPage",
    "NewEvents",
    "TaskEvent",
    "TaskPage",
    "TaskQuery",
    "no_events",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskQuery:
    """Which tasks. Empty fields match everything; connectors are ids, all other texts are compared byte for byte."""

    connector_ids: Sequence[int] = ()
    states: Sequence[TaskState] = ()
    task_types: Sequence[TaskType] = ()
    data_types: Sequence[TaskDataType] = ()
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
    data_type: TaskDataType
    process_type: ProcessType
    object_type: str
    external_id: str
    site: str
    creator: str
    title: str
    labels: Mapping[str, str]
    actor: str = ""
    reason: str = ""


NewEvents = Callable[[], Sequence[TaskEvent]]
"""Makes the events of what was just committed, in the order of their positions; called only if somebody watches."""


def no_events() -> Sequence[TaskEvent]:
    """Nothing was committed, or nobody knows what."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """Events of one connector in the order of their positions, and the feed's bounds when they were read."""

    events: Sequence[TaskEvent]
    newest_position: int
    floor: int


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
