"""The state of a watch: where to start again, and how far the caller has come."""

from collections import deque

from integrationbus.client.model.resume_token import ResumeToken
from integrationbus.client.model.tasks import Task, TaskChange, TaskFilter
from integrationbus.client.wire.call import Call
from integrationbus.client.wire.tasks import filter_message, read_change, read_task
from integrationbus.v1 import task_pb2
from integrationbus.v1.task_service_pb2 import WatchTasksRequest, WatchTasksResponse

__all__ = ["WatchState"]

_METHOD = "/integrationbus.v1.TaskService/WatchTasks"


class WatchState:
    """Takes messages in and hands items out; the token is exact after each item.

    Raises ValueError when both starts are asked for.
    """

    def __init__(self, task_filter: TaskFilter, *, since: ResumeToken | None, snapshot: bool) -> None:
        if since is not None and snapshot:
            raise ValueError("a watch starts from a resume token or with a snapshot, not with both")
        self._filter = filter_message(task_filter)
        self._snapshot = snapshot
        # Kept apart from ResumeToken, which is immutable: this moves with every change.
        self._token = None if since is None else _token_message(since)
        self._items: deque[Task | TaskChange] = deque()
        self._newest = task_pb2.ResumeToken()

    @property
    def resume_token(self) -> ResumeToken | None:
        """Where to go on after the item that was handed out last; None while a snapshot is incomplete."""
        return None if self._token is None else ResumeToken(self._token.store_id, dict(self._token.positions))

    def call(self) -> Call[WatchTasksResponse, WatchTasksResponse]:
        """The call that starts the watch, or goes on with it."""
        request = WatchTasksRequest(filter=self._filter)
        if self._token is not None:
            request.resume_token.CopyFrom(self._token)
        elif self._snapshot:
            request.snapshot = True
        return Call(_METHOD, request, WatchTasksResponse, lambda response: response)

    def take(self, message: WatchTasksResponse) -> None:
        """Take a message in, after all items of the one before were handed out."""
        self._items.extend(read_task(task) for task in message.snapshot.tasks)
        self._items.extend(read_change(change) for change in message.changes.changes)
        self._newest = message.resume_token
        self._catch_up()

    def next_item(self) -> Task | TaskChange | None:
        """Hand out the next item; None when another message is needed."""
        if not self._items:
            return None
        item = self._items.popleft()
        if isinstance(item, TaskChange):
            positions = {item.connector: item.position}
            self._move(task_pb2.ResumeToken(store_id=self._newest.store_id, positions=positions))
        self._catch_up()
        return item

    def _catch_up(self) -> None:
        """What a message's token says beyond its items holds as soon as all of them were handed out."""
        if not self._items and self._newest.positions:
            self._move(self._newest)

    def _move(self, token: task_pb2.ResumeToken) -> None:
        if self._token is None:
            self._token = task_pb2.ResumeToken()
        self._token.MergeFrom(token)


def _token_message(token: ResumeToken) -> task_pb2.ResumeToken:
    return task_pb2.ResumeToken(store_id=token.store_id, positions=token.positions)
