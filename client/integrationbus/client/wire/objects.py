"""ObjectService: requests and responses."""

from uuid import UUID

from integrationbus.client.model.objects import BusObject, ExternalKey
from integrationbus.client.wire.call import Call, Page
from integrationbus.client.wire.values import external_id_text, read_record
from integrationbus.v1 import object_service_pb2

__all__ = ["count_objects", "get_object", "list_objects", "read_object"]

_SERVICE = "/integrationbus.v1.ObjectService/"


def get_object(
    object_type: str, key: int | UUID | str | ExternalKey
) -> Call[object_service_pb2.GetObjectResponse, BusObject]:
    """GetObject, by internal id, GUID, code name or external key."""
    request = object_service_pb2.GetObjectRequest(object_type=object_type)
    match key:
        case int():
            request.id = key
        case UUID():
            request.guid = str(key)
        case str():
            request.code_name = key
        case ExternalKey():
            request.external_key.connector = key.connector
            request.external_key.external_id = external_id_text(key.external_id, "external_id")

    def read(response: object_service_pb2.GetObjectResponse) -> BusObject:
        return read_object(response.object)

    return Call(f"{_SERVICE}GetObject", request, object_service_pb2.GetObjectResponse, read)


def list_objects(
    object_type: str, page_token: str, *, page_size: int
) -> Call[object_service_pb2.ListObjectsResponse, Page[BusObject]]:
    """ListObjects."""

    def read(response: object_service_pb2.ListObjectsResponse) -> Page[BusObject]:
        return Page([read_object(item) for item in response.objects], response.next_page_token)

    request = object_service_pb2.ListObjectsRequest(object_type=object_type, page_size=page_size, page_token=page_token)
    return Call(f"{_SERVICE}ListObjects", request, object_service_pb2.ListObjectsResponse, read)


def count_objects(object_type: str) -> Call[object_service_pb2.ListObjectsResponse, int]:
    """ListObjects, for the number alone."""

    def read(response: object_service_pb2.ListObjectsResponse) -> int:
        return response.total_size

    request = object_service_pb2.ListObjectsRequest(object_type=object_type, page_size=1)
    return Call(f"{_SERVICE}ListObjects", request, object_service_pb2.ListObjectsResponse, read)


def read_object(message: object_service_pb2.BusObject) -> BusObject:
    """Read an object."""
    return BusObject(
        object_type=message.object_type,
        id=message.id,
        guid=UUID(message.guid) if message.guid else None,
        code_name=message.code_name,
        fields=read_record(message.fields),
    )
