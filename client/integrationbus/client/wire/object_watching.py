"""The state of a watch of objects."""

from collections import deque
from collections.abc import Iterable

from integrationbus.client.model.objects import ObjectChange
from integrationbus.client.model.resume_token import ResumeToken
from integrationbus.client.wire.arguments import texts
from integrationbus.client.wire.call import Call
from integrationbus.client.wire.objects import read_object_change
from integrationbus.client.wire.watching import MovingToken
from integrationbus.v1 import task_pb2
from integrationbus.v1.object_service_pb2 import WatchObjectsRequest, WatchObjectsResponse

__all__ = ["ObjectWatchState"]

_METHOD = "/integrationbus.v1.ObjectService/WatchObjects"


class ObjectWatchState:
    """The state of a watch of objects; the token moves when all changes of a message were handed out.

    Changes are handed out when those of their tasks are complete: a connection that breaks before repeats none.
    """

    response = WatchObjectsResponse

    def __init__(
        self,
        object_types: str | Iterable[str],
        connectors: str | Iterable[str],
        *,
        since: ResumeToken | None,
        with_objects: bool,
    ) -> None:
        self._request = WatchObjectsRequest(
            object_types=texts(object_types, "object_types"),
            connectors=texts(connectors, "connectors"),
            include_objects=with_objects,
        )
        self._token = MovingToken(since)
        self._incomplete: list[ObjectChange] = []
        self._items: deque[ObjectChange] = deque()
        self._newest = task_pb2.ResumeToken()

    @property
    def resume_token(self) -> ResumeToken | None:
        """See ``WatchState.resume_token``."""
        return self._token.value

    def call(self) -> Call[WatchObjectsResponse, WatchObjectsResponse]:
        """See ``WatchState.call``."""
        self._incomplete.clear()
        request = WatchObjectsRequest()
        request.CopyFrom(self._request)
        if self._token.message is not None:
            request.resume_token.CopyFrom(self._token.message)
        return Call(_METHOD, request, self.response, lambda response: response)

    def take(self, message: WatchObjectsResponse) -> None:
        """See ``WatchState.take``. Changes without a token are part of a task whose other changes follow."""
        self._incomplete += [read_object_change(change) for change in message.changes.changes]
        if self._incomplete and not message.resume_token.positions:
            return
        self._items.extend(self._incomplete)
        self._incomplete.clear()
        self._newest = message.resume_token
        self._catch_up()

    def next_item(self) -> ObjectChange | None:
        """See ``WatchState.next_item``."""
        if not self._items:
            return None
        item = self._items.popleft()
        self._catch_up()
        return item

    def _catch_up(self) -> None:
        if not self._items:
            self._token.move(self._newest)
