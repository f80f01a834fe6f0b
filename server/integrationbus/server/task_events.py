"""Changes of tasks, as watchers are told of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from integrationbus.server.task import (
    NewTask,
    ProcessType,
    Task,
    TaskDataType,
    TaskError,
    TaskResult,
    TaskState,
    TaskType,
)
from integrationbus.server.value import value

__all__ = ["EventPage", "NewEvents", "TaskEvent", "WatchedTask", "no_events", "watched"]


@value
class WatchedTask:
    """What a watcher needs of a task: nothing that changes, and not its payload, which may be large."""

    id: str
    connector: str
    task_type: TaskType
    data_type: TaskDataType
    process_type: ProcessType
    object_type: str
    external_id: str
    site: str
    labels: Mapping[str, str]
    given_title: str
    creator: str


def watched(task: NewTask | Task) -> WatchedTask:
    """What a watcher needs of a task."""
    return WatchedTask(
        id=task.id,
        connector=task.connector,
        task_type=task.task_type,
        data_type=task.data_type,
        process_type=task.process_type,
        object_type=task.object_type,
        external_id=task.external_id,
        site=task.site,
        labels=task.labels,
        given_title=task.given_title,
        creator=task.creator,
    )


@value
class TaskEvent:
    """One committed change of one task. ``attempt`` is 0 before the first."""

    connector_id: int
    position: int
    sequence: int
    task: WatchedTask
    state: TaskState
    occurred_at: datetime
    previous_state: TaskState | None = None
    attempt: int = 0
    error: TaskError | None = None
    result: TaskResult | None = None
    run_id: str = ""
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
