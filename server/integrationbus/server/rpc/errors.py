"""From errors to statuses: one table."""

import logging
import uuid

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from integrationbus.server import errors
from integrationbus.server.errors import BusError, InvalidRequest, Overloaded, ResourceMissing
from integrationbus.v1.task_service_pb2 import TaskRefusal

__all__ = ["STATUSES", "code_of", "to_refusal", "to_status"]

_log = logging.getLogger(__name__)

_DOMAIN = "integrationbus"
_Code = grpc.StatusCode

# A status travels in the trailers, of which clients take 8 KiB: a refusal that quotes a long value must not burst them,
# or the caller sees nothing but that. The message travels twice, and percent-encoded once.
_MAX_MESSAGE_BYTES = 1_000
_MAX_PATH_BYTES = 500

STATUSES: dict[type[BusError], grpc.StatusCode] = {
    errors.InvalidRequest: _Code.INVALID_ARGUMENT,
    errors.ResourceMissing: _Code.NOT_FOUND,
    errors.KeyAmbiguousRefused: _Code.FAILED_PRECONDITION,
    errors.ConnectorUnhealthy: _Code.FAILED_PRECONDITION,
    errors.ResumeTokenExpired: _Code.OUT_OF_RANGE,
    errors.Overloaded: _Code.RESOURCE_EXHAUSTED,
    errors.ConnectorDisabled: _Code.FAILED_PRECONDITION,
    errors.LoggingOff: _Code.FAILED_PRECONDITION,
    errors.TaskRunning: _Code.FAILED_PRECONDITION,
    errors.TaskFinal: _Code.FAILED_PRECONDITION,
    errors.RunEnded: _Code.FAILED_PRECONDITION,
    errors.EtagMismatch: _Code.ABORTED,
    errors.StoreUnavailable: _Code.UNAVAILABLE,
    errors.OutcomeUnknown: _Code.UNAVAILABLE,
    errors.ServerDraining: _Code.UNAVAILABLE,
    errors.StreamTakenOver: _Code.ABORTED,
}
"""The status of each kind of error and of those derived from it."""


def code_of(error: BusError) -> grpc.StatusCode:
    """The canonical status code of an error."""
    return next(STATUSES[cls] for cls in type(error).__mro__ if cls in STATUSES)


def to_status(error: BaseException) -> status_pb2.Status:
    """What the caller gets to see.

    An error that is not one of ours is a fault of the server: its text stays in the log, and the caller gets an id to
    look for there.
    """
    if isinstance(error, BusError):
        return _status(code_of(error), str(error), error.reason, _details(error))
    fault = uuid.uuid4()
    _log.error("fault %s", fault, exc_info=error)
    return _status(_Code.INTERNAL, f"a fault of the server; its log has more under {fault}", "INTERNAL", [])


def to_refusal(error: BusError) -> TaskRefusal:
    """Why one task of a batch was not stored."""
    path = error.problems[0].path if isinstance(error, InvalidRequest) else "connector"
    return TaskRefusal(
        code=code_of(error).value[0],
        reason=error.reason,
        message=_clip(str(error), _MAX_MESSAGE_BYTES),
        field_path=_clip(path, _MAX_PATH_BYTES),
    )


def _status(code: grpc.StatusCode, message: str, reason: str, details: list[Message]) -> status_pb2.Status:
    status = status_pb2.Status(code=code.value[0], message=_clip(message, _MAX_MESSAGE_BYTES))
    for detail in [error_details_pb2.ErrorInfo(reason=reason, domain=_DOMAIN), *details]:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def _details(error: BusError) -> list[Message]:
    match error:
        case InvalidRequest():
            violations = [
                error_details_pb2.BadRequest.FieldViolation(
                    field=_clip(problem.path, _MAX_PATH_BYTES), description=_clip(problem.description, _MAX_PATH_BYTES)
                )
                for problem in error.problems
            ]
            return [error_details_pb2.BadRequest(field_violations=violations)]
        case ResourceMissing():
            return [
                error_details_pb2.ResourceInfo(
                    resource_type=error.kind, resource_name=_clip(error.name, _MAX_PATH_BYTES)
                )
            ]
        case Overloaded():
            retry = error_details_pb2.RetryInfo()
            retry.retry_delay.FromTimedelta(error.retry_delay)
            return [retry]
        case _:
            return []


def _clip(text: str, max_bytes: int) -> str:
    """The beginning of a text that is too long."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= max_bytes:
        return encoded.decode()
    return encoded[: max_bytes - 3].decode(errors="ignore") + "..."
