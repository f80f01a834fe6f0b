"""The state of a stream of tasks: what is not settled, and what is to be sent next."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Final

import grpc

from integrationbus.client.model.errors import PreconditionFailed
from integrationbus.client.model.log_streams import RejectedTask, StreamedTasks, StreamProgress
from integrationbus.client.model.resume_token import ResumeToken
from integrationbus.client.model.tasks import NewTask
from integrationbus.client.wire.arguments import wrong_type
from integrationbus.client.wire.results import earliest_token
from integrationbus.client.wire.sizes import sized
from integrationbus.client.wire.tasks import read_refusal, read_token, task_spec
from integrationbus.v1.task_pb2 import TaskSpec
from integrationbus.v1.task_service_pb2 import (
    LogStreamAck,
    LogStreamOpened,
    LogStreamRejection,
    LogStreamStart,
    LogTaskStreamRequest,
    LogTaskStreamResponse,
)

__all__ = ["LOG_TASK_STREAM", "LogStreamState"]

LOG_TASK_STREAM: Final = "/integrationbus.v1.TaskService/LogTaskStream"

_MAX_BYTES: Final = 8 * 1024 * 1024
_MAX_MESSAGE_BYTES: Final = 256 * 1024


class LogStreamState:
    """Keeps tasks until they are settled, over any number of connections. Requests are bytes, ready to be sent."""

    def __init__(self, stream_id: str) -> None:
        self.stream_id = stream_id
        self.is_open = False
        """Whether a server has said where the stream stands; before, nothing can be added."""
        self.settled_number = 0
        self.next_number = 1
        """The number that the next task gets."""
        self.rejected = 0
        self._first_settled = 0
        self._rejected_here = 0
        self._newest_rejection = 0
        self._unheard_number = 0
        self._window = 0
        self._tasks_per_message = 1
        self._unsettled: deque[TaskSpec] = deque()
        self._unsettled_bytes = 0
        self._unsent: deque[TaskSpec] = deque()
        self._may_send = False
        self._token: ResumeToken | None = None

    @property
    def logged(self) -> int:
        """How many tasks were stored since the stream was opened."""
        return self.settled_number - self._first_settled - self._rejected_here

    @property
    def is_full(self) -> bool:
        """Whether a settlement has to come before another task."""
        return len(self._unsettled) >= self._window or self._unsettled_bytes >= _MAX_BYTES

    @property
    def is_settled(self) -> bool:
        """Whether every task is settled, and all is heard of what was settled before the connection."""
        return not self._unsettled and not self._unheard_number

    @property
    def progress(self) -> StreamProgress:
        """How far it has come."""
        return StreamProgress(settled_number=self.settled_number, logged=self.logged, rejected=self.rejected)

    @property
    def result(self) -> StreamedTasks:
        """What became of it so far."""
        return StreamedTasks(
            stream_id=self.stream_id,
            settled_number=self.settled_number,
            logged=self.logged,
            rejected=self.rejected,
            resume_token=self._token,
        )

    def add(self, task: NewTask) -> None:
        """Take the next task in. Raises TypeError or ValueError, naming its number, for one that cannot travel."""
        if not isinstance(task, NewTask):
            raise wrong_type(f"task {self.next_number}", "NewTask", task)
        try:
            spec, size = sized(task_spec(task))
        except (TypeError, ValueError) as error:
            raise type(error)(f"task {self.next_number}: {error}") from error
        self.next_number += 1
        self._unsettled.append(spec)
        self._unsent.append(spec)
        self._unsettled_bytes += size

    def start(self) -> bytes:
        """The first request of a connection; there are no more before its answer was taken in."""
        self._may_send = False
        start = LogStreamStart(stream_id=self.stream_id, settled_number=self.settled_number)
        return LogTaskStreamRequest(start=start).SerializeToString()

    def next_request(self) -> bytes | None:
        """The next request of the connection, with all that waits and fits; None when there is nothing to send."""
        if not (self._unsent and self._may_send):
            return None
        request = LogTaskStreamRequest()
        number = self.next_number - len(self._unsent)
        tasks = self._next_tasks()
        if len(tasks) == 1:
            request.entry.number = number
            request.entry.task.CopyFrom(tasks[0])
        else:
            request.entries.number = number
            request.entries.tasks.extend(tasks)
        return request.SerializeToString()

    def _next_tasks(self) -> list[TaskSpec]:
        tasks = [self._unsent.popleft()]
        size = tasks[0].ByteSize()
        while self._unsent and len(tasks) < self._tasks_per_message:
            size += self._unsent[0].ByteSize()
            if size > _MAX_MESSAGE_BYTES:
                break
            tasks.append(self._unsent.popleft())
        return tasks

    def take(self, message: LogTaskStreamResponse) -> RejectedTask | StreamProgress | None:
        """Take an answer in; returns what is news to the producer.

        Raises PreconditionFailed when somebody else has moved the stream on.
        """
        match message.WhichOneof("content"):
            case "opened":
                self._take_opened(message.opened)
            case "ack":
                return self._take_ack(message.ack)
            case "rejection":
                return self._take_rejection(message.rejection)
        return None

    @contextmanager
    def noting_failure(self) -> Iterator[None]:
        """Let whatever fails, be it the stream or its producer, say how far the stream has come."""
        try:
            yield
        except Exception as error:
            if self.is_open:
                error.add_note(f"the stream {self.stream_id!r} is settled up to task {self.settled_number}")
            raise

    def _take_opened(self, opened: LogStreamOpened) -> None:
        # Rejections follow, and then an acknowledgement up to here.
        self._unheard_number = opened.settled_number if opened.settled_number > self.settled_number else 0
        if not self.is_open:
            self.settled_number = self._first_settled = opened.settled_number
            self.next_number = opened.settled_number + 1
            self.is_open = True
        # What is settled beyond what was heard is acknowledged next; it need not be sent again.
        settled_unheard = opened.settled_number - self.settled_number
        if not 0 <= settled_unheard <= len(self._unsettled):
            raise PreconditionFailed(
                f"the stream {self.stream_id!r} is settled up to {opened.settled_number}, which this producer has not "
                "sent: another one uses it",
                code=grpc.StatusCode.ABORTED,
                reason="STREAM_OUT_OF_ORDER",
            )
        self._window = max(opened.window, 1)
        self._tasks_per_message = opened.max_tasks_per_message
        self._unsent = deque(islice(self._unsettled, settled_unheard, None))
        self._may_send = True

    def _take_ack(self, ack: LogStreamAck) -> StreamProgress:
        while self.settled_number < ack.number and self._unsettled:
            self._unsettled_bytes -= self._unsettled.popleft().ByteSize()
            self.settled_number += 1
        if ack.number >= self._unheard_number:
            self._unheard_number = 0
        if ack.tasks:
            token = read_token(ack.resume_token)
            self._token = token if self._token is None else earliest_token(self._token, token)
        return self.progress

    def _take_rejection(self, rejection: LogStreamRejection) -> RejectedTask | None:
        if rejection.number <= self._newest_rejection:
            return None
        self._newest_rejection = rejection.number
        self.rejected += 1
        self._rejected_here += rejection.number > self._first_settled
        return RejectedTask(number=rejection.number, refusal=read_refusal(rejection.refusal))
