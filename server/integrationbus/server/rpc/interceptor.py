"""What holds for every call: exceptions become statuses, and so does a request that cannot be decoded."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

import grpc
from google.protobuf.message import DecodeError
from grpc_status import rpc_status

from integrationbus.server.errors import FieldProblem, InvalidField, InvalidRequest, RecordTooDeep
from integrationbus.server.rpc.context import Context
from integrationbus.server.rpc.errors import to_status

__all__ = ["ErrorInterceptor"]

_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"

_OURS = "/integrationbus."
_WITH_RECORDS = ("/LogTask", "/LogTasks", "/LogTaskStream")


class ErrorInterceptor(grpc.aio.ServerInterceptor):
    """Turns what a servicer raises into a status with details. A cancelled call stays cancelled."""

    def __init__(self) -> None:
        self._guarded: dict[str, _Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Handler:
        """The guarded handler of a method; made once, for it is always the same."""
        method = handler_call_details.method
        if method in self._guarded:
            return self._guarded[method]
        handler = await continuation(handler_call_details)
        # Health and reflection have statuses of their own, and Health.Watch writes to the context instead of yielding.
        if handler is None or not method.startswith(_OURS):
            return handler
        guarded = self._guarded[method] = _guarded(handler, may_nest=method.endswith(_WITH_RECORDS))
        return guarded


def _guarded(handler: Any, *, may_nest: bool) -> _Handler:  # noqa: ANN401 - messages of any type go through
    decode = _decoding(handler, may_nest=may_nest)
    if handler.unary_unary:
        return grpc.unary_unary_rpc_method_handler(
            _guarded_unary(handler.unary_unary), decode, handler.response_serializer
        )
    if handler.unary_stream:
        return grpc.unary_stream_rpc_method_handler(
            _guarded_stream(handler.unary_stream, _decoded), decode, handler.response_serializer
        )
    if handler.stream_stream:
        return grpc.stream_stream_rpc_method_handler(
            _guarded_stream(handler.stream_stream, _each_decoded), decode, handler.response_serializer
        )
    raise AssertionError("no method of ours streams requests only")


@dataclass(frozen=True, slots=True)
class _Undecodable:
    """Stands for a request whose bytes could not be decoded."""

    may_nest: bool

    def refusal(self) -> InvalidRequest:
        """What the caller hears. Only where records travel can it be their depth: protobuf gives up at 100 levels."""
        if self.may_nest:
            return RecordTooDeep(FieldProblem("request", "cannot be decoded: it is nested too deep, or malformed"))
        return InvalidField(FieldProblem("request", "cannot be decoded: it is malformed"))


def _decoding(handler: Any, *, may_nest: bool) -> Any:  # noqa: ANN401 - messages of any type go through
    """The handler's deserializer; what it raises would end the call as a fault of the server, without a reason."""

    def decode(data: bytes) -> Any:  # noqa: ANN401
        try:
            return handler.request_deserializer(data)
        except DecodeError:
            return _Undecodable(may_nest)

    return decode


def _decoded(request: Any) -> Any:  # noqa: ANN401 - messages of any type go through
    if isinstance(request, _Undecodable):
        raise request.refusal()
    return request


async def _each_decoded(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for request in requests:
        yield _decoded(request)


def _guarded_unary(behavior: Any) -> Any:  # noqa: ANN401 - messages of any type go through
    async def guarded(request: Any, context: Context) -> Any:  # noqa: ANN401
        try:
            return await behavior(_decoded(request), context)
        except grpc.aio.AbortError:
            raise
        except Exception as error:  # noqa: BLE001 - every exception becomes a status; unknown ones are logged
            await _abort(context, error)

    return guarded


def _guarded_stream(behavior: Any, decoded: Any) -> Any:  # noqa: ANN401 - messages of any type go through
    async def guarded(request: Any, context: Context) -> AsyncIterator[Any]:  # noqa: ANN401
        try:
            # Closed at once when the caller goes away, so that nothing is held until the garbage collector comes.
            async with aclosing(behavior(decoded(request), context)) as responses:
                async for response in responses:
                    yield response
        except grpc.aio.AbortError:
            raise
        except Exception as error:  # noqa: BLE001 - every exception becomes a status; unknown ones are logged
            await _abort(context, error)

    return guarded


async def _abort(context: Context, error: Exception) -> NoReturn:
    await context.abort_with_status(rpc_status.to_status(to_status(error)))
    raise AssertionError("abort_with_status always raises")
