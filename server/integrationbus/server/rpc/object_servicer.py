"""ObjectService."""

from uuid import UUID

from integrationbus.server.object_view import ByCodeName, ByExternalId, ByGuid, ById, ObjectKey
from integrationbus.server.rpc.checks import check_text, invalid
from integrationbus.server.rpc.context import Context
from integrationbus.server.rpc.page_tokens import page_size, read_page_token, write_page_token
from integrationbus.server.rpc.render import render_object
from integrationbus.server.rpc.services import Services
from integrationbus.v1 import object_service_pb2_grpc
from integrationbus.v1.object_service_pb2 import (
    GetObjectRequest,
    GetObjectResponse,
    ListObjectsRequest,
    ListObjectsResponse,
)

__all__ = ["ObjectServicer"]


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
        objects = self._services.objects
        views = await self._services.reads(
            lambda: objects.list(request.object_type, after_id=after_id, limit=limit + 1)
        )
        total = await self._services.reads(lambda: objects.count(request.object_type)) if place is None else 0
        token = write_page_token(request, [views[limit - 1].id]) if len(views) > limit else ""
        return ListObjectsResponse(
            objects=[render_object(view) for view in views[:limit]], next_page_token=token, total_size=total
        )


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
            return ByCodeName(request.code_name)
        case "external_key":
            return ByExternalId(request.external_key.connector, request.external_key.external_id)
        case None:
            raise invalid("key", "is required: set id, guid, code_name or external_key")
