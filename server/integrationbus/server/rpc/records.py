"""Checking records, all the way down."""

import math
import re
from dataclasses import dataclass
from uuid import UUID

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from integrationbus.server.errors import FieldProblem, InvalidRequest, RecordTooDeep
from integrationbus.server.limits import Limits
from integrationbus.server.rpc.checks import check_text, has_control, invalid
from integrationbus.v1 import payload_pb2

__all__ = ["check_record", "check_reference"]

_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?")
_MAX_DECIMAL_LENGTH = 1_000
_MAX_NAME_LENGTH = 200
_TIMESTAMP_SECONDS = range(-62_135_596_800, 253_402_300_800)
_MAX_DURATION_SECONDS = 315_576_000_000
_NANOS = range(1_000_000_000)
_ALWAYS_FINE = frozenset({"bool_value", "int64_value", "string_value", "bytes_value"})


@dataclass(slots=True)
class _Budget:
    """What is left of the limits while a record is walked."""

    limits: Limits
    values: int = 0

    def spend(self, depth: int) -> bool:
        """Count a value; returns whether it is within the limits."""
        self.values += 1
        return self.values <= self.limits.max_record_values and depth <= self.limits.max_record_depth

    def refusal(self, path: str) -> InvalidRequest:
        """The refusal of a value that is not."""
        if self.values > self.limits.max_record_values:
            return invalid(path, f"the record has more than {self.limits.max_record_values} values")
        text = f"is nested deeper than {self.limits.max_record_depth} levels"
        return RecordTooDeep(FieldProblem(path, text))


def check_record(path: str, record: payload_pb2.Record, limits: Limits) -> None:
    """Check every value of a record. Raises InvalidField or RecordTooDeep."""
    _check_record(path, record, 1, _Budget(limits))


def check_reference(path: str, reference: payload_pb2.Reference) -> None:
    """Check a foreign key. Raises InvalidField."""
    check_text(f"{path}.external_id", reference.external_id, 255, required=True)
    check_text(f"{path}.object_type", reference.object_type, 200)


def _check_record(path: str, record: payload_pb2.Record, depth: int, budget: _Budget) -> None:
    fields = record.fields
    for name in fields:
        if not 1 <= len(name) <= _MAX_NAME_LENGTH or has_control(name):
            text = f"the field name {name[:40]!r} is not 1 to 200 characters without control characters"
            raise invalid(f"{path}.fields", text)
        if not budget.spend(depth):
            raise budget.refusal(f"{path}.fields[{name}]")
        value = fields[name]
        # Without the path of each value this takes half of the time.
        if value.WhichOneof("kind") not in _ALWAYS_FINE:
            _check_value(f"{path}.fields[{name}]", value, depth, budget)


def _check_value(path: str, value: payload_pb2.Value, depth: int, budget: _Budget) -> None:
    kind = value.WhichOneof("kind")
    match kind:
        case None:
            raise invalid(path, "has no kind set")
        case "record_value":
            _check_record(f"{path}.record_value", value.record_value, depth + 1, budget)
        case "list_value":
            for index, item in enumerate(value.list_value.values):
                if not budget.spend(depth + 1):
                    raise budget.refusal(f"{path}.list_value.values[{index}]")
                _check_value(f"{path}.list_value.values[{index}]", item, depth + 1, budget)
        case "reference_value":
            check_reference(f"{path}.reference_value", value.reference_value)
        case _:
            problem = _problem_of(value)
            if problem:
                raise invalid(f"{path}.{kind}", problem)


def _problem_of(value: payload_pb2.Value) -> str:
    """What is wrong with a plain value; empty when nothing is."""
    match value.WhichOneof("kind"):
        case "null_value" if not value.null_value:
            return "must be true"
        case "double_value" if not math.isfinite(value.double_value):
            return "must be a finite number"
        case "decimal_value" if not _is_decimal(value.decimal_value):
            return "must be a decimal number of at most 1,000 characters, such as -12.50 or 1e6"
        case "uuid_value" if not _is_uuid(value.uuid_value):
            return "must be a UUID in its canonical text form"
        case "timestamp_value" if not _is_timestamp(value.timestamp_value):
            return "must be a point in time in the years 1 to 9999"
        case "duration_value" if not _is_duration(value.duration_value):
            return "must be a length of time of at most 10,000 years, seconds and nanos with one sign"
        case _:
            return ""


def _is_decimal(text: str) -> bool:
    return len(text) <= _MAX_DECIMAL_LENGTH and text.isascii() and _DECIMAL.fullmatch(text) is not None


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def _is_timestamp(value: Timestamp) -> bool:
    return value.seconds in _TIMESTAMP_SECONDS and value.nanos in _NANOS


def _is_duration(value: Duration) -> bool:
    same_sign = value.seconds * value.nanos >= 0
    return same_sign and abs(value.seconds) <= _MAX_DURATION_SECONDS and abs(value.nanos) in _NANOS
