"""ObjectService."""

from collections.abc import Iterator
from uuid import UUID

from integrationbus.server.object_view import ByCodeName, ByExternalId, ByGuid, ById, ObjectKey
from integrationbus.server.rpc.answers import first_page
from integrationbus.server.rpc.checks import MAX_NAME_BYTES, check_text, invalid
from integrationbus.server.rpc.context import Context
from integrationbus.server.rpc.page_tokens import page_size, read_page_token, write_page_token
from integrationbus.server.rpc.render import render_object
from integrationbus.server.rpc.services import Services
from integrationbus.v1 import object_service_pb2, object_service_pb2_grpc
from integrationbus.v1.object_service_pb2 import (
    GetObjectRequest,
    GetObjectResponse,
    ListObjectsRequest,
    ListObjectsResponse,
)

__all__ = ["ObjectServicer"]

_AT_A_TIME = 100
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
        place = read_page_token(request, request.page_token, (int,))
        limit = page_size(request.page_size)
        after_id = 0 if place is None else int(place[0])
        name, objects = request.object_type, self._services.objects
        page, last_id = await self._services.reads(lambda: first_page(self._objects(name, after_id, limit), limit))
        total = await self._services.reads(lambda: objects.count(name)) if place is None else 0
        token = "" if last_id is None else write_page_token(request, [last_id])
        return ListObjectsResponse(objects=page, next_page_token=token, total_size=total)

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
