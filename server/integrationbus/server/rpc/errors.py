"""From errors to statuses: one table."""

import logging
import uuid

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from integrationbus.server import errors
from integrationbus.server.errors import BusError, InvalidRequest, Overloaded, ResourceMissing

__all__ = ["STATUSES", "code_of", "to_status"]

_log = logging.getLogger(__name__)

_DOMAIN = "integrationbus"
_Code = grpc.StatusCode

STATUSES: dict[type[BusError], grpc.StatusCode] = {
    errors.InvalidRequest: _Code.INVALID_ARGUMENT,
    errors.ResourceMissing: _Code.NOT_FOUND,
    errors.KeyAmbiguousRefused: _Code.FAILED_PRECONDITION,
    errors.ConnectorUnhealthy: _Code.FAILED_PRECONDITION,
    errors.ResumeTokenExpired: _Code.OUT_OF_RANGE,
    errors.Overloaded: _Code.RESOURCE_EXHAUSTED,
    errors.StoreUnavailable: _Code.UNAVAILABLE,
    errors.OutcomeUnknown: _Code.UNAVAILABLE,
    errors.ServerDraining: _Code.UNAVAILABLE,
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


def _status(code: grpc.StatusCode, message: str, reason: str, details: list[Message]) -> status_pb2.Status:
    status = status_pb2.Status(code=code.value[0], message=message)
    for detail in [error_details_pb2.ErrorInfo(reason=reason, domain=_DOMAIN), *details]:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def _details(error: BusError) -> list[Message]:
    match error:
        case InvalidRequest():
            violations = [
                error_details_pb2.BadRequest.FieldViolation(field=problem.path, description=problem.description)
                for problem in error.problems
            ]
            return [error_details_pb2.BadRequest(field_violations=violations)]
        case ResourceMissing():
            return [error_details_pb2.ResourceInfo(resource_type=error.kind, resource_name=error.name)]
        case Overloaded():
            retry = error_details_pb2.RetryInfo()
            retry.retry_delay.FromTimedelta(error.retry_delay)
            return [retry]
        case _:
            return []
