"""A stream of tasks as the messages of its call."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing

from integrationbus.server.errors import ConnectorNotFound, FieldProblem, InvalidRequest, StreamOutOfOrder
from integrationbus.server.log_streams import StreamRejection
from integrationbus.server.reads import Reads
from integrationbus.server.rpc.checks import check_text, invalid
from integrationbus.server.rpc.errors import to_refusal
from integrationbus.server.rpc.log_stream import WINDOW, LogStream, StreamAnswer
from integrationbus.server.rpc.open_streams import OpenStreams
from integrationbus.server.rpc.receipts import write_logged, write_token
from integrationbus.server.task import NewTask
from integrationbus.v1.task_pb2 import TaskSpec
from integrationbus.v1.task_service_pb2 import (
    LogStreamOpened,
    LogStreamRejection,
    LogStreamStart,
    LogTaskStreamRequest,
    LogTaskStreamResponse,
    TaskRefusal,
)

__all__ = ["Check", "LogStreaming"]

_MAX_TASKS_PER_MESSAGE = 64
"""With this many a message costs next to nothing, and the event loop still checks them in one go."""

# Below this, checking takes the event loop less than the way to a thread and back costs throughput.
_LARGE_TASK_BYTES = 256 * 1024

Check = Callable[[TaskSpec], NewTask]
"""Checks a task. Raises ConnectorNotFound, or an InvalidRequest with paths within the task."""


class LogStreaming:
    """Holds the conversations of LogTaskStream."""

    def __init__(self, streams: OpenStreams, reads: Reads, store_id: str) -> None:
        self._streams = streams
        self._reads = reads
        self._store_id = store_id

    async def converse(
        self, creator: str, check: Check, requests: AsyncIterator[LogTaskStreamRequest]
    ) -> AsyncGenerator[LogTaskStreamResponse, None]:
        """Answer the requests of one connection."""
        start = await _start_of(requests)
        async with self._streams.open(creator, start.stream_id, start.settled_number) as (stream, unheard):
            opened = LogStreamOpened(
                settled_number=stream.settled_number, window=WINDOW, max_tasks_per_message=_MAX_TASKS_PER_MESSAGE
            )
            yield LogTaskStreamResponse(opened=opened)
            for answer in unheard:
                yield _message(answer, self._store_id)
            reading = asyncio.create_task(_Reader(self._reads, stream, check).read(requests))
            try:
                async with aclosing(stream.answers()) as answers:
                    async for answer in answers:
                        yield _message(answer, self._store_id)
            finally:
                reading.cancel()


class _Reader:
    """Takes what the caller sends, as fast as the stream has room for it."""

    def __init__(self, reads: Reads, stream: LogStream, check: Check) -> None:
        self._reads = reads
        self._stream = stream
        self._check = check

    async def read(self, requests: AsyncIterator[LogTaskStreamRequest]) -> None:
        """Read until the caller or the stream ends; whatever fails ends the stream."""
        stream = self._stream
        try:
            async for request in requests:
                step = request.WhichOneof("step")
                is_small = request.ByteSize() < _LARGE_TASK_BYTES
                for number, spec in _entries_of(request, step):
                    if not stream.is_repeated(number, f"{step}.number"):
                        checked = self._checked(number, spec) if is_small else await self._checked_aside(number, spec)
                        stream.take(number, checked)
                    if not stream.has_room:
                        await stream.room()
                    if stream.is_ended:
                        return
        except Exception as error:  # noqa: BLE001 - whatever the fault is, the caller must hear of it
            stream.end(error)
        else:
            stream.end()

    async def _checked_aside(self, number: int, spec: TaskSpec) -> NewTask | StreamRejection:
        """As ``_checked``, on a thread if the task is large."""
        if spec.ByteSize() < _LARGE_TASK_BYTES:
            return self._checked(number, spec)
        return await self._reads(lambda: self._checked(number, spec))

    def _checked(self, number: int, spec: TaskSpec) -> NewTask | StreamRejection:
        try:
            return self._check(spec)
        except (InvalidRequest, ConnectorNotFound) as error:
            refusal = to_refusal(error)
            return StreamRejection(
                number=number,
                code=refusal.code,
                reason=refusal.reason,
                message=refusal.message,
                field_path=refusal.field_path,
            )


async def _start_of(requests: AsyncIterator[LogTaskStreamRequest]) -> LogStreamStart:
    """The first message. Raises InvalidField or StreamOutOfOrder."""
    first = await anext(requests, LogTaskStreamRequest())
    if first.WhichOneof("step") != "start":
        raise StreamOutOfOrder(FieldProblem("start", "is required in the first message"))
    check_text("start.stream_id", first.start.stream_id, 64, required=True)
    if first.start.settled_number < 0:
        raise invalid("start.settled_number", "must not be negative")
    return first.start


def _entries_of(request: LogTaskStreamRequest, step: str | None) -> Iterable[tuple[int, TaskSpec]]:
    """The tasks of a message with their numbers. Raises InvalidField or StreamOutOfOrder."""
    match step:
        case "entry":
            return ((request.entry.number, request.entry.task),)
        case "entries":
            tasks = request.entries.tasks
            if not 1 <= len(tasks) <= _MAX_TASKS_PER_MESSAGE:
                raise invalid("entries.tasks", f"has {len(tasks)} tasks, 1 to {_MAX_TASKS_PER_MESSAGE} are allowed")
            return enumerate(tasks, request.entries.number)
        case _:
            raise StreamOutOfOrder(FieldProblem("entry", "or entries is required in every message but the first"))


def _message(answer: StreamAnswer, store_id: str) -> LogTaskStreamResponse:
    if isinstance(answer, StreamRejection):
        refusal = TaskRefusal(
            code=answer.code, reason=answer.reason, message=answer.message, field_path=answer.field_path
        )
        return LogTaskStreamResponse(rejection=LogStreamRejection(number=answer.number, refusal=refusal))
    response = LogTaskStreamResponse()
    response.ack.number = answer.number
    for task in answer.tasks:
        write_logged(response.ack.tasks.add(), task)
    write_token(response.ack.resume_token, answer.tasks, store_id)
    return response
