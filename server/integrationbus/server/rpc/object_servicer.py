"""ObjectService."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from uuid import UUID

from integrationbus.server.object_change import object_changes
from integrationbus.server.object_view import ByCodeName, ByExternalId, ByGuid, ById, KnownKey, ObjectKey
from integrationbus.server.rpc.answers import first_page
from integrationbus.server.rpc.checks import MAX_NAME_BYTES, check_text, invalid
from integrationbus.server.rpc.context import Context
from integrationbus.server.rpc.object_watching import object_messages
from integrationbus.server.rpc.page_tokens import page_size, read_page_token, write_page_token
from integrationbus.server.rpc.queries import connector_ids, names_in
from integrationbus.server.rpc.render import render_object
from integrationbus.server.rpc.services import Services
from integrationbus.server.rpc.watching import resumed
from integrationbus.server.task import TaskState
from integrationbus.server.task_queries import TaskQuery
from integrationbus.server.watch import WatchStart
from integrationbus.v1 import object_service_pb2, object_service_pb2_grpc
from integrationbus.v1.object_service_pb2 import (
    GetObjectRequest,
    GetObjectResponse,
    ListObjectsRequest,
    ListObjectsResponse,
    ResolvedKey,
    ResolveKeysRequest,
    ResolveKeysResponse,
    WatchObjectsRequest,
    WatchObjectsResponse,
)

__all__ = ["ObjectServicer"]

_AT_A_TIME = 100
_MAX_KEYS = 1_000
_MAX_CODE_NAME_BYTES = 4_000  # a path of 1,000 characters


class ObjectServicer(object_service_pb2_grpc.ObjectServiceServicer):
    """Reads back what tasks made."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def GetObject(self, request: GetObjectRequest, context: Context) -> GetObjectResponse:
        """See the proto."""
        check_text("object_type", request.object_type, 200, required=True)
        key = _key_of(request)
        view = await self._services.reads(lambda: self._services.objects.get(request.object_type, key))
        return GetObjectResponse(object=render_object(view))

    async def ListObjects(self, request: ListObjectsRequest, context: Context) -> ListObjectsResponse:
        """See the proto."""
        check_text("object_type", request.object_type, 200, required=True)
        place = read_page_token(request, request.page_token, (int,), self._services.store.store_id)
        limit = page_size(request.page_size)
        after_id = 0 if place is None else int(place[0])
        name, objects = request.object_type, self._services.objects
        page, last_id = await self._services.reads(lambda: first_page(self._objects(name, after_id, limit), limit))
        total = await self._services.reads(lambda: objects.count(name)) if place is None else 0
        token = "" if last_id is None else write_page_token(request, [last_id], self._services.store.store_id)
        return ListObjectsResponse(objects=page, next_page_token=token, total_size=total)

    async def ResolveKeys(self, request: ResolveKeysRequest, context: Context) -> ResolveKeysResponse:
        """See the proto."""
        connector = check_text("connector", request.connector, MAX_NAME_BYTES, required=True)
        if len(request.keys) > _MAX_KEYS:
            raise invalid("keys", f"has {len(request.keys)} keys, {_MAX_KEYS} are allowed")
        keys = [_known_key(f"keys[{index}]", key) for index, key in enumerate(request.keys)]
        answers = await self._services.reads(lambda: self._services.keys.resolve(connector, keys))
        return ResolveKeysResponse(
            keys=[
                ResolvedKey(object_type=each.object_type, external_ids=each.external_ids, object_id=each.object_id)
                for each in answers
            ]
        )

    async def WatchObjects(self, request: WatchObjectsRequest, context: Context) -> AsyncIterator[WatchObjectsResponse]:
        """See the proto."""
        services = self._services
        types = names_in("object_types", request.object_types)
        wanted = frozenset(services.registry.classes.get(name).object_type for name in types)
        connectors = connector_ids("connectors", request.connectors, services.registry)
        query = TaskQuery(connector_ids=connectors, states=[TaskState.SUCCEEDED])
        is_resumed = request.HasField("resume_token")
        start = await resumed(request.resume_token, services) if is_resumed else WatchStart()
        changes = services.feed.watch(query, start, lambda event: bool(object_changes(event, wanted)))
        async with aclosing(changes) as items:
            async for item in items:
                messages = object_messages(item, wanted, services, with_objects=request.include_objects)
                async with aclosing(messages):
                    async for message in messages:
                        yield message

    def _objects(
        self, object_type: str, after_id: int, limit: int
    ) -> Iterator[tuple[int, object_service_pb2.BusObject]]:
        """The objects behind an id, with their ids; read a few at a time, for they may be large."""
        number = min(limit + 1, _AT_A_TIME)
        while views := self._services.objects.list(object_type, after_id=after_id, limit=number):
            for view in views:
                yield view.id, render_object(view)
            if len(views) < number:
                return
            after_id = views[-1].id


def _known_key(path: str, key: object_service_pb2.ObjectKey) -> KnownKey:
    object_type = check_text(f"{path}.object_type", key.object_type, 200, required=True)
    match key.WhichOneof("known"):
        case "external_id":
            return KnownKey(object_type, check_text(f"{path}.external_id", key.external_id, MAX_NAME_BYTES))
        case "object_id":
            return KnownKey(object_type, key.object_id)
        case None:
            raise invalid(path, "needs a side that is known: set external_id or object_id")


def _key_of(request: GetObjectRequest) -> ObjectKey:
    match request.WhichOneof("key"):
        case "id":
            return ById(request.id)
        case "guid":
            try:
                return ByGuid(UUID(request.guid))
            except ValueError:
                raise invalid("guid", "must be a UUID in its canonical text form") from None
        case "code_name":
            return ByCodeName(check_text("code_name", request.code_name, _MAX_CODE_NAME_BYTES))
        case "external_key":
            key = request.external_key
            return ByExternalId(
                check_text("external_key.connector", key.connector, MAX_NAME_BYTES),
                check_text("external_key.external_id", key.external_id, MAX_NAME_BYTES),
            )
        case None:
            raise invalid("key", "is required: set id, guid, code_name or external_key")
