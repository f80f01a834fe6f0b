"""LogTaskStream as a caller without a client sees it."""

from collections.abc import Sequence

import grpc

from integrationbus.v1.task_pb2 import TaskSpec
from integrationbus.v1.task_service_pb2 import (
    LogStreamEntries,
    LogStreamEntry,
    LogStreamOpened,
    LogStreamStart,
    LogTaskStreamRequest,
    LogTaskStreamResponse,
)
from support.served import Served

__all__ = ["RawStream", "entries", "entry", "start"]


def start(stream_id: str = "s", settled_number: int = 0) -> LogTaskStreamRequest:
    """The request that opens a stream."""
    return LogTaskStreamRequest(start=LogStreamStart(stream_id=stream_id, settled_number=settled_number))


def entry(number: int, task: TaskSpec) -> LogTaskStreamRequest:
    """The request with a task."""
    return LogTaskStreamRequest(entry=LogStreamEntry(number=number, task=task))


def entries(number: int, tasks: Sequence[TaskSpec]) -> LogTaskStreamRequest:
    """The request with several tasks, the first of which has the number."""
    return LogTaskStreamRequest(entries=LogStreamEntries(number=number, tasks=tasks))


class RawStream:
    """One connection to a stream."""

    def __init__(self, served: Served, application: str = "tests") -> None:
        self._call: grpc.aio.StreamStreamCall[LogTaskStreamRequest, LogTaskStreamResponse]
        self._call = served.tasks.LogTaskStream(metadata=[("integrationbus-application", application)])
        self.rejected: list[int] = []
        """The numbers of the rejections so far."""
        self.stored: list[str] = []
        """The ids of the tasks that were acknowledged so far."""

    async def write(self, *requests: LogTaskStreamRequest) -> None:
        """Send requests."""
        for request in requests:
            await self._call.write(request)

    async def open(self, stream_id: str = "s", settled_number: int = 0) -> LogStreamOpened:
        """Open a stream, and return what the server says to that."""
        await self.write(start(stream_id, settled_number))
        return (await self.read()).opened

    async def send(self, first: int, tasks: Sequence[TaskSpec]) -> None:
        """Send tasks with numbers from ``first`` on."""
        await self.write(*(entry(number, task) for number, task in enumerate(tasks, first)))

    async def read(self) -> LogTaskStreamResponse:
        """The next answer."""
        answer = await self._call.read()
        assert isinstance(answer, LogTaskStreamResponse), "the stream has ended"
        return answer

    async def settled(self, number: int) -> None:
        """Read until everything up to a number is settled."""
        acknowledged = 0
        while acknowledged < number:
            answer = await self.read()
            if answer.HasField("rejection"):
                assert answer.rejection.number > acknowledged
                self.rejected.append(answer.rejection.number)
            else:
                assert answer.ack.number > acknowledged
                acknowledged = answer.ack.number
                self.stored += [task.id for task in answer.ack.tasks]

    async def rest(self) -> int:
        """Say that there is no more, and read to the end; returns the last number that was acknowledged."""
        await self._call.done_writing()
        number = 0
        while isinstance(answer := await self._call.read(), LogTaskStreamResponse):
            number = max(number, answer.ack.number)
        return number

    def cancel(self) -> None:
        """Break the connection."""
        self._call.cancel()
