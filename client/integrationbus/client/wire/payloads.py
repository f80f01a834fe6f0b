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
from integrationbus.client.wire.values import (
    external_id_text,
    is_record,
    read_record,
    read_reference,
    record,
    reference,
    type_name,
)
from integrationbus.v1 import enums_pb2, payload_pb2

__all__ = ["payload_message", "read_payload"]


def payload_message(payload: Payload) -> payload_pb2.Payload:
    """Turn a payload into its message. Raises TypeError or ValueError, naming the field, for one that does not fit."""
    match payload:
        case Any():
            return payload_pb2.Payload(message=payload)
        case Message():
            message = payload_pb2.Payload()
            message.message.Pack(payload)
            return message
        case Json():
            return payload_pb2.Payload(encoded=_encoded(payload.encoded()))
        case Encoded():
            return payload_pb2.Payload(encoded=_encoded(payload))
        case PreparedObject():
            return payload_pb2.Payload(object=_object(payload, "payload.object"))
        case PreparedPage():
            return payload_pb2.Payload(page=_page(payload))
        case _ if is_record(payload):
            return payload_pb2.Payload(record=record(payload, "payload.record"))
    raise TypeError(
        f"payload: a payload is a mapping, a dataclass instance, a protobuf message, Json, Encoded, PreparedObject or "
        f"PreparedPage, not {type_name(payload)}"
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


def _object(prepared: PreparedObject, path: str) -> payload_pb2.PreparedObject:
    return payload_pb2.PreparedObject(
        object_type=prepared.object_type,
        fields=record(prepared.fields, f"{path}.fields"),
        external_id=external_id_text(prepared.external_id, f"{path}.external_id"),
        parts=[
            payload_pb2.PreparedPart(
                object_type=part.object_type,
                through=part.through,
                handling=enums_pb2.SnapshotHandling.ValueType(part.handling or 0),
                objects=[
                    _object(item, f"{path}.parts[{number}].objects[{place}]") for place, item in enumerate(part.objects)
                ],
            )
            for number, part in enumerate(prepared.parts)
        ],
    )


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


def _encoded(encoded: Encoded) -> payload_pb2.EncodedPayload:
    return payload_pb2.EncodedPayload(
        content_type=encoded.content_type,
        data=encoded.data,
        schema=encoded.schema,
        sha256=hashlib.sha256(encoded.data).digest(),
    )


def _page(page: PreparedPage) -> payload_pb2.PreparedPage:
    return payload_pb2.PreparedPage(
        object_type=page.object_type,
        culture=page.culture,
        node_guid=str(page.node_guid or ""),
        alias=page.alias,
        parent_path=page.parent_path,
        parent=reference(page.parent, "payload.page.parent") if page.parent else None,
        fields=record(page.fields, "payload.page.fields"),
        order=page.order,
    )
