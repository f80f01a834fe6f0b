"""The state of a watch: where to start again, and how far the caller has come."""

from collections import deque
from collections.abc import Iterator

from integrationbus.client.model.resume_token import ResumeToken
from integrationbus.client.model.tasks import Task, TaskChange, TaskFilter
from integrationbus.client.wire.call import Call
from integrationbus.client.wire.tasks import filter_message, read_change, read_task, read_token
from integrationbus.v1 import task_pb2, task_service_pb2

__all__ = ["WatchState"]

_METHOD = "/integrationbus.v1.TaskService/WatchTasks"


class WatchState:
    """Takes messages in and hands items out, with an exact token after each.

    A snapshot that breaks off starts over, so its tasks may be handed out again; changes never are.
    """

    def __init__(self, task_filter: TaskFilter, *, since: ResumeToken | None, snapshot: bool) -> None:
        if since is not None and snapshot:
            raise ValueError("a watch starts from a resume token or with a snapshot, not both")
        self._filter = filter_message(task_filter)
        self._snapshot = snapshot
        self._items: deque[tuple[Task | TaskChange | None, ResumeToken | None]] = deque()
        self.resume_token = since

    def call(self) -> Call[task_service_pb2.WatchTasksResponse]:
        """The call that starts or resumes the watch."""
        self._items.clear()
        request = task_service_pb2.WatchTasksRequest(filter=self._filter)
        if self.resume_token is not None:
            request.resume_token.CopyFrom(
                task_pb2.ResumeToken(store_id=self.resume_token.store_id, positions=self.resume_token.positions)
            )
        elif self._snapshot:
            request.snapshot = True
        return Call(_METHOD, request, task_service_pb2.WatchTasksResponse, lambda response: response)

    def take(self, message: task_service_pb2.WatchTasksResponse) -> None:
        """Take a message in."""
        for task in message.snapshot.tasks:
            self._items.append((read_task(task), None))
        for change in message.changes.changes:
            token = ResumeToken(message.resume_token.store_id, {change.connector: change.position})
            self._items.append((read_change(change), token))
        # What the message says beyond its changes counts once all of them were handed out.
        if message.resume_token.positions:
            self._items.append((None, read_token(message.resume_token)))
        self._advance()

    def items(self) -> Iterator[Task | TaskChange]:
        """Hand out what was taken in."""
        while self._items:
            item, token = self._items.popleft()
            self._move(token)
            self._advance()
            if item is not None:
                yield item

    def _advance(self) -> None:
        """Move on over what is not handed out."""
        while self._items and self._items[0][0] is None:
            self._move(self._items.popleft()[1])

    def _move(self, token: ResumeToken | None) -> None:
        if token is not None:
            self.resume_token = token if self.resume_token is None else self.resume_token.merge(token)
