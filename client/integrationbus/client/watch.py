"""Watching from synchronous programs."""

from collections.abc import Iterator
from typing import Generic, TypeVar

import grpc
from google.protobuf.message import Message

from integrationbus.client.connection import Connection, Stream
from integrationbus.client.model.errors import BusError, Unavailable
from integrationbus.client.model.objects import ObjectChange
from integrationbus.client.model.resume_token import ResumeToken
from integrationbus.client.model.tasks import Task, TaskChange
from integrationbus.client.wire.call import Call
from integrationbus.client.wire.watching import WatchState
from integrationbus.v1.object_service_pb2 import WatchObjectsResponse
from integrationbus.v1.task_service_pb2 import WatchTasksResponse

__all__ = ["ObjectWatch", "Watch", "latest"]

_Message = TypeVar("_Message", bound=Message)
_Item = TypeVar("_Item")


class _ResumingWatch(Generic[_Message, _Item]):
    """An endless iterator that connects again and goes on by itself."""

    def __init__(self, connection: Connection, state: WatchState[_Message, _Item]) -> None:
        self._connection = connection
        self._state = state
        self._patience = connection.patience()
        self._stream: Stream[_Message] | None = None
        self._closed = False

    @property
    def resume_token(self) -> ResumeToken | None:
        """Where to go on after the item that was handed out last; None while that cannot be said."""
        return self._state.resume_token

    def __iter__(self) -> Iterator[_Item]:
        return self

    def __next__(self) -> _Item:
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

    def _read(self) -> _Message:
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


class Watch(_ResumingWatch[WatchTasksResponse, Task | TaskChange]):
    """An endless iterator of changes, and first of tasks when a snapshot was asked for.

    Made by ``Client.watch``. It connects again and goes on by itself. No change is missed or handed out twice; only
    a snapshot that broke off starts over. Raises a BusError when the server is away for too long, or refuses:
    TokenExpired when it no longer keeps what comes next. The token is None while a snapshot is incomplete.
    """


class ObjectWatch(_ResumingWatch[WatchObjectsResponse, ObjectChange]):
    """An endless iterator of changes of objects.

    Made by ``Client.watch_objects``. It connects again and goes on by itself. No change is missed or handed out twice.
    Raises as ``Watch`` does. The token moves on when all changes of a message were handed out: a new watch from one
    taken before may repeat some.
    """


def latest(connection: Connection, call: Call[_Message, _Item]) -> Iterator[_Item]:
    """What a stream tells of the present, over as many connections as patience allows, until the server ends it.

    Each connection begins with the state as it is then.
    """
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
