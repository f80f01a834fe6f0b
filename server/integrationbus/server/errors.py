"""What can go wrong, as a tree of exceptions with data. Reasons are those of ``ErrorReason`` in the API.

``BusError`` and its descendants refuse a call. ``TaskProblem`` and its descendants fail the task in hand.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar

__all__ = [
    "BusError",
    "ConnectorDisabled",
    "ConnectorNotFound",
    "ConnectorUnhealthy",
    "EnumNotFound",
    "EtagMismatch",
    "FieldProblem",
    "InvalidField",
    "InvalidRequest",
    "KeyAmbiguousRefused",
    "LeaseHeld",
    "LeaseLost",
    "LogQueueFull",
    "LoggingOff",
    "ObjectNotFound",
    "ObjectTypeNotFound",
    "OutcomeUnknown",
    "PageTokenInvalid",
    "PayloadNotAccepted",
    "PayloadTooLarge",
    "RecordTooDeep",
    "RequestIdReused",
    "ResumeTokenExpired",
    "ResumeTokenInvalid",
    "RunEnded",
    "RunNotFound",
    "ServerDraining",
    "StoreUnavailable",
    "StreamOutOfOrder",
    "StreamTakenOver",
    "TaskFinal",
    "TaskNotFound",
    "TaskRunning",
    "TaskTypeMismatch",
    "WatcherTooSlow",
]


class BusError(Exception):
    """A call that is refused. ``reason`` is the published name; ``str(error)`` is for people."""

    reason: ClassVar[str]


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """A field of a request that does not fit: its path, for example "task.labels[name]", and what is wrong with it."""

    path: str
    description: str


class InvalidRequest(BusError):
    """A request with fields that do not fit. Nothing of it was stored."""

    def __init__(self, *problems: FieldProblem) -> None:
        super().__init__("; ".join(f"{problem.path}: {problem.description}" for problem in problems))
        self.problems = problems

    def below(self, path: str) -> "InvalidRequest":
        """The same refusal with the field paths below ``path``."""
        return type(self)(*(FieldProblem(f"{path}.{item.path}", item.description) for item in self.problems))


class InvalidField(InvalidRequest):
    """A value that is missing, malformed, unknown or over a limit."""

    reason = "INVALID_FIELD"


class PayloadNotAccepted(InvalidRequest):
    """A form, message type or content type that the connector does not take."""

    reason = "PAYLOAD_NOT_ACCEPTED"


class PayloadTooLarge(InvalidRequest):
    """A payload over the limit."""

    reason = "PAYLOAD_TOO_LARGE"


class RecordTooDeep(InvalidRequest):
    """A record nested deeper than the limit."""

    reason = "RECORD_TOO_DEEP"


class TaskTypeMismatch(InvalidRequest):
    """A task type for objects with a page as its target, or the other way round."""

    reason = "TASK_TYPE_MISMATCH"


class RequestIdReused(InvalidRequest):
    """A request id that was used before with another body."""

    reason = "REQUEST_ID_REUSED"


class PageTokenInvalid(InvalidRequest):
    """A page token of another call or filter."""

    reason = "PAGE_TOKEN_INVALID"


class ResumeTokenInvalid(InvalidRequest):
    """A resume token that is malformed, of another store, or from a future that this store never had."""

    reason = "RESUME_TOKEN_INVALID"


class StreamOutOfOrder(InvalidRequest):
    """A number of a stream that does not follow the one before."""

    reason = "STREAM_OUT_OF_ORDER"


@dataclass
class ResourceMissing(BusError):
    """Something named in the request that does not exist."""

    kind: ClassVar[str]
    name: str
    hint: str = ""

    def __str__(self) -> str:
        return f"no {self.kind} {self.name!r}" + (f"; {self.hint}" if self.hint else "")


class ConnectorNotFound(ResourceMissing):
    """An unknown connector name."""

    reason = "CONNECTOR_NOT_FOUND"
    kind = "connector"


class TaskNotFound(ResourceMissing):
    """An unknown task id."""

    reason = "TASK_NOT_FOUND"
    kind = "task"


class RunNotFound(ResourceMissing):
    """An unknown run id."""

    reason = "RUN_NOT_FOUND"
    kind = "run"


class ObjectTypeNotFound(ResourceMissing):
    """An object type that no connector makes."""

    reason = "OBJECT_TYPE_NOT_FOUND"
    kind = "object type"


class ObjectNotFound(ResourceMissing):
    """A key that no object has."""

    reason = "OBJECT_NOT_FOUND"
    kind = "object"

    def __str__(self) -> str:
        return f"there is no {self.name}"  # its name is a type and a key, with quotes of its own


class EnumNotFound(ResourceMissing):
    """An unknown enumeration name."""

    reason = "ENUM_NOT_FOUND"
    kind = "enumeration"


class KeyAmbiguousRefused(BusError):
    """A key in a request that fits several objects."""

    reason = "KEY_AMBIGUOUS"


class ConnectorUnhealthy(BusError):
    """A connector that could not be loaded."""

    reason = "CONNECTOR_UNHEALTHY"


@dataclass
class ConnectorDisabled(BusError):
    """A connector that is switched off."""

    reason = "CONNECTOR_DISABLED"
    connector: str

    def __str__(self) -> str:
        return f"connector {self.connector} is switched off; enable it, or log again later"


class LoggingOff(BusError):
    """The bus, or logging, is switched off."""

    reason = "LOGGING_OFF"


class TaskRunning(BusError):
    """A task that is being processed right now."""

    reason = "TASK_RUNNING"


class TaskFinal(BusError):
    """A task that nothing changes any more."""

    reason = "TASK_FINAL"


class EtagMismatch(BusError):
    """A task that changed since it was read."""

    reason = "ETAG_MISMATCH"


class RunEnded(BusError):
    """A run that has ended already."""

    reason = "RUN_ENDED"


class StoreUnavailable(BusError):
    """The database cannot be used right now; nothing was written."""

    reason = "STORE_UNAVAILABLE"


class OutcomeUnknown(BusError):
    """A commit failed and may or may not have taken place."""

    reason = "OUTCOME_UNKNOWN"


class StreamTakenOver(BusError):
    """A stream whose numbers another connection settles; nothing more of this one is stored."""

    reason = "STREAM_OUT_OF_ORDER"


class ServerDraining(BusError):
    """The server is stopping."""

    reason = "SERVER_DRAINING"


@dataclass
class Overloaded(BusError):
    """Something is full; ``retry_delay`` is when to come back."""

    message: str
    retry_delay: timedelta = field(default=timedelta(seconds=1))

    def __str__(self) -> str:
        return self.message


class LogQueueFull(Overloaded):
    """More is waiting to be written than the server takes."""

    reason = "LOG_QUEUE_FULL"


class WatcherTooSlow(Overloaded):
    """The reader of a watch does not keep up."""

    reason = "WATCHER_TOO_SLOW"


class ResumeTokenExpired(BusError):
    """A resume token that is older than what the server keeps."""

    reason = "RESUME_TOKEN_EXPIRED"


class LeaseHeld(Exception):
    """Another process holds the connector, and is alive."""


class LeaseLost(Exception):
    """Another process holds the connector now; what was done under the old lease must be dropped."""
