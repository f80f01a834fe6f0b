"""Objects, enumerations and the server itself are asked for and read as they are."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from support.either_client import EitherClient
from support.scripted_bus import ScriptedBus

from integrationbus.client import (
    BusObject,
    EnumInfo,
    EnumValueInfo,
    ExternalKey,
    Limits,
    ObjectKey,
    ResolvedKey,
    Retention,
    ServerInfo,
)
from integrationbus.v1 import enum_service_pb2, object_service_pb2, payload_pb2, server_service_pb2

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOON_MESSAGE = Timestamp(seconds=int(NOON.timestamp()))
GUID = UUID("11111111-2222-3333-4444-555555555555")


def object_message(number: int) -> object_service_pb2.BusObject:
    fields = payload_pb2.Record(fields={"active": payload_pb2.Value(bool_value=True)})
    return object_service_pb2.BusObject(
        object_type="cms.user", id=number, guid=str(GUID), code_name="jane", fields=fields
    )


def bus_object(number: int) -> BusObject:
    return BusObject(object_type="cms.user", id=number, guid=GUID, code_name="jane", fields={"active": True})


@pytest.mark.parametrize(
    ("key", "request_"),
    [
        (7, object_service_pb2.GetObjectRequest(object_type="cms.user", id=7)),
        (GUID, object_service_pb2.GetObjectRequest(object_type="cms.user", guid=str(GUID))),
        ("jane", object_service_pb2.GetObjectRequest(object_type="cms.user", code_name="jane")),
        (
            ExternalKey("crm", 5),
            object_service_pb2.GetObjectRequest(
                object_type="cms.user", external_key=object_service_pb2.ExternalKey(connector="crm", external_id="5")
            ),
        ),
    ],
    ids=["id", "guid", "code name", "external key"],
)
def test_an_object_is_found_by_any_key(
    bus: ScriptedBus, client: EitherClient, key: int | UUID | str | ExternalKey, request_: Message
) -> None:
    bus.answers("GetObject", object_service_pb2.GetObjectResponse(object=object_message(7)))
    assert client.call(lambda each: each.get_object("cms.user", key)) == bus_object(7)
    assert bus.requests("GetObject") == [request_]


def test_objects_are_listed_and_counted(bus: ScriptedBus, client: EitherClient) -> None:
    page = object_service_pb2.ListObjectsResponse(objects=[object_message(1)], next_page_token="more", total_size=2)
    bus.answers("ListObjects", page, object_service_pb2.ListObjectsResponse(objects=[object_message(2)]), page)
    assert client.items(lambda each: each.list_objects("cms.user"), 10) == [bus_object(1), bus_object(2)]
    assert client.call(lambda each: each.count_objects("cms.user")) == 2


def test_keys_are_resolved_both_ways(bus: ScriptedBus, client: EitherClient) -> None:
    response = object_service_pb2.ResolveKeysResponse()
    response.keys.add(object_type="cms.user", external_ids=["7", "8"], object_id=3)
    response.keys.add(object_type="cms.user", external_ids=["x"])
    bus.answers("ResolveKeys", response)
    keys = [ObjectKey("cms.user", object_id=3), ObjectKey("cms.user", external_id="x"), ObjectKey("a.b", external_id=5)]
    assert client.call(lambda each: each.resolve_keys("crm", keys)) == [
        ResolvedKey(object_type="cms.user", external_ids=("7", "8"), object_id=3),
        ResolvedKey(object_type="cms.user", external_ids=("x",), object_id=None),
    ]
    assert bus.requests("ResolveKeys") == [
        object_service_pb2.ResolveKeysRequest(
            connector="crm",
            keys=[
                object_service_pb2.ObjectKey(object_type="cms.user", object_id=3),
                object_service_pb2.ObjectKey(object_type="cms.user", external_id="x"),
                object_service_pb2.ObjectKey(object_type="a.b", external_id="5"),
            ],
        )
    ]


def test_a_key_has_one_side_that_is_known() -> None:
    with pytest.raises(ValueError, match="one side that is known"):
        ObjectKey("cms.user")
    with pytest.raises(ValueError, match="one side that is known"):
        ObjectKey("cms.user", external_id="", object_id=1)


def test_enumerations_are_described(bus: ScriptedBus, client: EitherClient) -> None:
    value = enum_service_pb2.EnumValueInfo(number=1, name="A_B", short_name="B", description="b", is_default=True)
    message = enum_service_pb2.EnumInfo(name="A", description="a", values=[value])
    info = EnumInfo(
        name="A",
        description="a",
        values=(
            EnumValueInfo(
                number=1,
                name="A_B",
                short_name="B",
                description="b",
                applies_to_objects=False,
                applies_to_pages=False,
                is_default=True,
            ),
        ),
    )
    bus.answers("ListEnums", enum_service_pb2.ListEnumsResponse(enums=[message]))
    bus.answers("GetEnum", enum_service_pb2.GetEnumResponse(enum=message))
    assert client.call(lambda each: each.list_enums()) == [info]
    assert client.call(lambda each: each.get_enum("A")) == info


def test_the_server_describes_itself(bus: ScriptedBus, client: EitherClient) -> None:
    limits = {
        "max_message_bytes": 1,
        "max_payload_bytes": 2,
        "max_tasks_per_call": 3,
        "max_record_depth": 4,
        "max_record_values": 5,
    }
    response = server_service_pb2.GetServerInfoResponse(
        version="1",
        store_id="s",
        database="sqlite",
        methods=["a"],
        limits=server_service_pb2.Limits(**limits),
        started_at=NOON_MESSAGE,
        retention=server_service_pb2.Retention(events=Duration(seconds=3600)),
    )
    bus.answers("GetServerInfo", response)
    forever = dict.fromkeys(("succeeded", "failed", "deleted", "request_ids", "runs"))
    assert client.call(lambda each: each.server_info()) == ServerInfo(
        version="1",
        store_id="s",
        database="sqlite",
        methods=("a",),
        limits=Limits(**limits),
        started_at=NOON,
        retention=Retention(events=timedelta(hours=1), **forever),
    )
