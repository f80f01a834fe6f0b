"""Watching from asyncio programs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

import grpc
from google.protobuf.message import Message

from integrationbus.client.async_connection import AsyncConnection, AsyncStream, cancellation
from integrationbus.client.model.errors import BusError, Unavailable
from integrationbus.client.model.objects import ObjectChange
from integrationbus.client.model.resume_token import ResumeToken
from integrationbus.client.model.tasks import Task, TaskChange
from integrationbus.client.wire.call import Call
from integrationbus.client.wire.watching import WatchState
from integrationbus.v1.object_service_pb2 import WatchObjectsResponse
from integrationbus.v1.task_service_pb2 import WatchTasksResponse

__all__ = ["AsyncObjectWatch", "AsyncWatch", "async_latest"]

_Message = TypeVar("_Message", bound=Message)
_Item = TypeVar("_Item")


class _AsyncResumingWatch(Generic[_Message, _Item]):
    """An endless iterator that connects again and goes on by itself."""

    def __init__(self, connection: AsyncConnection, state: WatchState[_Message, _Item]) -> None:
        self._connection = connection
        self._state = state
        self._patience = connection.patience()
        self._stream: AsyncStream[_Message] | None = None
        self._closed = False

    @property
    def resume_token(self) -> ResumeToken | None:
        """Where to go on after the item that was handed out last; None while that cannot be said."""
        return self._state.resume_token

    def __aiter__(self) -> AsyncIterator[_Item]:
        return self

    async def __anext__(self) -> _Item:
        while (item := self._state.next_item()) is None:
            await self.receive()
            if self._closed:
                raise StopAsyncIteration
        return item

    async def receive(self) -> None:
        """Take the next message in, over as many connections as patience allows; none when the watch is closed."""
        while not self._closed:
            try:
                message = await self._read()
            except BusError as error:
                self._stream = None
                if not self._is_closed():
                    await self._connection.wait(self._patience.delay_after(error))
                continue
            self._patience.succeeded()
            self._state.take(message)
            return

    def close(self) -> None:
        """End the watch; from another task, this ends an iteration that waits."""
        self._closed = True
        if self._stream is not None:
            self._stream.cancel()

    async def _read(self) -> _Message:
        if self._stream is None:
            self._stream = self._connection.stream(self._state.call())
        try:
            message = await self._stream.read()
        except grpc.aio.AioRpcError as error:
            raise self._connection.error(error) from error
        except asyncio.CancelledError as error:
            # gRPC has cancelled the stream as well; what was not handed out comes again over the next one.
            self._stream = None
            raise cancellation(error) from None
        if isinstance(message, self._state.response):
            return message
        raise Unavailable("the server ended the watch", code=grpc.StatusCode.UNAVAILABLE)

    def _is_closed(self) -> bool:
        """Whether it was closed meanwhile, which type checkers do not expect."""
        return self._closed


class AsyncWatch(_AsyncResumingWatch[WatchTasksResponse, Task | TaskChange]):
    """An endless iterator of changes, and first of tasks when a snapshot was asked for.

    Made by ``AsyncClient.watch``. It connects again and goes on by itself. No change is missed or handed out twice;
    only a snapshot that broke off starts over. Raises a BusError when the server is away for too long, or refuses:
    TokenExpired when it no longer keeps what comes next. The token is None while a snapshot is incomplete.

    A read that is cancelled, by a timeout for example, loses nothing: the next one goes on.
    """


class AsyncObjectWatch(_AsyncResumingWatch[WatchObjectsResponse, ObjectChange]):
    """An endless iterator of changes of objects.

    Made by ``AsyncClient.watch_objects``. It connects again and goes on by itself. No change is missed or handed out
    twice. Raises as ``AsyncWatch`` does. The token moves on when all changes of a message were handed out: a new watch
    from one taken before may repeat some.

    A read that is cancelled, by a timeout for example, loses nothing: the next one goes on.
    """


async def async_latest(connection: AsyncConnection, call: Call[_Message, _Item]) -> AsyncIterator[_Item]:
    """What a stream tells of the present, over as many connections as patience allows, until the server ends it.

    Each connection begins with the state as it is then.
    """
    patience = connection.patience()
    while True:
        stream = connection.stream(call)
        try:
            async for message in stream:
                patience.succeeded()
                yield call.read(message)
        except grpc.aio.AioRpcError as error:
            await connection.wait(patience.delay_after(connection.error(error)))
        except asyncio.CancelledError as error:
            raise cancellation(error) from None
        else:
            return
        finally:
            stream.cancel()
