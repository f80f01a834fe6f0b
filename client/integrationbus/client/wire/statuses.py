"""From a failed gRPC call to an error of ours."""

from typing import Final, Protocol, cast

import grpc
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from integrationbus.client.model.errors import BusError, Cancelled, FieldViolation, error_class

__all__ = ["bus_error", "status_code"]

_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}
_DOMAIN: Final = "integrationbus"


class FailedCall(Protocol):
    """What the errors of gRPC's sync and asyncio clients have in common."""

    def code(self) -> grpc.StatusCode: ...
    def details(self) -> str | None: ...


def status_code(number: int) -> grpc.StatusCode:
    """Return the status of a google.rpc.Code; UNKNOWN for a number that gRPC does not know."""
    return _CODES.get(number, grpc.StatusCode.UNKNOWN)


def bus_error(call: FailedCall, target: str, *, is_closed: bool) -> BusError:
    """Read a failed call to ``target``, with what its google.rpc.Status says in detail.

    The message of an error that is not the server's own, such as a broken connection, starts with the target. A call is
    CANCELLED because the connection ``is_closed`` here, or was cut off by a server that stops.
    """
    info, bad_request, retry = ErrorInfo(), BadRequest(), RetryInfo()
    for detail in _rich_status(call).details:
        for known in (info, bad_request, retry):
            detail.Unpack(known)
    reason = info.reason if info.domain == _DOMAIN else ""
    is_ours = is_closed and call.code() is grpc.StatusCode.CANCELLED
    return (Cancelled if is_ours else error_class(call.code(), reason))(
        (call.details() or "") if reason else f"{target}: {call.details()}",
        code=call.code(),
        reason=reason,
        field_violations=tuple(FieldViolation(each.field, each.description) for each in bad_request.field_violations),
        retry_delay=retry.retry_delay.ToTimedelta() if retry.HasField("retry_delay") else None,
        metadata=info.metadata,
    )


def _rich_status(call: FailedCall) -> Status:
    """Return the status in the trailing metadata; an empty one when there is none that belongs to the call."""
    try:
        # The stubs ask for a grpc.Call, which neither client's errors are typed as, although both are fit.
        return rpc_status.from_call(cast("grpc.Call", call)) or Status()
    except ValueError:
        return Status()
