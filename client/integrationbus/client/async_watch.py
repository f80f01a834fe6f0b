"""Watching tasks from asyncio programs."""

import asyncio
from collections.abc import AsyncIterator

import grpc

from integrationbus.client.async_connection import AsyncConnection, AsyncStream, cancellation
from integrationbus.client.model.errors import BusError, Unavailable
from integrationbus.client.model.resume_token import ResumeToken
from integrationbus.client.model.runs import Run
from integrationbus.client.model.tasks import Task, TaskChange
from integrationbus.client.wire.runs import watch_run
from integrationbus.client.wire.watching import WatchState
from integrationbus.v1.task_service_pb2 import WatchTasksResponse

__all__ = ["AsyncWatch", "async_run_states"]


class AsyncWatch:
    """An endless iterator of changes, and first of tasks when a snapshot was asked for.

    Made by ``AsyncClient.watch``. It connects again and goes on by itself. No change is missed or handed out twice;
    only a snapshot that broke off starts over. Raises a BusError when the server is away for too long, or refuses:
    TokenExpired when it no longer keeps what comes next.

    A read that is cancelled, by a timeout for example, loses nothing: the next one goes on.
    """

    def __init__(self, connection: AsyncConnection, state: WatchState) -> None:
        self._connection = connection
        self._state = state
        self._patience = connection.patience()
        self._stream: AsyncStream[WatchTasksResponse] | None = None
        self._closed = False

    @property
    def resume_token(self) -> ResumeToken | None:
        """Where to go on after the item that was handed out last; None while a snapshot is incomplete."""
        return self._state.resume_token

    def __aiter__(self) -> AsyncIterator[Task | TaskChange]:
        return self

    async def __anext__(self) -> Task | TaskChange:
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

    async def _read(self) -> WatchTasksResponse:
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
        if isinstance(message, WatchTasksResponse):
            return message
        raise Unavailable("the server ended the watch", code=grpc.StatusCode.UNAVAILABLE)

    def _is_closed(self) -> bool:
        """Whether it was closed meanwhile, which type checkers do not expect."""
        return self._closed


async def async_run_states(connection: AsyncConnection, run_id: str) -> AsyncIterator[Run]:
    """A run as it is and after each change, over as many connections as patience allows, until it has ended."""
    call = watch_run(run_id)
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
