"""Between the values of a record in Python and on the wire."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, TypeVar
from uuid import UUID

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from integrationbus.client.model.payloads import ExternalId, FieldValue, Reference
from integrationbus.v1 import payload_pb2

__all__ = [
    "duration",
    "external_id_text",
    "is_record",
    "read_record",
    "read_reference",
    "read_time",
    "read_value",
    "record",
    "reference",
    "several",
    "type_name",
]

_Number = TypeVar("_Number", float, Decimal)
_Scalar = TypeVar("_Scalar", bound=str | int)

_MAX_DEPTH: Final = 32
_INT64: Final = range(-(2**63), 2**63)
_MAX_DURATION: Final = timedelta(seconds=315_576_000_000)


def record(fields: object, path: str, depth: int = 1) -> payload_pb2.Record:
    """Turn a mapping or a dataclass instance into a record; ``depth`` is its level, 1 for the outermost.

    Raises TypeError for a value of a type that a record cannot hold, and ValueError for one that does not fit or is
    nested too deep; both name the field by its path, which starts with ``path``.
    """
    _check_depth(path, depth)
    values = {name: _value(each, f"{path}.{name}", depth) for name, each in _items(fields, path).items()}
    return payload_pb2.Record(fields=values)


def is_record(value: object) -> bool:
    """Whether a value can travel as a record: a mapping or an instance of a dataclass, but no dataclass itself."""
    return isinstance(value, Mapping) or (dataclasses.is_dataclass(value) and not isinstance(value, type))


def reference(value: Reference, path: str) -> payload_pb2.Reference:
    """Turn a reference into its message."""
    return payload_pb2.Reference(
        object_type=value.object_type, external_id=external_id_text(value.external_id, f"{path}.external_id")
    )


def external_id_text(value: ExternalId, path: str) -> str:
    """Return an external id as it travels. Raises TypeError for a bool, which Python would take for an integer."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError(f"{path}: an external id is text or an integer, not {type(value).__name__}")
    return str(value)


def read_record(message: payload_pb2.Record) -> dict[str, FieldValue]:
    """Turn a record into a dictionary."""
    return {name: read_value(value, name) for name, value in message.fields.items()}


def read_reference(message: payload_pb2.Reference) -> Reference:
    """Turn a message into a reference; its external id is text, whatever it was before."""
    return Reference(message.external_id, message.object_type)


def read_time(message: Timestamp) -> datetime:
    """Return an aware datetime in UTC; what is finer than a microsecond is cut off."""
    return message.ToDatetime(tzinfo=UTC)


def several(value: "_Scalar | Iterable[_Scalar]") -> list[_Scalar]:
    """One value or many, as a list; a text is one value."""
    if isinstance(value, str | int):
        return [value]
    return list(value)


def type_name(value: object) -> str:
    """What to call a value that cannot travel, without showing what is in it."""
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__


def _items(fields: object, path: str) -> Mapping[str, object]:
    if dataclasses.is_dataclass(fields) and not isinstance(fields, type):
        return {field.name: getattr(fields, field.name) for field in dataclasses.fields(fields)}
    if not isinstance(fields, Mapping):
        raise TypeError(f"{path}: a record is a mapping or a dataclass instance, not {type(fields).__name__}")
    for name in fields:
        if not isinstance(name, str):
            raise TypeError(f"{path}: the names of fields are text, not {name!r}")
    return fields


def _value(value: object, path: str, depth: int) -> payload_pb2.Value:
    match value:
        case None:
            return payload_pb2.Value(null_value=True)
        case bool():
            return payload_pb2.Value(bool_value=value)
        case int():
            return payload_pb2.Value(int64_value=_int64(value, path))
        case float():
            return payload_pb2.Value(double_value=_finite(value, path))
        case Decimal():
            return payload_pb2.Value(decimal_value=str(_finite(value, path)))
        case str():
            return payload_pb2.Value(string_value=_text(value, path))
        case bytes():
            return payload_pb2.Value(bytes_value=value)
        case datetime():
            return payload_pb2.Value(timestamp_value=_timestamp(value, path))
        case timedelta():
            return payload_pb2.Value(duration_value=duration(value, path))
        case UUID():
            return payload_pb2.Value(uuid_value=str(value))
        case Reference():
            return payload_pb2.Value(reference_value=reference(value, path))
        case list() | tuple():
            return payload_pb2.Value(list_value=_list(value, path, depth + 1))
        case _ if is_record(value):
            return payload_pb2.Value(record_value=record(value, path, depth + 1))
    raise TypeError(f"{path}: a record cannot hold {type_name(value)}")


def _list(values: list[object] | tuple[object, ...], path: str, depth: int) -> payload_pb2.ListValue:
    _check_depth(path, depth)
    return payload_pb2.ListValue(values=[_value(each, f"{path}[{i}]", depth) for i, each in enumerate(values)])


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


def _text(value: str, path: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{path}: the text is not valid Unicode: {error.reason}") from error
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


def duration(value: timedelta, path: str) -> Duration:
    """Turn a length of time into its message. Raises ValueError for one that is too long."""
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
