"""What holds for every call: exceptions become statuses, and so does a request that cannot be decoded."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn, TypeAlias

import grpc
from google.protobuf.message import DecodeError
from grpc_status import rpc_status

from integrationbus.server.errors import FieldProblem, RecordTooDeep
from integrationbus.server.rpc.context import Context
from integrationbus.server.rpc.errors import to_status

__all__ = ["ErrorInterceptor"]

_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"


class ErrorInterceptor(grpc.aio.ServerInterceptor):
    """Turns what a servicer raises into a status with details. A cancelled call stays cancelled."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Handler:
        """Wrap the handler of a call."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return handler
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(
                _guarded_unary(handler.unary_unary), _decoding(handler), handler.response_serializer
            )
        if handler.unary_stream:
            return grpc.unary_stream_rpc_method_handler(
                _guarded_stream(handler.unary_stream), _decoding(handler), handler.response_serializer
            )
        return handler


class _Undecodable:
    """Stands for a request whose bytes could not be decoded."""


def _decoding(handler: Any) -> Any:  # noqa: ANN401 - messages of any type go through
    """The handler's deserializer; what it raises would end the call as a fault of the server, without a reason."""

    def decode(data: bytes) -> Any:  # noqa: ANN401
        try:
            return handler.request_deserializer(data)
        except DecodeError:
            return _Undecodable()

    return decode


def _decoded(request: Any) -> Any:  # noqa: ANN401 - messages of any type go through
    if isinstance(request, _Undecodable):
        # protobuf gives up at 100 levels, of which a record takes three.
        text = "cannot be decoded: it is nested too deep, or malformed"
        raise RecordTooDeep(FieldProblem("request", text))
    return request


def _guarded_unary(behavior: Any) -> Any:  # noqa: ANN401 - messages of any type go through
    async def guarded(request: Any, context: Context) -> Any:  # noqa: ANN401
        try:
            return await behavior(_decoded(request), context)
        except grpc.aio.AbortError:
            raise
        except Exception as error:  # noqa: BLE001 - every exception becomes a status; unknown ones are logged
            await _abort(context, error)

    return guarded


def _guarded_stream(behavior: Any) -> Any:  # noqa: ANN401 - messages of any type go through
    async def guarded(request: Any, context: Context) -> AsyncIterator[Any]:  # noqa: ANN401
        try:
            async for response in behavior(_decoded(request), context):
                yield response
        except grpc.aio.AbortError:
            raise
        except Exception as error:  # noqa: BLE001 - every exception becomes a status; unknown ones are logged
            await _abort(context, error)

    return guarded


async def _abort(context: Context, error: Exception) -> NoReturn:
    await context.abort_with_status(rpc_status.to_status(to_status(error)))
    raise AssertionError("abort_with_status always raises")
