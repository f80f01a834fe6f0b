"""What can go wrong, by what a caller can do about it.

BusError
├── InvalidRequest           change the request
│   ├── RequestIdReused      use another request_id
│   └── TokenInvalid         start without this resume token
├── NotFound                 name something that exists
├── PreconditionFailed       put right what the message says first
├── TokenExpired             start without this resume token: it is older than what the server keeps
├── Exhausted                come back later, or send less
├── Unavailable              come back later; nothing was stored, unless a connection broke in mid-call
│   └── OutcomeUnknown       repeat with the same request_id to learn what became of it
├── DeadlineExceeded         the answer did not come in time; a change may or may not have been made
├── Cancelled                the call was cancelled here
├── AccessDenied             use other credentials
├── NotSupported             use a newer server
└── ServerFault              report it
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, NamedTuple

from grpc import StatusCode

from integrationbus.client.model.enums import ErrorReason

__all__ = [
    "ERROR_CLASSES",
    "AccessDenied",
    "BusError",
    "Cancelled",
    "DeadlineExceeded",
    "Exhausted",
    "FieldViolation",
    "InvalidRequest",
    "NotFound",
    "NotSupported",
    "OutcomeUnknown",
    "PreconditionFailed",
    "RequestIdReused",
    "ServerFault",
    "TokenExpired",
    "TokenInvalid",
    "Unavailable",
    "error_class",
]


class FieldViolation(NamedTuple):
    """A field at fault, by its path in the request, and what is wrong with it."""

    path: str
    description: str


class BusError(Exception):
    """A call failed.

    ``code`` is the gRPC status. ``reason`` is an ErrorReason, or empty when the failure is not the server's own.
    ``retry_delay`` is how long the server asks to wait before another try. ``metadata`` is what else it says.
    """

    def __init__(
        self,
        message: str,
        *,
        code: StatusCode = StatusCode.UNKNOWN,
        reason: str = "",
        field_violations: tuple[FieldViolation, ...] = (),
        retry_delay: timedelta | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.reason = reason
        self.field_violations = field_violations
        self.retry_delay = retry_delay
        self.metadata = {} if metadata is None else dict(metadata)

    def __str__(self) -> str:
        fields = [f"{path}: {description}" for path, description in self.field_violations]
        # The server's messages mostly name the fields themselves.
        unsaid = "".join(f"\n  {field}" for field in fields if field not in self.message)
        return f"{self.message} ({self.reason or self.code.name}){unsaid}"


class InvalidRequest(BusError):
    """The request does not fit; ``field_violations`` names the fields. Nothing was stored."""


class RequestIdReused(InvalidRequest):
    """The request_id was used before with another body."""


class TokenInvalid(InvalidRequest):
    """The resume token is malformed, of another store, or from a future that this store never had."""


class NotFound(BusError):
    """There is no such connector, task, run, object or enumeration; ``reason`` says which."""


class PreconditionFailed(BusError):
    """The system is not in a state for this: a connector is unhealthy, or a key fits several objects."""


class TokenExpired(BusError):
    """The resume token is older than what the server keeps. Start with a snapshot."""


class Exhausted(BusError):
    """A limit is reached; ``retry_delay`` says when to come back, when waiting helps."""


class Unavailable(BusError):
    """The server cannot be reached, is stopping, has cut the call off, or cannot use its database right now."""


class OutcomeUnknown(Unavailable):
    """The commit failed and may or may not have taken place. Repeat with the same request_id."""


class DeadlineExceeded(BusError):
    """The answer did not come in time. What a change asked for may or may not have been done."""


class Cancelled(BusError):
    """The call was cancelled here, before its answer came."""


class AccessDenied(BusError):
    """The credentials are missing, wrong, or not enough for this call."""


class NotSupported(BusError):
    """The server does not know this method."""


class ServerFault(BusError):
    """A fault of the server; the message has an id to look for in its log."""


ERROR_CLASSES: Final[Mapping[tuple[StatusCode, str], type[BusError]]] = {
    (StatusCode.CANCELLED, ""): Unavailable,
    (StatusCode.UNKNOWN, ""): ServerFault,
    (StatusCode.INVALID_ARGUMENT, ""): InvalidRequest,
    (StatusCode.INVALID_ARGUMENT, ErrorReason.REQUEST_ID_REUSED): RequestIdReused,
    (StatusCode.INVALID_ARGUMENT, ErrorReason.RESUME_TOKEN_INVALID): TokenInvalid,
    (StatusCode.DEADLINE_EXCEEDED, ""): DeadlineExceeded,
    (StatusCode.NOT_FOUND, ""): NotFound,
    (StatusCode.ALREADY_EXISTS, ""): PreconditionFailed,
    (StatusCode.PERMISSION_DENIED, ""): AccessDenied,
    (StatusCode.RESOURCE_EXHAUSTED, ""): Exhausted,
    (StatusCode.FAILED_PRECONDITION, ""): PreconditionFailed,
    (StatusCode.ABORTED, ""): PreconditionFailed,
    (StatusCode.OUT_OF_RANGE, ""): InvalidRequest,
    (StatusCode.OUT_OF_RANGE, ErrorReason.RESUME_TOKEN_EXPIRED): TokenExpired,
    (StatusCode.UNIMPLEMENTED, ""): NotSupported,
    (StatusCode.INTERNAL, ""): ServerFault,
    (StatusCode.UNAVAILABLE, ""): Unavailable,
    (StatusCode.UNAVAILABLE, ErrorReason.OUTCOME_UNKNOWN): OutcomeUnknown,
    (StatusCode.DATA_LOSS, ""): ServerFault,
    (StatusCode.UNAUTHENTICATED, ""): AccessDenied,
}
"""The class of an error by its status and reason; an empty reason stands for every other one of that status."""


def error_class(code: StatusCode, reason: str) -> type[BusError]:
    """Return the class of an error with this status and reason. OK is not an error and raises KeyError."""
    return ERROR_CLASSES.get((code, reason)) or ERROR_CLASSES[code, ""]
