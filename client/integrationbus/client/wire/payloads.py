"""Between payloads and their messages."""

import hashlib
from uuid import UUID

from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message

from integrationbus.client.model.enums import SnapshotHandling
from integrationbus.client.model.payloads import (
    Encoded,
    Json,
    Payload,
    PreparedObject,
    PreparedPage,
    PreparedPart,
    StoredPayload,
)
from integrationbus.client.wire.arguments import enum_number, type_name
from integrationbus.client.wire.values import (
    external_id_text,
    is_record,
    read_record,
    read_reference,
    write_record,
    write_reference,
)
from integrationbus.v1 import enums_pb2, payload_pb2

__all__ = ["read_payload", "write_payload"]


def write_payload(message: payload_pb2.Payload, payload: Payload) -> None:
    """Write a payload into its message. Raises TypeError or ValueError, naming the field, for one that does not fit."""
    match payload:
        case Any():
            message.message.CopyFrom(payload)
        case Message():
            message.message.Pack(payload)
        case Json():
            _write_encoded(message.encoded, payload.encoded())
        case Encoded():
            _write_encoded(message.encoded, payload)
        case PreparedObject():
            _write_object(message.object, payload, "payload.object")
        case PreparedPage():
            _write_page(message.page, payload)
        case _ if is_record(payload):
            write_record(message.record, payload, "payload.record")
        case _:
            raise TypeError(
                f"payload: a payload is a mapping, a dataclass instance, a protobuf message, Json, Encoded, "
                f"PreparedObject or PreparedPage, not {type_name(payload)}"
            )


def read_payload(message: payload_pb2.Payload) -> StoredPayload | None:
    """Read a payload; None when there is none, or one of a kind that this client does not know."""
    match message.WhichOneof("form"):
        case "record":
            return read_record(message.record)
        case "message":
            return message.message
        case "encoded":
            encoded = message.encoded
            return Encoded(encoded.content_type, encoded.data, encoded.schema)
        case "object":
            return _read_object(message.object)
        case "page":
            page = message.page
            return PreparedPage(
                page.object_type,
                page.culture,
                read_record(page.fields),
                node_guid=UUID(page.node_guid) if page.node_guid else None,
                alias=page.alias,
                parent_path=page.parent_path,
                parent=read_reference(page.parent) if page.HasField("parent") else None,
                order=page.order,
            )
        case _:
            return None


def _write_object(message: payload_pb2.PreparedObject, prepared: PreparedObject, path: str) -> None:
    message.object_type = prepared.object_type
    write_record(message.fields, prepared.fields, f"{path}.fields")
    message.external_id = external_id_text(prepared.external_id, f"{path}.external_id")
    for number, part in enumerate(prepared.parts):
        handling = enum_number(part.handling or 0, SnapshotHandling, f"{path}.parts[{number}].handling")
        written = message.parts.add(
            object_type=part.object_type,
            through=part.through,
            handling=enums_pb2.SnapshotHandling.ValueType(handling),
        )
        for place, item in enumerate(part.objects):
            _write_object(written.objects.add(), item, f"{path}.parts[{number}].objects[{place}]")


def _read_object(message: payload_pb2.PreparedObject) -> PreparedObject:
    parts = tuple(
        PreparedPart(
            part.object_type,
            tuple(_read_object(item) for item in part.objects),
            handling=SnapshotHandling(part.handling) if part.handling else None,
            through=part.through,
        )
        for part in message.parts
    )
    fields = read_record(message.fields)
    return PreparedObject(message.object_type, fields, parts=parts, external_id=message.external_id)


def _write_encoded(message: payload_pb2.EncodedPayload, encoded: Encoded) -> None:
    message.content_type = encoded.content_type
    message.data = encoded.data
    message.schema = encoded.schema
    message.sha256 = hashlib.sha256(encoded.data).digest()


def _write_page(message: payload_pb2.PreparedPage, page: PreparedPage) -> None:
    message.object_type = page.object_type
    message.culture = page.culture
    message.node_guid = str(page.node_guid or "")
    message.alias = page.alias
    message.parent_path = page.parent_path
    if page.parent:
        write_reference(message.parent, page.parent, "payload.page.parent")
    write_record(message.fields, page.fields, "payload.page.fields")
    message.order = page.order
