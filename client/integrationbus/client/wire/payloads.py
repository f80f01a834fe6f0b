"""Between payloads and their messages."""

import hashlib
from uuid import UUID

from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message

from integrationbus.client.model.payloads import (
    Encoded,
    Json,
    Payload,
    PreparedObject,
    PreparedPage,
    StoredPayload,
)
from integrationbus.client.wire.values import is_record, read_record, read_reference, record, reference, type_name
from integrationbus.v1 import payload_pb2

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
            fields = record(payload.fields, "payload.object.fields")
            return payload_pb2.Payload(
                object=payload_pb2.PreparedObject(object_type=payload.object_type, fields=fields)
            )
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
            return PreparedObject(message.object.object_type, read_record(message.object.fields))
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
            )
        case _:
            return None


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
    )
