"""EnumService and ServerService: requests and responses."""

from dataclasses import fields
from datetime import timedelta

from google.protobuf.message import Message

from integrationbus.client.model.server import EnumInfo, EnumValueInfo, Limits, Replica, Retention, ServerInfo
from integrationbus.client.wire.call import Call
from integrationbus.client.wire.values import read_time
from integrationbus.v1 import enum_service_pb2, server_service_pb2

__all__ = ["get_enum", "list_enums", "list_replicas", "server_info"]

_ENUMS = "/integrationbus.v1.EnumService/"
_SERVER = "/integrationbus.v1.ServerService/"


def list_enums() -> Call[enum_service_pb2.ListEnumsResponse, list[EnumInfo]]:
    """ListEnums."""

    def read(response: enum_service_pb2.ListEnumsResponse) -> list[EnumInfo]:
        return [_read_enum(item) for item in response.enums]

    return Call(f"{_ENUMS}ListEnums", enum_service_pb2.ListEnumsRequest(), enum_service_pb2.ListEnumsResponse, read)


def get_enum(name: str) -> Call[enum_service_pb2.GetEnumResponse, EnumInfo]:
    """GetEnum."""

    def read(response: enum_service_pb2.GetEnumResponse) -> EnumInfo:
        return _read_enum(response.enum)

    request = enum_service_pb2.GetEnumRequest(name=name)
    return Call(f"{_ENUMS}GetEnum", request, enum_service_pb2.GetEnumResponse, read)


def server_info() -> Call[server_service_pb2.GetServerInfoResponse, ServerInfo]:
    """GetServerInfo."""

    def read(response: server_service_pb2.GetServerInfoResponse) -> ServerInfo:
        limits = response.limits
        return ServerInfo(
            version=response.version,
            store_id=response.store_id,
            database=response.database,
            methods=tuple(response.methods),
            limits=Limits(
                max_message_bytes=limits.max_message_bytes,
                max_payload_bytes=limits.max_payload_bytes,
                max_tasks_per_call=limits.max_tasks_per_call,
                max_record_depth=limits.max_record_depth,
                max_record_values=limits.max_record_values,
            ),
            started_at=read_time(response.started_at),
            retention=Retention(**{item.name: _kept(response.retention, item.name) for item in fields(Retention)}),
        )

    request = server_service_pb2.GetServerInfoRequest()
    return Call(f"{_SERVER}GetServerInfo", request, server_service_pb2.GetServerInfoResponse, read)


def list_replicas() -> Call[server_service_pb2.ListReplicasResponse, list[Replica]]:
    """ListReplicas."""

    def read(response: server_service_pb2.ListReplicasResponse) -> list[Replica]:
        return [
            Replica(
                id=item.id,
                started_at=read_time(item.started_at),
                answers=item.answers,
                processes=tuple(item.processes),
                connectors=tuple(item.connectors),
            )
            for item in response.replicas
        ]

    request = server_service_pb2.ListReplicasRequest()
    return Call(f"{_SERVER}ListReplicas", request, server_service_pb2.ListReplicasResponse, read)


def _kept(message: Message, name: str) -> timedelta | None:
    kept: timedelta | None = getattr(message, name).ToTimedelta() if message.HasField(name) else None
    return kept


def _read_enum(message: enum_service_pb2.EnumInfo) -> EnumInfo:
    values = [
        EnumValueInfo(
            number=value.number,
            name=value.name,
            short_name=value.short_name,
            description=value.description,
            applies_to_objects=value.applies_to_objects,
            applies_to_pages=value.applies_to_pages,
            is_default=value.is_default,
        )
        for value in message.values
    ]
    return EnumInfo(name=message.name, description=message.description, values=tuple(values))
