"""Streaming tasks from synchronous programs."""

import threading
from collections.abc import Callable, Iterator

import grpc

from integrationbus.client.connection import Connection, Stream
from integrationbus.client.model.errors import BusError, Cancelled, Unavailable
from integrationbus.client.model.log_streams import RejectedTask, StreamProgress
from integrationbus.client.model.tasks import NewTask
from integrationbus.client.wire.log_streaming import LOG_TASK_STREAM, LogStreamState
from integrationbus.client.wire.stream_figures import StreamFigures
from integrationbus.v1.task_service_pb2 import LogTaskStreamResponse

__all__ = ["LogStream"]


class LogStream(StreamFigures):
    """Sends tasks in their order and keeps them until they are settled. Made by ``Client.log_stream``.

    It connects again and goes on by itself, without losing or repeating a task. Safe to use from several threads. The
    callbacks are called on a thread of its own; an exception that leaves one ends the stream.
    """

    def __init__(
        self,
        connection: Connection,
        state: LogStreamState,
        on_rejected: Callable[[RejectedTask], object] | None,
        on_settled: Callable[[StreamProgress], object] | None,
    ) -> None:
        super().__init__(state)
        self._connection = connection
        self._on_rejected = on_rejected
        self._on_settled = on_settled
        self._patience = connection.patience()
        self._changed = threading.Condition()
        self._call: Stream[LogTaskStreamResponse] | None = None
        self._calls = 0
        self._error: Exception | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="log stream", daemon=True)

    def open(self) -> None:
        """Connect, and wait until the server has said where the stream stands."""
        self._thread.start()
        self._wait_for(lambda: self._state.is_open)

    def send(self, task: NewTask) -> None:
        """Send a task; blocks while too many are not settled.

        Raises TypeError or ValueError for a task that cannot travel, and the BusError that has ended the stream.
        """
        with self._changed:
            self._wait_for(lambda: not self._state.is_full)
            self._state.add(task)
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until every task is settled. Raises the BusError that has ended the stream."""
        self._wait_for(lambda: self._state.is_settled)

    def close(self) -> None:
        """End the stream; whether tasks that are not settled will be stored is open."""
        with self._changed:
            self._closed = True
            self._end_call()
        if self._thread is not threading.current_thread() and self._thread.ident is not None:
            self._thread.join()

    def _wait_for(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._error or self._closed or condition())
            if self._error:
                raise self._error
            if self._closed:
                raise Cancelled("the stream is closed", code=grpc.StatusCode.CANCELLED)

    def _run(self) -> None:
        """Receive, over as many connections as patience allows."""
        try:
            while not self._closed:
                try:
                    self._receive()
                except BusError as error:
                    self._wait(error)
        except Exception as error:  # noqa: BLE001 - whatever the fault is, the producer must hear of it
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _receive(self) -> None:
        with self._changed:
            if self._closed:
                return
            self._calls += 1
            requests = self._requests(self._calls, self._state.start())
            self._call = call = self._connection.converse(LOG_TASK_STREAM, requests, LogTaskStreamResponse)
        try:
            for message in call:
                self._take(message)
            raise Unavailable("the server ended the stream", code=grpc.StatusCode.UNAVAILABLE)
        except grpc.RpcError as error:
            raise self._connection.error(error) from error
        finally:
            with self._changed:
                self._end_call()

    def _take(self, message: LogTaskStreamResponse) -> None:
        with self._changed:
            news = self._state.take(message)
            self._changed.notify_all()
        if news is not None or self._state.is_settled:
            self._patience.succeeded()
        if isinstance(news, RejectedTask) and self._on_rejected is not None:
            self._on_rejected(news)
        if isinstance(news, StreamProgress) and self._on_settled is not None:
            self._on_settled(news)

    def _requests(self, call: int, start: bytes) -> Iterator[bytes]:
        """What is to be sent over a call until another one takes its place."""
        yield start
        while (request := self._next_request(call)) is not None:
            yield request

    def _next_request(self, call: int) -> bytes | None:
        with self._changed:
            while call == self._calls:
                if (request := self._state.next_request()) is not None:
                    return request
                self._changed.wait()
            return None

    def _end_call(self) -> None:
        self._calls += 1
        self._changed.notify_all()
        if self._call is not None:
            self._call.cancel()

    def _wait(self, error: BusError) -> None:
        """Wait before the next connection. Raises the error when there will be none."""
        with self._changed:
            if not self._closed:
                self._changed.wait_for(lambda: self._closed, self._patience.delay_after(error))
