"""Tasks: the values that travel between the layers, and the states that a task may go through."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, IntEnum

from integrationbus.connectors.task_types import MissingKeyAction, TaskDataType, TaskType
from integrationbus.server.value import value

__all__ = [
    "FINAL_STATES",
    "SETTLED_STATES",
    "TRANSITIONS",
    "AttemptOutcome",
    "AwaitedKey",
    "MissingKeyAction",
    "NewTask",
    "Payload",
    "PayloadForm",
    "ProcessType",
    "Task",
    "TaskAction",
    "TaskActionKind",
    "TaskAttempt",
    "TaskDataType",
    "TaskEffect",
    "TaskError",
    "TaskResult",
    "TaskStage",
    "TaskState",
    "TaskType",
    "TouchedObject",
    "Turn",
    "task_of",
    "title_of",
]


class ProcessType(IntEnum):
    """How a task behaves when its turn comes and when it fails."""

    DEFAULT = 1
    SKIP_ON_ERROR = 2
    DELETE_ON_ERROR = 3
    SKIP_ONCE = 4


class TaskState(IntEnum):
    """Where a task stands."""

    PENDING = 1
    RUNNING = 2
    RETRY_WAIT = 3
    SUCCEEDED = 4
    FAILED = 5
    SKIPPED = 6
    DELETED = 7
    WAITING = 8


class Turn(IntEnum):
    """When a task of the line is processed: in its own place, or before the line."""

    IN_PLACE = 0
    KEY_FOUND = 1
    """Called back, because what it waited for may be there. Not while the connector is halted."""
    REQUESTED = 2
    """An operator asked for it. Also while the connector is halted."""


_S = TaskState

TRANSITIONS: Mapping[TaskState, frozenset[TaskState]] = {
    _S.PENDING: frozenset({_S.RUNNING, _S.SKIPPED, _S.DELETED, _S.PENDING}),
    _S.RUNNING: frozenset({_S.SUCCEEDED, _S.FAILED, _S.RETRY_WAIT, _S.DELETED, _S.PENDING, _S.WAITING}),
    _S.RETRY_WAIT: frozenset({_S.RUNNING, _S.SKIPPED, _S.DELETED, _S.PENDING}),
    _S.FAILED: frozenset({_S.RUNNING, _S.SKIPPED, _S.DELETED, _S.PENDING}),
    _S.SKIPPED: frozenset({_S.RUNNING, _S.SKIPPED, _S.DELETED, _S.PENDING}),
    _S.WAITING: frozenset({_S.SKIPPED, _S.DELETED, _S.PENDING}),
    _S.SUCCEEDED: frozenset(),
    _S.DELETED: frozenset(),
}
"""Each state with those that may follow it. A task starts as PENDING, and goes back to it when it is asked for."""

FINAL_STATES = frozenset(state for state, following in TRANSITIONS.items() if not following)

SETTLED_STATES = (_S.SUCCEEDED, _S.FAILED, _S.SKIPPED, _S.DELETED)
"""The states of tasks that may leave the line for good: nothing happens with them unless an operator wants it."""


class TaskEffect(IntEnum):
    """What a successful task did to its target."""

    CREATED = 1
    UPDATED = 2
    DELETED = 3
    NOTHING_TO_DELETE = 4
    REMOVED_FROM_SITE = 5
    MOVED = 6
    PUBLISHED = 7
    ARCHIVED = 8
    REJECTED = 9


class AttemptOutcome(IntEnum):
    """How an attempt ended."""

    SUCCEEDED = 1
    FAILED = 2
    RELEASED = 3
    CRASHED = 4
    WAITING = 5


class TaskActionKind(Enum):
    """What an operator can do with a task."""

    RETRY = "retry"
    SKIP = "skip"
    DELETE = "delete"

    @property
    def state(self) -> TaskState:
        """The state that the task goes to."""
        return _AFTER_ACTION[self]


_AFTER_ACTION = {
    TaskActionKind.RETRY: TaskState.PENDING,
    TaskActionKind.SKIP: TaskState.SKIPPED,
    TaskActionKind.DELETE: TaskState.DELETED,
}


class TaskStage(IntEnum):
    """The step of processing that an error comes from."""

    DECODE = 1
    PREPARE = 2
    TRANSLATE = 3
    APPLY = 4


class PayloadForm(IntEnum):
    """The form of a payload. The numbers are stored; they are the field numbers of ``Payload`` in the API."""

    RECORD = 1
    MESSAGE = 2
    ENCODED = 3
    OBJECT = 4
    PAGE = 5


@value
class Payload:
    """The external object as it came.

    ``type_name`` is the full protobuf name of a MESSAGE, the content type of ENCODED, and the object type of OBJECT and
    PAGE. ``data`` is the message, the encoded bytes, or the serialised Record, PreparedObject or PreparedPage.
    """

    form: PayloadForm
    data: bytes
    type_name: str = ""
    schema: str = ""


@value
class NewTask:
    """A task that was checked and is ready to be stored. ``id`` is a UUID of version 7 in text form."""

    id: str
    connector: str
    task_type: TaskType
    data_type: TaskDataType
    process_type: ProcessType
    payload: Payload
    object_type: str = ""
    external_id: str = ""
    site: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    given_title: str = ""
    creator: str = ""
    trace_parent: str = ""
    missing_key: MissingKeyAction | None = None
    wait_limit: timedelta | None = None

    def digest(self) -> bytes:
        """SHA-256 over everything that the caller gave: two requests with equal digests ask for the same thing."""
        parts = (
            self.connector,
            str(int(self.task_type)),
            str(int(self.data_type)),
            str(int(self.process_type)),
            self.object_type,
            self.external_id,
            self.site,
            self.given_title,
            self.trace_parent,
            *(text for item in sorted(self.labels.items()) for text in item),
            str(int(self.payload.form)),
            self.payload.type_name,
            self.payload.schema,
            str(int(self.missing_key or 0)),
            str(self.wait_limit),
        )
        encoded = [part.encode() for part in parts]
        framed = [b"%d:%b" % (len(part), part) for part in encoded]
        return hashlib.sha256(b"".join([*framed, self.payload.data])).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskError:
    """Why an attempt failed. ``code`` is a number of google.rpc.Code; ``message`` is at most 4 KiB."""

    code: int
    reason: str
    stage: TaskStage | None
    message: str
    occurred_at: datetime
    field_paths: tuple[str, ...] = ()
    retryable: bool = False
    awaited_task: str = ""


@dataclass(frozen=True, slots=True)
class TouchedObject:
    """An object that a task changed besides its target."""

    object_type: str
    object_id: int
    effect: TaskEffect


@value
class TaskResult:
    """What a successful task did. ``object_id`` is 0 when there was nothing to delete.

    ``touched`` are the other objects: children and bindings of a snapshot, and what a deletion took along.
    """

    effect: TaskEffect
    object_type: str
    object_id: int
    notes: tuple[str, ...] = ()
    touched: tuple[TouchedObject, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitedKey:
    """An object that a task waits for, as the task names it; or an earlier task that it waits behind.

    ``object_type`` is "page" when any page may have the key. ``behind`` is the id of the earlier task, or empty.
    """

    object_type: str
    external_id: str
    attribute: str = ""
    behind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAttempt:
    """One attempt at a task; ``outcome`` is None while it is in progress."""

    number: int
    run_id: str
    outcome: AttemptOutcome | None
    error: TaskError | None
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAction:
    """What an operator did with a task: the state that it went to, who asked for it, and why."""

    state: TaskState
    actor: str
    reason: str
    occurred_at: datetime


@value
class Task:
    """A task as it is stored.

    ``in_line`` says whether a run that comes by will take it. ``passed_over`` says that a run passed over this
    SKIP_ONCE task, which is DEFAULT from then on. ``isolated`` tasks are processed alone, because the process died
    while it worked on them among others. ``retry_count`` counts the retries of the current go, ``failure_count`` every
    failed attempt, ``crash_count`` the times that the process died on it alone. ``missing_key`` and ``wait_limit`` are
    None where the connector decides. ``waiting_for`` is set in WAITING only, and only where a caller reads the task.
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
    given_title: str
    creator: str
    trace_parent: str
    payload: Payload | None
    state: TaskState
    in_line: bool
    passed_over: bool
    isolated: bool
    attempt_count: int
    retry_count: int
    failure_count: int
    crash_count: int
    position: int
    last_error: TaskError | None
    result: TaskResult | None
    logged_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    next_attempt_at: datetime | None
    missing_key: MissingKeyAction | None = None
    wait_limit: timedelta | None = None
    wait_deadline: datetime | None = None
    turn: Turn = Turn.IN_PLACE
    blocked_by: str = ""
    waiting_for: tuple[AwaitedKey, ...] = ()

    @property
    def effective_process_type(self) -> ProcessType:
        """The process type that counts now."""
        return ProcessType.DEFAULT if self.passed_over else self.process_type

    @property
    def title(self) -> str:
        """What people see."""
        if self.given_title:
            return self.given_title
        return title_of(self.task_type, self.object_type, self.external_id)


_BEHIND_ALL = 1 << 62


def task_of(new: NewTask, now: datetime) -> Task:
    """A task that is not stored, as it would be at the end of the line."""
    return Task(
        id=new.id,
        connector=new.connector,
        sequence=_BEHIND_ALL,
        task_type=new.task_type,
        data_type=new.data_type,
        process_type=new.process_type,
        object_type=new.object_type,
        external_id=new.external_id,
        site=new.site,
        labels=new.labels,
        given_title=new.given_title,
        creator=new.creator,
        trace_parent=new.trace_parent,
        payload=new.payload,
        state=TaskState.PENDING,
        in_line=True,
        passed_over=False,
        isolated=False,
        attempt_count=0,
        retry_count=0,
        failure_count=0,
        crash_count=0,
        position=0,
        last_error=None,
        result=None,
        logged_at=now,
        started_at=None,
        finished_at=None,
        next_attempt_at=None,
        missing_key=new.missing_key,
        wait_limit=new.wait_limit,
    )


def title_of(task_type: TaskType, object_type: str, external_id: str) -> str:
    """What people see of a task that was given no title, for example "Create cms.user 42"."""
    target = object_type or ("page" if task_type.is_for_pages else "object")
    verb, _, rest = _PHRASES.get(task_type, task_type.name.partition("_")[0].capitalize()).partition(" ")
    return " ".join(word for word in (verb, target, external_id, rest) if word)


_PHRASES = {
    TaskType.ADD_TO_SITE: "Add to a site",
    TaskType.REMOVE_FROM_SITE: "Remove from a site",
    TaskType.DELETE_ALL_CULTURES: "Delete in all cultures",
}
"""Where the first word of a task type does not say enough: a verb, and what comes behind the object."""
