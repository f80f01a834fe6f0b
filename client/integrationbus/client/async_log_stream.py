"""Streaming tasks from asyncio programs."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import grpc

from integrationbus.client.async_connection import AsyncConnection, AsyncConversation
from integrationbus.client.model.errors import BusError, Cancelled, Unavailable
from integrationbus.client.model.log_streams import RejectedTask, StreamProgress
from integrationbus.client.model.tasks import NewTask
from integrationbus.client.wire.log_streaming import LOG_TASK_STREAM, LogStreamState
from integrationbus.client.wire.stream_figures import StreamFigures
from integrationbus.v1.task_service_pb2 import LogTaskStreamResponse

__all__ = ["AsyncLogStream"]

# What gRPC puts in the place of a status that comes while a request is written (grpc/grpc#36066).
_LOST_STATUS = "Internal error from Core"


class AsyncLogStream(StreamFigures):
    """Sends tasks in their order and keeps them until they are settled. Made by ``AsyncClient.log_stream``.

    It connects again and goes on by itself, without losing or repeating a task. An exception that leaves a callback
    ends the stream.
    """

    def __init__(
        self,
        connection: AsyncConnection,
        state: LogStreamState,
        on_rejected: Callable[[RejectedTask], object] | None,
        on_settled: Callable[[StreamProgress], object] | None,
    ) -> None:
        super().__init__(state)
        self._connection = connection
        self._on_rejected = on_rejected
        self._on_settled = on_settled
        self._patience = connection.patience()
        self._added = asyncio.Event()
        self._changed = asyncio.Event()
        self._error: Exception | None = None
        self._running: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect, and wait until the server has said where the stream stands."""
        self._running = asyncio.create_task(self._run())
        await self._wait_for(lambda: self._state.is_open)

    async def send(self, task: NewTask) -> None:
        """Send a task; waits while too many are not settled.

        Raises TypeError or ValueError for a task that cannot travel, and the BusError that has ended the stream.
        """
        await self._wait_for(lambda: not self._state.is_full)
        self._state.add(task)
        self._added.set()

    async def flush(self) -> None:
        """Wait until every task is settled. Raises the BusError that has ended the stream."""
        await self._wait_for(lambda: self._state.is_settled)

    async def close(self) -> None:
        """End the stream; whether tasks that are not settled will be stored is open."""
        self._end(Cancelled("the stream is closed", code=grpc.StatusCode.CANCELLED))
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def _wait_for(self, condition: Callable[[], bool]) -> None:
        while self._error is None and not condition():
            self._changed.clear()
            await self._changed.wait()
        if self._error is not None:
            raise self._error

    async def _run(self) -> None:
        """Receive, over as many connections as patience allows."""
        try:
            while True:
                try:
                    await self._receive()
                except BusError as error:
                    await self._connection.wait(self._patience.delay_after(error))
        except Exception as error:  # noqa: BLE001 - whatever the fault is, the producer must hear of it
            self._end(error)

    async def _receive(self) -> None:
        call = self._connection.converse(LOG_TASK_STREAM, LogTaskStreamResponse)
        sending = asyncio.create_task(self._send_to(call, self._state.start()))
        ending = asyncio.create_task(_end_of(call))
        try:
            while isinstance(message := await call.read(), LogTaskStreamResponse):
                self._take(message)
            raise Unavailable("the server ended the stream", code=grpc.StatusCode.UNAVAILABLE)
        except grpc.aio.AioRpcError:
            error = await ending
            if error.details() == _LOST_STATUS:
                raise Unavailable("the stream broke", code=grpc.StatusCode.UNAVAILABLE) from error
            raise self._connection.error(error) from error
        except asyncio.CancelledError:
            # gRPC raises the same when its channel is closed as when the stream is.
            self._end(Cancelled("the client is closed", code=grpc.StatusCode.CANCELLED))
            raise
        finally:
            sending.cancel()
            ending.cancel()
            call.cancel()

    async def _send_to(self, call: "AsyncConversation[LogTaskStreamResponse]", start: bytes) -> None:
        # What ends the call is read from it, in another place.
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await call.write(start)
            while True:
                while (request := self._state.next_request()) is None:
                    self._added.clear()
                    await self._added.wait()
                await call.write(request)

    def _take(self, message: LogTaskStreamResponse) -> None:
        news = self._state.take(message)
        if message.HasField("opened"):
            self._added.set()
        self._changed.set()
        if news is not None or self._state.is_settled:
            self._patience.succeeded()
        if isinstance(news, RejectedTask) and self._on_rejected is not None:
            self._on_rejected(news)
        if isinstance(news, StreamProgress) and self._on_settled is not None:
            self._on_settled(news)

    def _end(self, error: Exception) -> None:
        self._error = self._error or error
        self._changed.set()


async def _end_of(call: "AsyncConversation[LogTaskStreamResponse]") -> grpc.aio.AioRpcError:
    """How a call ends; awaited from its beginning, mostly before gRPC loses the status."""
    code, details, trailing = await call.code(), await call.details(), await call.trailing_metadata()
    metadata = grpc.aio.Metadata()
    return grpc.aio.AioRpcError(code, metadata, grpc.aio.Metadata.from_tuple(tuple(trailing)), details)
