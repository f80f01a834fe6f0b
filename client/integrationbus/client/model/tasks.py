"""Tasks: what a caller asks for, and what the server knows about it."""

from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime, timedelta
from typing import TypedDict

from grpc import StatusCode

from integrationbus.client.model.enums import (
    MissingKeyAction,
    ProcessType,
    TaskDataType,
    TaskEffect,
    TaskStage,
    TaskState,
    TaskType,
)
from integrationbus.client.model.payloads import ExternalId, Payload, StoredPayload
from integrationbus.client.model.resume_token import ResumeToken

__all__ = [
    "AwaitedKey",
    "LogProgress",
    "LoggedTask",
    "LoggedTasks",
    "NewTask",
    "Task",
    "TaskChange",
    "TaskError",
    "TaskFilter",
    "TaskOptions",
    "TaskRefusal",
    "TaskResult",
    "TouchedObject",
]


class TaskOptions(TypedDict, total=False):
    """What may be said about a new task besides its connector, its type and its payload: the fields of NewTask."""

    data_type: TaskDataType
    process_type: ProcessType
    object_type: str
    external_id: ExternalId
    site: str
    labels: Mapping[str, str]
    title: str
    trace_parent: str
    missing_key: MissingKeyAction | None
    key_wait_timeout: timedelta | None


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task to be logged; one that deletes needs a payload as well, with what identifies the target.

    ``object_type`` is the internal type of the target, for example "cms.user". ``external_id`` is the target's id in
    the external system: with it, later tasks can refer to the target, and a renamed object stays the same object.
    ``site`` is the code name of the site, needed for pages. ``labels`` are the caller's own marks, for filters.
    ``title`` is what people see, by default made from the rest. ``trace_parent`` is a W3C traceparent.
    ``missing_key`` says whether a required key that points at nothing fails the task or makes it wait, at most for
    ``key_wait_timeout``; None leaves that to the connector.
    """

    connector: str
    task_type: TaskType
    payload: Payload
    _: KW_ONLY
    data_type: TaskDataType = TaskDataType.SIMPLE_SNAPSHOT
    process_type: ProcessType = ProcessType.DEFAULT
    object_type: str = ""
    external_id: ExternalId = ""
    site: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    trace_parent: str = ""
    missing_key: MissingKeyAction | None = None
    key_wait_timeout: timedelta | None = None


class TaskFilter(TypedDict, total=False):
    """Which tasks: all that is given must match, and of several values any one.

    Its keys are the keyword arguments of ``list_tasks`` and ``watch``. A watch filters by the state that a change leads
    to.
    """

    connectors: str | Iterable[str]
    states: TaskState | Iterable[TaskState]
    task_types: TaskType | Iterable[TaskType]
    data_types: TaskDataType | Iterable[TaskDataType]
    process_types: ProcessType | Iterable[ProcessType]
    task_ids: str | Iterable[str]
    external_ids: ExternalId | Iterable[ExternalId]
    object_type: str
    site: str
    creator: str
    labels: Mapping[str, str]
    waiting_for_external_id: ExternalId
    waiting_for_object_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedTask:
    """The receipt of a stored task.

    ``sequence`` is the place in the connector's line. ``duplicate`` says that an earlier call, or an earlier attempt of
    this call, stored it. A watch from ``resume_token`` sees every later change of the task.
    """

    id: str
    connector: str
    sequence: int
    duplicate: bool
    resume_token: ResumeToken


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRefusal:
    """Why one task of many was not stored; ``field_path`` starts within the task."""

    code: StatusCode
    reason: str
    message: str
    field_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedTasks:
    """What became of many tasks, in their order. A watch from ``resume_token`` sees every later change of them.

    The token is None when none was stored.
    """

    results: tuple[LoggedTask | TaskRefusal, ...]
    resume_token: ResumeToken | None

    @property
    def logged(self) -> list[LoggedTask]:
        """Those that were stored."""
        return [result for result in self.results if isinstance(result, LoggedTask)]

    @property
    def refused(self) -> list[tuple[int, TaskRefusal]]:
        """Those that were not, each with its place among all, counted from 0."""
        return [(place, result) for place, result in enumerate(self.results) if isinstance(result, TaskRefusal)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogProgress:
    """How far ``log_tasks`` has come: tasks stored and refused so far, in this many calls."""

    logged: int
    refused: int
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskError:
    """Why an attempt failed.

    ``reason`` is an ErrorReason or a connector's own. ``stage`` is None when the error is not tied to a step.
    ``retryable`` says whether another attempt may succeed without a change. ``awaited_task_id`` is the queued task that
    will make what is missing, or empty.
    """

    code: StatusCode
    reason: str
    stage: TaskStage | None
    message: str
    field_paths: tuple[str, ...]
    retryable: bool
    occurred_at: datetime
    awaited_task_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchedObject:
    """An object that a task changed besides its target."""

    object_type: str
    object_id: int
    effect: TaskEffect


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """What a successful task did; ``object_id`` is None when there was nothing to delete.

    ``touched`` are other objects that were written or deleted along.
    """

    effect: TaskEffect
    object_type: str
    object_id: int | None
    notes: tuple[str, ...]
    touched: tuple[TouchedObject, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitedKey:
    """An object that a task waits for, by its type ("page" for any page) and external id; ``attribute`` holds the key.

    ``behind_task_id`` is instead the earlier waiting task about the same object, behind which this one waits.
    """

    object_type: str
    external_id: str
    attribute: str
    behind_task_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task as the server knows it. Text that the server does not have is empty.

    ``payload`` is there only when it was asked for. ``attempts`` counts interrupted ones too. ``last_error`` is kept
    when a later attempt succeeds. ``blocked_by`` is the id of the failed task that this one waits behind.
    ``next_attempt_at`` is when the next attempt is due, for a task that will be tried again. ``etag`` changes with
    every change of the task. ``creator`` is the application that logged it. ``waiting_for`` and ``wait_deadline``, when
    waiting turns into failure, are set in WAITING only.
    """

    id: str
    connector: str
    sequence: int
    task_type: TaskType
    data_type: TaskDataType
    process_type: ProcessType
    object_type: str
    external_id: str
    site: str
    labels: Mapping[str, str]
    title: str
    payload: StoredPayload | None
    state: TaskState
    attempts: int
    last_error: TaskError | None
    blocked_by: str
    result: TaskResult | None
    logged_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    next_attempt_at: datetime | None
    etag: str
    creator: str
    trace_parent: str
    missing_key: MissingKeyAction | None = None
    waiting_for: tuple[AwaitedKey, ...] = ()
    wait_deadline: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChange:
    """One committed change of one task.

    ``position`` counts the changes of the connector without holes. ``previous_state`` is None when the task was just
    logged. ``attempt`` is the number of the attempt, 0 before the first. ``run_id`` is empty when no run made the
    change; then ``actor`` is who did, and ``reason`` why.
    """

    task_id: str
    connector: str
    sequence: int
    position: int
    state: TaskState
    previous_state: TaskState | None
    attempt: int
    error: TaskError | None
    result: TaskResult | None
    run_id: str
    occurred_at: datetime
    task_type: TaskType
    object_type: str
    external_id: str
    title: str
    labels: Mapping[str, str]
    actor: str = ""
    reason: str = ""
