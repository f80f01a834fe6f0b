"""Checking payloads, and turning them into what is stored."""

import hashlib
import json
import re

from google.protobuf.message import DecodeError

from integrationbus.connectors.object_class import ObjectClass
from integrationbus.connectors.task_types import SnapshotHandling
from integrationbus.server.errors import FieldProblem, PayloadNotAccepted, PayloadTooLarge, TaskTypeMismatch
from integrationbus.server.limits import Limits
from integrationbus.server.payloads.decoder import is_json
from integrationbus.server.registry import RegisteredConnector
from integrationbus.server.rpc.checks import check_text, choice, invalid
from integrationbus.server.rpc.records import check_record, check_reference
from integrationbus.server.task import Payload, PayloadForm
from integrationbus.v1 import payload_pb2

__all__ = ["check_payload"]

_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+\s*(;.*)?", re.ASCII)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def check_payload(payload: payload_pb2.Payload, registered: RegisteredConnector, limits: Limits) -> Payload:
    """The payload as it is stored.

    Raises PayloadTooLarge, PayloadNotAccepted, RecordTooDeep, TaskTypeMismatch or InvalidField with paths that start
    with "payload". Whether the connector accepts it is only checked when its class could be loaded.
    """
    size = payload.ByteSize()
    if size > limits.max_payload_bytes:
        text = f"is {size} bytes long, {limits.max_payload_bytes} are allowed"
        raise PayloadTooLarge(FieldProblem("payload", text))
    match payload.WhichOneof("form"):
        case "record":
            return _record(payload.record, registered, limits)
        case "message":
            return _message(payload, registered)
        case "encoded":
            return _encoded(payload.encoded, registered)
        case "object":
            return _object(payload.object, registered, limits)
        case "page":
            return _page(payload.page, registered, limits)
        case None:
            raise invalid("payload", "is required, in a deletion too: set record, message, encoded, object or page")


def _record(record: payload_pb2.Record, registered: RegisteredConnector, limits: Limits) -> Payload:
    if registered.connector and not registered.connector.accepts.record:
        raise _not_accepted("payload.record", "records", registered)
    check_record("payload.record", record, limits)
    return Payload(form=PayloadForm.RECORD, data=record.SerializeToString(deterministic=True))


def _message(payload: payload_pb2.Payload, registered: RegisteredConnector) -> Payload:
    type_name = payload.message.TypeName()
    if "/" not in payload.message.type_url or not type_name:
        raise invalid("payload.message.type_url", "must be a slash-separated type URL that ends in a message name")
    check_text("payload.message.type_url", type_name, 255)
    if registered.connector:
        cls = registered.connector.accepts.message_class(type_name)
        if cls is None:
            raise _not_accepted("payload.message.type_url", f"messages of type {type_name}", registered)
        try:
            cls.FromString(payload.message.value)
        except DecodeError:
            raise invalid("payload.message.value", f"the bytes are not a {type_name}") from None
    return Payload(form=PayloadForm.MESSAGE, data=payload.message.value, type_name=type_name)


def _encoded(encoded: payload_pb2.EncodedPayload, registered: RegisteredConnector) -> Payload:
    content_type = check_text("payload.encoded.content_type", encoded.content_type, 255, required=True)
    if not _MEDIA_TYPE.fullmatch(content_type):
        raise invalid("payload.encoded.content_type", "must be a media type, for example application/json")
    if registered.connector and not registered.connector.accepts.accepts_content_type(content_type):
        raise _not_accepted("payload.encoded.content_type", content_type, registered)
    if encoded.sha256 and hashlib.sha256(encoded.data).digest() != encoded.sha256:
        raise invalid("payload.encoded.sha256", "does not match the data: it was damaged on the way")
    if is_json(content_type):
        try:
            json.loads(encoded.data)
        except (ValueError, RecursionError) as error:
            raise invalid("payload.encoded.data", f"is not JSON: {error}") from None
    return Payload(
        form=PayloadForm.ENCODED,
        data=encoded.data,
        type_name=content_type,
        schema=check_text("payload.encoded.schema", encoded.schema, 255),
    )


def _object(prepared: payload_pb2.PreparedObject, registered: RegisteredConnector, limits: Limits) -> Payload:
    if prepared.external_id:
        raise invalid("payload.object.external_id", "is for objects in parts: the main object has the id of the task")
    _check_object("payload.object", prepared, registered, limits)
    data = prepared.SerializeToString(deterministic=True)
    return Payload(form=PayloadForm.OBJECT, data=data, type_name=prepared.object_type)


def _check_object(
    path: str, prepared: payload_pb2.PreparedObject, registered: RegisteredConnector, limits: Limits
) -> None:
    object_class = _prepared_class(path, prepared.object_type, registered, is_page=False)
    check_text(f"{path}.external_id", prepared.external_id, 255)
    check_record(f"{path}.fields", prepared.fields, limits)
    _check_columns(f"{path}.fields", prepared.fields, object_class)
    for number, part in enumerate(prepared.parts):
        below = f"{path}.parts[{number}]"
        check_text(f"{below}.object_type", part.object_type, 200, required=True)
        check_text(f"{below}.through", part.through, 200)
        choice(f"{below}.handling", part.handling, SnapshotHandling, SnapshotHandling.COMPLETE)
        for place, item in enumerate(part.objects):
            if item.object_type != part.object_type:
                raise invalid(f"{below}.objects[{place}].object_type", f"is not that of the part, {part.object_type}")
            _check_object(f"{below}.objects[{place}]", item, registered, limits)


def _page(prepared: payload_pb2.PreparedPage, registered: RegisteredConnector, limits: Limits) -> Payload:
    path = "payload.page"
    object_class = _prepared_class(path, prepared.object_type, registered, is_page=True)
    check_text(f"{path}.culture", prepared.culture, 20, required=True)
    check_text(f"{path}.alias", prepared.alias, 200)
    check_text(f"{path}.parent_path", prepared.parent_path, 1000)
    if prepared.order < 0:
        raise invalid(f"{path}.order", "counts from 1")
    if prepared.node_guid and not _UUID.fullmatch(prepared.node_guid):
        raise invalid(f"{path}.node_guid", "must be a UUID in its canonical text form")
    if "/" in prepared.alias:
        raise invalid(f"{path}.alias", "is one segment of the path and has no slash")
    if prepared.HasField("parent"):
        check_reference(f"{path}.parent", prepared.parent)
        if prepared.parent_path:
            raise invalid(f"{path}.parent", "set parent or parent_path, not both")
    check_record(f"{path}.fields", prepared.fields, limits)
    _check_columns(f"{path}.fields", prepared.fields, object_class)
    data = prepared.SerializeToString(deterministic=True)
    return Payload(form=PayloadForm.PAGE, data=data, type_name=prepared.object_type)


def _prepared_class(
    path: str, object_type: str, registered: RegisteredConnector, *, is_page: bool
) -> ObjectClass | None:
    """The class of a prepared object; None when the connector's classes could not be loaded."""
    check_text(f"{path}.object_type", object_type, 200, required=True)
    if registered.connector is None:
        return None
    if not registered.connector.accepts.prepared:
        raise _not_accepted(path, "prepared objects and pages", registered)
    object_class = registered.object_classes.get(object_type)
    if object_class is None:
        known = ", ".join(sorted(registered.object_classes)) or "none"
        raise invalid(f"{path}.object_type", f"the connector makes no {object_type}; its types: {known}")
    if object_class.is_page is not is_page:
        kind = "a page" if object_class.is_page else "an object"
        raise TaskTypeMismatch(FieldProblem(f"{path}.object_type", f"{object_type} is {kind}"))
    return object_class


def _check_columns(path: str, record: payload_pb2.Record, object_class: ObjectClass | None) -> None:
    if object_class is None:
        return
    own = {object_class.primary_key, *(("document_node_id", "document_culture") if object_class.is_page else ())}
    for name in record.fields:
        if name in own:
            raise invalid(f"{path}.fields[{name}]", "is set by the server")
        if name not in object_class.columns:
            raise invalid(f"{path}.fields[{name}]", f"{object_class.object_type} has no such column")


def _not_accepted(path: str, what: str, registered: RegisteredConnector) -> PayloadNotAccepted:
    accepted = ", ".join(registered.connector.accepts.names()) if registered.connector else ""
    return PayloadNotAccepted(FieldProblem(path, f"{registered.name} does not take {what}; it takes {accepted}"))
