"""ObjectService: requests and responses."""

from collections.abc import Iterable
from uuid import UUID

from integrationbus.client.model.enums import TaskEffect
from integrationbus.client.model.objects import BusObject, ExternalKey, ObjectChange, ObjectKey, ResolvedKey
from integrationbus.client.wire.call import Call, Page
from integrationbus.client.wire.values import external_id_text, read_record, read_time
from integrationbus.v1 import object_service_pb2

__all__ = ["count_objects", "get_object", "list_objects", "read_object", "read_object_change", "resolve_keys"]

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


def resolve_keys(
    connector: str, keys: Iterable[ObjectKey]
) -> Call[object_service_pb2.ResolveKeysResponse, list[ResolvedKey]]:
    """ResolveKeys."""
    request = object_service_pb2.ResolveKeysRequest(connector=connector, keys=[_key_message(key) for key in keys])

    def read(response: object_service_pb2.ResolveKeysResponse) -> list[ResolvedKey]:
        return [
            ResolvedKey(
                object_type=item.object_type,
                external_ids=tuple(item.external_ids),
                object_id=item.object_id or None,
            )
            for item in response.keys
        ]

    return Call(f"{_SERVICE}ResolveKeys", request, object_service_pb2.ResolveKeysResponse, read)


def read_object_change(message: object_service_pb2.ObjectChange) -> ObjectChange:
    """Read a change of an object."""
    return ObjectChange(
        object_type=message.object_type,
        object_id=message.object_id,
        effect=TaskEffect(message.effect),
        connector=message.connector,
        task_id=message.task_id,
        external_id=message.external_id,
        run_id=message.run_id,
        occurred_at=read_time(message.occurred_at),
        object=read_object(message.object) if message.HasField("object") else None,
    )


def _key_message(key: ObjectKey) -> object_service_pb2.ObjectKey:
    if key.external_id is not None:
        external_id = external_id_text(key.external_id, "external_id")
        return object_service_pb2.ObjectKey(object_type=key.object_type, external_id=external_id)
    return object_service_pb2.ObjectKey(object_type=key.object_type, object_id=key.object_id or 0)


def read_object(message: object_service_pb2.BusObject) -> BusObject:
    """Read an object."""
    return BusObject(
        object_type=message.object_type,
        id=message.id,
        guid=UUID(message.guid) if message.guid else None,
        code_name=message.code_name,
        fields=read_record(message.fields),
    )
