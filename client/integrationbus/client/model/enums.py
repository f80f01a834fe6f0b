"""The enumerations of the API. Numbers are those of ``integrationbus.v1``."""

from enum import IntEnum, StrEnum
from typing import Self

__all__ = [
    "AttemptOutcome",
    "CheckOutcome",
    "ConnectorState",
    "Dependency",
    "ErrorReason",
    "HeadAction",
    "MissingKeyAction",
    "NotifyOutcome",
    "ProcessType",
    "RunState",
    "RunTrigger",
    "SnapshotHandling",
    "Switch",
    "TaskDataType",
    "TaskEffect",
    "TaskStage",
    "TaskState",
    "TaskType",
    "TriggerMode",
]


class OpenEnum(IntEnum):
    """An enumeration that a newer server may have more values of.

    A number that this client does not know becomes a member named ``UNKNOWN_<number>``, equal to the number; 0, which
    says in every enumeration that there is no value, becomes one named ``UNSPECIFIED``.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}" if value else "UNSPECIFIED"
        member._value_ = value
        return member


class TaskType(OpenEnum):
    """What to do with the target of a task."""

    CREATE_OBJECT = 1
    UPDATE_OBJECT = 2
    DELETE_OBJECT = 3
    ADD_TO_SITE = 4
    REMOVE_FROM_SITE = 5
    CREATE_DOCUMENT = 11
    UPDATE_DOCUMENT = 12
    DELETE_DOCUMENT = 13
    DELETE_ALL_CULTURES = 14
    MOVE_DOCUMENT = 15
    PUBLISH_DOCUMENT = 16
    ARCHIVE_DOCUMENT = 17
    REJECT_DOCUMENT = 18


class TaskDataType(OpenEnum):
    """How much travels with a task, and which foreign keys the server translates."""

    SIMPLE = 1
    SIMPLE_SNAPSHOT = 2
    SNAPSHOT = 3


class MissingKeyAction(OpenEnum):
    """What a task does when a required foreign key points at an object that does not exist yet."""

    FAIL = 1
    WAIT = 2


class SnapshotHandling(OpenEnum):
    """What becomes of stored children, or bindings, that a snapshot does not mention."""

    COMPLETE = 1
    INCREMENTAL = 2


class ProcessType(OpenEnum):
    """How a task behaves when its turn comes and what happens when it fails."""

    DEFAULT = 1
    SKIP_ON_ERROR = 2
    DELETE_ON_ERROR = 3
    SKIP_ONCE = 4


class TaskState(OpenEnum):
    """Where a task stands."""

    PENDING = 1
    RUNNING = 2
    RETRY_WAIT = 3
    SUCCEEDED = 4
    FAILED = 5
    SKIPPED = 6
    DELETED = 7
    WAITING = 8

    @property
    def is_in_line(self) -> bool:
        """Whether the task waits for its connector, or its connector has it in hand."""
        return self in (TaskState.PENDING, TaskState.RUNNING, TaskState.RETRY_WAIT)

    @property
    def is_final(self) -> bool:
        """Whether the task stays as it is, whatever happens."""
        return self in (TaskState.SUCCEEDED, TaskState.DELETED)


class TaskEffect(OpenEnum):
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


class TaskStage(OpenEnum):
    """The step of processing that an error comes from."""

    DECODE = 1
    PREPARE = 2
    TRANSLATE = 3
    APPLY = 4


class ConnectorState(OpenEnum):
    """What a connector is doing."""

    IDLE = 1
    RUNNING = 2
    HALTED = 3
    PAUSED = 4
    UNHEALTHY = 5
    DISABLED = 6


class TriggerMode(OpenEnum):
    """What starts a connector's runs besides a notify."""

    ON_LOG = 1
    ON_NOTIFY = 2
    ON_SCHEDULE = 3


class RunTrigger(OpenEnum):
    """What started a run."""

    LOG = 1
    NOTIFY = 2
    SCHEDULE = 3
    RESUME = 4
    STARTUP = 5
    CALL = 6


class RunState(OpenEnum):
    """Where a run stands."""

    RUNNING = 1
    COMPLETED = 2
    HALTED = 3
    STOPPED = 4
    INTERRUPTED = 5
    CANCELLED = 6


class NotifyOutcome(OpenEnum):
    """What a request for processing did for one connector."""

    STARTED = 1
    COALESCED = 2
    REFUSED_HALTED = 3
    REFUSED_PAUSED = 4
    REFUSED_UNHEALTHY = 5
    REFUSED_DISABLED = 6


class HeadAction(OpenEnum):
    """What resuming a halted connector does with the task that halted it."""

    RETRY = 1
    SKIP = 2
    DELETE = 3


class AttemptOutcome(OpenEnum):
    """How an attempt at a task ended."""

    SUCCEEDED = 1
    FAILED = 2
    RELEASED = 3
    CRASHED = 4
    WAITING = 5


class Switch(OpenEnum):
    """What can be switched off for all connectors at once."""

    BUS = 1
    LOGGING = 2
    PROCESSING = 3


class Dependency(OpenEnum):
    """What becomes of an object when the target of a foreign key is missing, or is deleted later."""

    REQUIRED = 1
    REQUIRED_HAS_DEFAULT = 2
    NOT_REQUIRED = 3
    BINDING = 4


class CheckOutcome(OpenEnum):
    """How a check of a connector came out."""

    PASSED = 1
    WARNING = 2
    FAILED = 3


class ErrorReason(StrEnum):
    """The reasons that the server gives; a connector's task errors may have reasons of its own.

    Reasons travel as text, so ``error.reason == ErrorReason.TASK_NOT_FOUND`` works for any reason.
    """

    INVALID_FIELD = "INVALID_FIELD"
    CONNECTOR_NOT_FOUND = "CONNECTOR_NOT_FOUND"
    PAYLOAD_NOT_ACCEPTED = "PAYLOAD_NOT_ACCEPTED"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    RECORD_TOO_DEEP = "RECORD_TOO_DEEP"
    TASK_TYPE_MISMATCH = "TASK_TYPE_MISMATCH"
    REQUEST_ID_REUSED = "REQUEST_ID_REUSED"
    PAGE_TOKEN_INVALID = "PAGE_TOKEN_INVALID"
    RESUME_TOKEN_INVALID = "RESUME_TOKEN_INVALID"
    RESUME_TOKEN_EXPIRED = "RESUME_TOKEN_EXPIRED"
    TASK_NOT_FOUND = "TASK_NOT_FOUND"
    RUN_NOT_FOUND = "RUN_NOT_FOUND"
    OBJECT_TYPE_NOT_FOUND = "OBJECT_TYPE_NOT_FOUND"
    OBJECT_NOT_FOUND = "OBJECT_NOT_FOUND"
    ENUM_NOT_FOUND = "ENUM_NOT_FOUND"
    CONNECTOR_UNHEALTHY = "CONNECTOR_UNHEALTHY"
    LOG_QUEUE_FULL = "LOG_QUEUE_FULL"
    WATCHER_TOO_SLOW = "WATCHER_TOO_SLOW"
    SERVER_DRAINING = "SERVER_DRAINING"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    STORE_UNAVAILABLE = "STORE_UNAVAILABLE"
    INTERNAL = "INTERNAL"
    CONNECTOR_DISABLED = "CONNECTOR_DISABLED"
    LOGGING_OFF = "LOGGING_OFF"
    TASK_RUNNING = "TASK_RUNNING"
    TASK_FINAL = "TASK_FINAL"
    ETAG_MISMATCH = "ETAG_MISMATCH"
    RUN_ENDED = "RUN_ENDED"
    STREAM_OUT_OF_ORDER = "STREAM_OUT_OF_ORDER"
    PAYLOAD_UNDECODABLE = "PAYLOAD_UNDECODABLE"
    CONNECTOR_FAILED = "CONNECTOR_FAILED"
    WRONG_OBJECT = "WRONG_OBJECT"
    KEY_NOT_FOUND = "KEY_NOT_FOUND"
    KEY_AMBIGUOUS = "KEY_AMBIGUOUS"
    IDENTITY_MISSING = "IDENTITY_MISSING"
    SITE_NOT_FOUND = "SITE_NOT_FOUND"
    PARENT_NOT_FOUND = "PARENT_NOT_FOUND"
    TARGET_REFUSED = "TARGET_REFUSED"
    WORKER_CRASH_LOOP = "WORKER_CRASH_LOOP"
    TARGET_NOT_FOUND = "TARGET_NOT_FOUND"
    KEY_WAIT_EXPIRED = "KEY_WAIT_EXPIRED"
