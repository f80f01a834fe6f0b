"""Between the values of a record on the wire and in Python."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from integrationbus.connectors.keys import Reference
from integrationbus.v1 import payload_pb2

__all__ = ["read_record", "write_record", "write_value"]


def read_record(record: payload_pb2.Record) -> dict[str, object]:
    """The fields of a record that was checked when it was logged."""
    return {name: _read(value) for name, value in record.fields.items()}


def write_record(fields: Mapping[str, object]) -> payload_pb2.Record:
    """Fields as a record. Raises TypeError for a value that a record cannot hold."""
    return payload_pb2.Record(fields={name: write_value(value) for name, value in fields.items()})


def _read(value: payload_pb2.Value) -> object:
    match value.WhichOneof("kind"):
        case "decimal_value":
            return Decimal(value.decimal_value)
        case "timestamp_value":
            return value.timestamp_value.ToDatetime(tzinfo=UTC)
        case "duration_value":
            return value.duration_value.ToTimedelta()
        case "uuid_value":
            return UUID(value.uuid_value)
        case "reference_value":
            return Reference(value.reference_value.external_id, value.reference_value.object_type)
        case "list_value":
            return [_read(item) for item in value.list_value.values]
        case "record_value":
            return read_record(value.record_value)
        case "null_value" | None:
            return None
        case kind:
            return getattr(value, kind)


def write_value(value: object) -> payload_pb2.Value:
    """One value. Raises TypeError for one that a record cannot hold."""
    match value:
        case None:
            return payload_pb2.Value(null_value=True)
        case bool():
            return payload_pb2.Value(bool_value=value)
        case int():
            return payload_pb2.Value(int64_value=value)
        case float():
            return payload_pb2.Value(double_value=value)
        case Decimal():
            return payload_pb2.Value(decimal_value=str(value))
        case str():
            return payload_pb2.Value(string_value=value)
        case bytes():
            return payload_pb2.Value(bytes_value=value)
        case datetime():
            moment = Timestamp()
            moment.FromDatetime(value)
            return payload_pb2.Value(timestamp_value=moment)
        case timedelta():
            length = Duration()
            length.FromTimedelta(value)
            return payload_pb2.Value(duration_value=length)
        case date() | time():
            return payload_pb2.Value(string_value=value.isoformat())
        case UUID():
            return payload_pb2.Value(uuid_value=str(value))
        case Reference():
            reference = payload_pb2.Reference(external_id=str(value.external_id), object_type=value.object_type)
            return payload_pb2.Value(reference_value=reference)
        case list() | tuple():
            return payload_pb2.Value(list_value=payload_pb2.ListValue(values=[write_value(item) for item in value]))
        case Mapping():
            return payload_pb2.Value(record_value=write_record(value))
    raise TypeError(f"a record cannot hold {type(value).__name__}")
