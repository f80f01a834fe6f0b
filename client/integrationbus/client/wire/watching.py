"""The state of a watch: where to start again, and how far the caller has come."""

from collections import deque
from typing import Protocol, TypeVar

from google.protobuf.message import Message

from integrationbus.client.model.resume_token import ResumeToken
from integrationbus.client.model.tasks import Task, TaskChange, TaskFilter
from integrationbus.client.wire.arguments import wrong_type
from integrationbus.client.wire.call import Call
from integrationbus.client.wire.tasks import filter_message, read_change, read_task
from integrationbus.v1 import task_pb2
from integrationbus.v1.task_service_pb2 import WatchTasksRequest, WatchTasksResponse

__all__ = ["MovingToken", "TaskWatchState", "WatchState"]

_METHOD = "/integrationbus.v1.TaskService/WatchTasks"

_Message = TypeVar("_Message", bound=Message)
_Item_co = TypeVar("_Item_co", covariant=True)


class WatchState(Protocol[_Message, _Item_co]):
    """Takes messages in, of the class ``response``, and hands items out."""

    response: type[_Message]

    @property
    def resume_token(self) -> ResumeToken | None:
        """Where to go on after the item that was handed out last; None while that cannot be said."""
        ...

    def call(self) -> Call[_Message, _Message]:
        """The call that starts the watch, or goes on with it."""
        ...

    def take(self, message: _Message) -> None:
        """Take a message in, after all items of the one before were handed out."""
        ...

    def next_item(self) -> _Item_co | None:
        """Hand out the next item; None when another message is needed."""
        ...


class MovingToken:
    """A token that moves on. Kept apart from ResumeToken, which is immutable: this moves with every change."""

    def __init__(self, since: ResumeToken | None) -> None:
        self.message: task_pb2.ResumeToken | None = None
        if since is not None:
            if not isinstance(since, ResumeToken):
                raise wrong_type("since", "a ResumeToken (ResumeToken.from_text reads one)", since)
            self.message = task_pb2.ResumeToken(store_id=since.store_id, positions=since.positions)

    @property
    def value(self) -> ResumeToken | None:
        """The token as it is now; None before the first move."""
        return None if self.message is None else ResumeToken(self.message.store_id, dict(self.message.positions))

    def move(self, token: task_pb2.ResumeToken) -> None:
        """Merge a token in; an empty one says nothing."""
        if not token.positions:
            return
        if self.message is None:
            self.message = task_pb2.ResumeToken()
        self.message.MergeFrom(token)


class TaskWatchState:
    """The state of a watch of tasks; the token is exact after each item.

    Raises ValueError when both starts are asked for.
    """

    response = WatchTasksResponse

    def __init__(self, task_filter: TaskFilter, *, since: ResumeToken | None, snapshot: bool) -> None:
        if since is not None and snapshot:
            raise ValueError("a watch starts from a resume token or with a snapshot, not with both")
        self._filter = filter_message(task_filter)
        self._snapshot = snapshot
        self._token = MovingToken(since)
        self._items: deque[Task | TaskChange] = deque()
        self._newest = task_pb2.ResumeToken()

    @property
    def resume_token(self) -> ResumeToken | None:
        """Where to go on after the item that was handed out last; None while a snapshot is incomplete."""
        return self._token.value

    def call(self) -> Call[WatchTasksResponse, WatchTasksResponse]:
        """See ``WatchState.call``."""
        request = WatchTasksRequest(filter=self._filter)
        if self._token.message is not None:
            request.resume_token.CopyFrom(self._token.message)
        elif self._snapshot:
            request.snapshot = True
        return Call(_METHOD, request, self.response, lambda response: response)

    def take(self, message: WatchTasksResponse) -> None:
        """See ``WatchState.take``."""
        self._items.extend(read_task(task) for task in message.snapshot.tasks)
        self._items.extend(read_change(change) for change in message.changes.changes)
        self._newest = message.resume_token
        self._catch_up()

    def next_item(self) -> Task | TaskChange | None:
        """See ``WatchState.next_item``."""
        if not self._items:
            return None
        item = self._items.popleft()
        if isinstance(item, TaskChange):
            positions = {item.connector: item.position}
            self._token.move(task_pb2.ResumeToken(store_id=self._newest.store_id, positions=positions))
        self._catch_up()
        return item

    def _catch_up(self) -> None:
        """What a message's token says beyond its items holds as soon as all of them were handed out."""
        if not self._items:
            self._token.move(self._newest)
