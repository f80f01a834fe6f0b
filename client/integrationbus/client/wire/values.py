"""Between the values of a record in Python and on the wire."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, TypeVar
from uuid import UUID

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from integrationbus.client.model.payloads import FieldValue, Reference
from integrationbus.client.wire.arguments import text, type_name, wrong_type
from integrationbus.v1 import payload_pb2

__all__ = [
    "duration",
    "external_id_text",
    "is_record",
    "read_record",
    "read_reference",
    "read_time",
    "read_value",
    "write_record",
    "write_reference",
]

_Number = TypeVar("_Number", float, Decimal)

_MAX_DEPTH: Final = 32
_INT64: Final = range(-(2**63), 2**63)
_MAX_DURATION: Final = timedelta(seconds=315_576_000_000)


def write_record(record: payload_pb2.Record, fields: object, path: str, depth: int = 1) -> None:
    """Write a mapping or a dataclass instance into an empty record; ``depth`` is its level, 1 for the outermost.

    Messages are written where they belong: those that are made elsewhere are copied, at each level again (measured for
    a task: 2.5 x). Raises TypeError for a value of a type that a record cannot hold, and ValueError for one that does
    not fit or is nested too deep; both name the field by its path, which starts with ``path``.
    """
    _check_depth(path, depth)
    record.SetInParent()
    written = record.fields
    for name, value in _items(fields, path).items():
        _write_value(written[name], value, f"{path}.{name}", depth)


def is_record(value: object) -> bool:
    """Whether a value can travel as a record: a mapping or an instance of a dataclass, but no dataclass itself."""
    return isinstance(value, Mapping) or (dataclasses.is_dataclass(value) and not isinstance(value, type))


def write_reference(reference: payload_pb2.Reference, value: Reference, path: str) -> None:
    """Write a reference into its message."""
    reference.object_type = value.object_type
    reference.external_id = external_id_text(value.external_id, f"{path}.external_id")
    reference.SetInParent()


def external_id_text(value: object, path: str) -> str:
    """Return an external id as it travels. Raises TypeError for a bool, which Python would take for an integer."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError(f"{path}: an external id is text or an integer, not {type(value).__name__}")
    return text(str(value), path)


def read_record(message: payload_pb2.Record) -> dict[str, FieldValue]:
    """Turn a record into a dictionary."""
    return {name: read_value(value, name) for name, value in message.fields.items()}


def read_reference(message: payload_pb2.Reference) -> Reference:
    """Turn a message into a reference; its external id is text, whatever it was before."""
    return Reference(message.external_id, message.object_type)


def read_time(message: Timestamp) -> datetime:
    """Return an aware datetime in UTC; what is finer than a microsecond is cut off."""
    return message.ToDatetime(tzinfo=UTC)


def _items(fields: object, path: str) -> Mapping[str, object]:
    if dataclasses.is_dataclass(fields) and not isinstance(fields, type):
        return {field.name: getattr(fields, field.name) for field in dataclasses.fields(fields)}
    if not isinstance(fields, Mapping):
        raise TypeError(f"{path}: a record is a mapping or a dataclass instance, not {type(fields).__name__}")
    for name in fields:
        if not isinstance(name, str):
            raise TypeError(f"{path}: the names of fields are text, not {name!r}")
    return fields


def _write_value(message: payload_pb2.Value, value: object, path: str, depth: int) -> None:
    match value:
        case str():
            message.string_value = text(value, path)
        case None:
            message.null_value = True
        case bool():
            message.bool_value = value
        case int():
            message.int64_value = _int64(value, path)
        case float():
            message.double_value = _finite(value, path)
        case Decimal():
            message.decimal_value = str(_finite(value, path))
        case bytes():
            message.bytes_value = value
        case datetime():
            message.timestamp_value.CopyFrom(_timestamp(value, path))
        case timedelta():
            message.duration_value.CopyFrom(duration(value, path))
        case UUID():
            message.uuid_value = str(value)
        case Reference():
            write_reference(message.reference_value, value, path)
        case list() | tuple():
            _write_list(message.list_value, value, path, depth + 1)
        case _ if is_record(value):
            write_record(message.record_value, value, path, depth + 1)
        case _:
            raise TypeError(f"{path}: a record cannot hold {type_name(value)}")


def _write_list(message: payload_pb2.ListValue, values: Sequence[object], path: str, depth: int) -> None:
    _check_depth(path, depth)
    message.SetInParent()
    for place, value in enumerate(values):
        _write_value(message.values.add(), value, f"{path}[{place}]", depth)


def _check_depth(path: str, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise ValueError(f"{path}: records and lists are nested deeper than {_MAX_DEPTH} levels")


def _int64(value: int, path: str) -> int:
    if value not in _INT64:
        raise ValueError(f"{path}: the integer does not fit in 64 bits; send it as a Decimal or as text")
    return value


def _finite(value: _Number, path: str) -> _Number:
    if not math.isfinite(value):
        raise ValueError(f"{path}: {value} is not a number that a record can hold")
    return value


def _timestamp(value: datetime, path: str) -> Timestamp:
    if value.utcoffset() is None:
        raise ValueError(f"{path}: the datetime has no time zone")
    message = Timestamp()
    try:
        message.FromDatetime(value.astimezone(UTC))
    except OverflowError as error:
        raise ValueError(f"{path}: the datetime is outside the years 1 to 9999 in UTC") from error
    return message


def duration(value: object, path: str) -> Duration:
    """Turn a timedelta into its message. Raises TypeError for anything else, ValueError for one that is too long."""
    if not isinstance(value, timedelta):
        raise wrong_type(path, "a timedelta", value)
    if abs(value) > _MAX_DURATION:
        raise ValueError(f"{path}: the timedelta is longer than 10,000 years")
    message = Duration()
    message.FromTimedelta(value)
    return message


def read_value(message: payload_pb2.Value, path: str) -> FieldValue:
    """Turn one value into a Python value. Raises ValueError for a kind that this client does not know."""
    match message.WhichOneof("kind"):
        case "null_value":
            return None
        case "bool_value":
            return message.bool_value
        case "int64_value":
            return message.int64_value
        case "double_value":
            return message.double_value
        case "decimal_value":
            return Decimal(message.decimal_value)
        case "string_value":
            return message.string_value
        case "bytes_value":
            return message.bytes_value
        case "timestamp_value":
            return read_time(message.timestamp_value)
        case "duration_value":
            return message.duration_value.ToTimedelta()
        case "uuid_value":
            return UUID(message.uuid_value)
        case "reference_value":
            return read_reference(message.reference_value)
        case "list_value":
            return [read_value(each, f"{path}[{i}]") for i, each in enumerate(message.list_value.values)]
        case "record_value":
            return {name: read_value(each, f"{path}.{name}") for name, each in message.record_value.fields.items()}
        case None:
            raise ValueError(f"{path}: the server sent a kind of value that this client does not know")
