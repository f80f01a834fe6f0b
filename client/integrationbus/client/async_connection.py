"""A connection to a server, for asyncio programs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeAlias, TypeVar

import grpc
from google.protobuf.message import Message

from integrationbus.client.model.errors import BusError, Cancelled
from integrationbus.client.wire.arguments import seconds
from integrationbus.client.wire.call import Call, Page
from integrationbus.client.wire.channel import CHANNEL_OPTIONS, metadata_of
from integrationbus.client.wire.patience import Patience
from integrationbus.client.wire.statuses import bus_error

__all__ = ["AsyncConnection", "AsyncConversation", "AsyncStream", "cancellation"]

_Response = TypeVar("_Response", bound=Message)
_Result = TypeVar("_Result")

# Quoted, since the class takes parameters for type checkers only.
AsyncStream: TypeAlias = "grpc.aio.UnaryStreamCall[Message, _Response]"
"""The messages of a call. Reading raises grpc.aio.AioRpcError when the call fails."""

AsyncConversation: TypeAlias = "grpc.aio.StreamStreamCall[bytes, _Response]"
"""The requests and messages of a call. Reading raises grpc.aio.AioRpcError when the call fails."""


class AsyncConnection:
    """``Connection`` for asyncio. Belongs to the event loop that runs when it is made."""

    def __init__(
        self,
        target: str,
        *,
        application: str,
        credentials: grpc.ChannelCredentials | None,
        timeout: float,
        patience: float,
    ) -> None:
        self._target = target
        self._metadata = metadata_of(application)
        self._timeout = seconds(timeout, "timeout")
        self._patience = seconds(patience, "patience")
        self._is_closed = False
        self._channel = (
            grpc.aio.insecure_channel(target, options=CHANNEL_OPTIONS)
            if credentials is None
            else grpc.aio.secure_channel(target, credentials, options=CHANNEL_OPTIONS)
        )

    async def close(self) -> None:
        """Cancel every call in flight, and close the connection."""
        self._is_closed = True
        await self._channel.close()

    async def call(self, call: Call[_Response, _Result]) -> _Result:
        """Make a call."""
        self._check_open()
        method = self._channel.unary_unary(
            call.method,
            request_serializer=type(call.request).SerializeToString,
            response_deserializer=call.response.FromString,
        )
        try:
            response = await method(call.request, timeout=self._timeout, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            raise self.error(error) from error
        except asyncio.CancelledError as error:
            raise cancellation(error) from None
        return call.read(response)

    async def call_patiently(self, call: Call[_Response, _Result]) -> _Result:
        """Make a call that is safe to repeat, as often as patience allows."""
        patience = self.patience()
        while True:
            try:
                return await self.call(call)
            except BusError as error:
                await self.wait(patience.delay_after(error))

    async def pages(self, call_for: Callable[[str], Call[_Response, Page[_Result]]]) -> AsyncIterator[_Result]:
        """Read a list, page after page; ``call_for`` gets the token of the page."""
        token, is_last = "", False
        while not is_last:
            page = await self.call(call_for(token))
            for item in page.items:
                yield item
            token, is_last = page.next_token, not page.next_token

    def stream(self, call: Call[_Response, _Result]) -> "AsyncStream[_Response]":
        """Begin a call that streams; it has no deadline."""
        self._check_open()
        method = self._channel.unary_stream(
            call.method,
            request_serializer=type(call.request).SerializeToString,
            response_deserializer=call.response.FromString,
        )
        return method(call.request, metadata=self._metadata)

    def converse(self, method: str, response: type[_Response]) -> "AsyncConversation[_Response]":
        """Begin a call that streams both ways; it has no deadline."""
        self._check_open()
        call: grpc.aio.StreamStreamMultiCallable[bytes, _Response]
        call = self._channel.stream_stream(method, response_deserializer=response.FromString)
        return call(metadata=self._metadata)

    def patience(self) -> Patience:
        """New patience, for one thing to be done."""
        return Patience(self._patience)

    async def wait(self, seconds: float) -> None:
        """Wait so long."""
        await asyncio.sleep(seconds)

    def error(self, error: grpc.aio.AioRpcError) -> BusError:
        """What an error of gRPC means."""
        return bus_error(error, self._target, is_closed=self._is_closed)

    def _check_open(self) -> None:
        if self._is_closed:
            raise Cancelled("the client is closed", code=grpc.StatusCode.CANCELLED)


def cancellation(error: asyncio.CancelledError) -> asyncio.CancelledError | Cancelled:
    """What to raise: gRPC raises the same when a call or its channel is closed as when the task is cancelled."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        return error
    return Cancelled("the call was cancelled", code=grpc.StatusCode.CANCELLED)
