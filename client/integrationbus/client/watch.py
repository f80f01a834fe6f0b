"""Watching tasks from synchronous programs."""

from collections.abc import Iterator

import grpc

from integrationbus.client.connection import Connection, Stream
from integrationbus.client.model.errors import BusError, Unavailable
from integrationbus.client.model.resume_token import ResumeToken
from integrationbus.client.model.runs import Run
from integrationbus.client.model.tasks import Task, TaskChange
from integrationbus.client.wire.runs import watch_run
from integrationbus.client.wire.watching import WatchState
from integrationbus.v1.task_service_pb2 import WatchTasksResponse

__all__ = ["Watch", "run_states"]


class Watch:
    """An endless iterator of changes, and first of tasks when a snapshot was asked for.

    Made by ``Client.watch``. It connects again and goes on by itself. No change is missed or handed out twice; only
    a snapshot that broke off starts over. Raises a BusError when the server is away for too long, or refuses:
    TokenExpired when it no longer keeps what comes next.
    """

    def __init__(self, connection: Connection, state: WatchState) -> None:
        self._connection = connection
        self._state = state
        self._patience = connection.patience()
        self._stream: Stream[WatchTasksResponse] | None = None
        self._closed = False

    @property
    def resume_token(self) -> ResumeToken | None:
        """Where to go on after the item that was handed out last; None while a snapshot is incomplete."""
        return self._state.resume_token

    def __iter__(self) -> Iterator[Task | TaskChange]:
        return self

    def __next__(self) -> Task | TaskChange:
        while (item := self._state.next_item()) is None:
            self.receive()
            if self._closed:
                raise StopIteration
        return item

    def receive(self) -> None:
        """Take the next message in, over as many connections as patience allows; none when the watch is closed."""
        while not self._closed:
            try:
                message = self._read()
            except BusError as error:
                self._stream = None
                if not self._is_closed():
                    self._connection.wait(self._patience.delay_after(error))
                continue
            self._patience.succeeded()
            self._state.take(message)
            return

    def close(self) -> None:
        """End the watch; from another thread, this ends an iteration that waits."""
        self._closed = True
        if self._stream is not None:
            self._stream.cancel()

    def _read(self) -> WatchTasksResponse:
        if self._stream is None:
            self._stream = self._connection.stream(self._state.call())
        try:
            return next(self._stream)
        except grpc.RpcError as error:
            raise self._connection.error(error) from error
        except StopIteration:
            raise Unavailable("the server ended the watch", code=grpc.StatusCode.UNAVAILABLE) from None

    def _is_closed(self) -> bool:
        """Whether it was closed meanwhile, which type checkers do not expect."""
        return self._closed


def run_states(connection: Connection, run_id: str) -> Iterator[Run]:
    """A run as it is and after each change, over as many connections as patience allows, until it has ended."""
    call = watch_run(run_id)
    patience = connection.patience()
    while True:
        stream = connection.stream(call)
        try:
            for message in stream:
                patience.succeeded()
                yield call.read(message)
        except grpc.RpcError as error:
            connection.wait(patience.delay_after(connection.error(error)))
        else:
            return
        finally:
            stream.cancel()
