"""Stored payloads to what a connector receives."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.message import DecodeError

from integrationbus.connectors.keys import Reference
from integrationbus.connectors.models import InternalObject
from integrationbus.connectors.object_class import NODE_ATTRIBUTES, ObjectClass
from integrationbus.connectors.policies import Accepts
from integrationbus.connectors.snapshot import Part, Snapshot
from integrationbus.connectors.task_types import SnapshotHandling
from integrationbus.server.payloads.values import read_record
from integrationbus.server.problems import PayloadUndecodable
from integrationbus.server.task import Payload, PayloadForm
from integrationbus.v1 import payload_pb2

__all__ = ["decode", "decode_prepared", "is_json"]


def is_json(content_type: str) -> bool:
    """Whether a media type is JSON: ``application/json`` or one that ends in ``+json``."""
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


def decode(payload: Payload, accepts: Accepts) -> object:
    """What the connector receives for a record, a message or an encoded payload. Raises PayloadUndecodable."""
    match payload.form:
        case PayloadForm.RECORD:
            return read_record(payload_pb2.Record.FromString(payload.data))
        case PayloadForm.MESSAGE:
            return _message(payload, accepts)
        case _ if is_json(payload.type_name):
            return _json(payload.data)
        case _:
            return payload.data


def decode_prepared(payload: Payload, class_of: Callable[[str], ObjectClass]) -> InternalObject | Snapshot:
    """The internal object, with its parts, or the page that the caller prepared. Raises PayloadUndecodable.

    ``class_of`` finds the class of an object type.
    """
    if payload.form is PayloadForm.OBJECT:
        return _snapshot(payload_pb2.PreparedObject.FromString(payload.data), class_of)
    page = payload_pb2.PreparedPage.FromString(payload.data)
    object_class = class_of(page.object_type)
    place = {
        "document_culture": page.culture,
        "node_guid": page.node_guid,
        "node_alias": page.alias,
        "node_parent_path": page.parent_path,
        "node_order": page.order,
        "node_parent_id": Reference(page.parent.external_id) if page.HasField("parent") else None,
    }
    return _instance(object_class, read_record(page.fields) | {name: value for name, value in place.items() if value})


def _snapshot(message: payload_pb2.PreparedObject, class_of: Callable[[str], ObjectClass]) -> Snapshot:
    main: Any = _instance(class_of(message.object_type), read_record(message.fields))
    return Snapshot(main, [_part(part, class_of) for part in message.parts], message.external_id)


def _part(message: payload_pb2.PreparedPart, class_of: Callable[[str], ObjectClass]) -> Part:
    cls: Any = class_of(message.object_type).cls
    return Part(
        cls,
        [_snapshot(item, class_of) for item in message.objects],
        SnapshotHandling(message.handling) if message.handling else None,
        message.through or None,
    )


def _message(payload: Payload, accepts: Accepts) -> object:
    cls = accepts.message_class(payload.type_name)
    if cls is None:
        raise PayloadUndecodable(f"the connector no longer accepts messages of type {payload.type_name}")
    try:
        return cls.FromString(payload.data)
    except DecodeError as error:
        raise PayloadUndecodable(f"the bytes are not a {payload.type_name}: {error}") from error


def _json(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise PayloadUndecodable(f"the bytes are not JSON: {error}") from error


def _instance(object_class: ObjectClass, fields: Mapping[str, object]) -> InternalObject:
    unknown = sorted(set(fields) - set(object_class.columns) - set(NODE_ATTRIBUTES if object_class.is_page else ()))
    if unknown:
        text = f"{object_class.object_type} has no {', '.join(unknown)}"
        raise PayloadUndecodable(text, field_paths=[f"payload.fields[{name}]" for name in unknown])
    return object_class.cls(**fields)
