"""Watching tasks from synchronous programs."""

from collections.abc import Callable, Iterator
from typing import Protocol

import grpc
from google.protobuf.message import Message

from integrationbus.client.model.errors import BusError
from integrationbus.client.model.resume_token import ResumeToken
from integrationbus.client.model.tasks import Task, TaskChange
from integrationbus.client.wire.call import Call
from integrationbus.client.wire.patience import Patience
from integrationbus.client.wire.watching import WatchState
from integrationbus.v1 import task_service_pb2

__all__ = ["Stream", "Watch"]


class Stream(Protocol):
    """A stream of messages that can be ended from outside."""

    def __iter__(self) -> Iterator[Message]: ...
    def __next__(self) -> Message: ...
    def cancel(self) -> bool:
        """End the stream."""
        ...


class Watch:
    """An endless iterator of changes, and first of tasks when a snapshot was asked for.

    Made by ``Client.watch``. Ends with a BusError when the server cannot be reached for too long, or refuses.
    """

    def __init__(
        self,
        state: WatchState,
        *,
        open_stream: Callable[[Call[task_service_pb2.WatchTasksResponse]], Stream],
        read_error: Callable[[grpc.RpcError], BusError],
        patience: Patience,
        sleep: Callable[[float], object],
    ) -> None:
        self._state = state
        self._open = open_stream
        self._read_error = read_error
        self._patience = patience
        self._sleep = sleep
        self._stream: Stream | None = None
        self._closed = False

    @property
    def resume_token(self) -> ResumeToken | None:
        """Where to go on after the item that was handed out last; None in the middle of a snapshot."""
        return self._state.resume_token

    def __iter__(self) -> Iterator[Task | TaskChange]:
        while not self._closed:
            yield from self._state.items()
            self._take_next()

    def establish(self) -> None:
        """Wait for the server's first message: from then on nothing is missed."""
        self._take_next()

    def close(self) -> None:
        """End the watch; from another thread, it ends an iteration that waits."""
        self._closed = True
        if self._stream is not None:
            self._stream.cancel()

    def _take_next(self) -> None:
        """Take the next message in; open the stream, or open it again, as often as patience allows."""
        while not self._closed:
            try:
                if self._stream is None:
                    self._stream = self._open(self._state.call())
                message = next(self._stream)
            except grpc.RpcError as error:
                self._stream = None
                if self._is_closed():
                    return
                self._sleep(self._patience.delay_after(self._read_error(error)))
                continue
            assert isinstance(message, task_service_pb2.WatchTasksResponse)
            self._patience.succeeded()
            self._state.take(message)
            return

    def _is_closed(self) -> bool:
        return self._closed
