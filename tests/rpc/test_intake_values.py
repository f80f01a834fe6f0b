"""Records at the door: how deep, how many, and which values."""

from collections.abc import Callable

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from integrationbus.server.errors import InvalidRequest
from integrationbus.server.limits import Limits
from integrationbus.server.rpc.records import check_record
from integrationbus.v1 import payload_pb2
from integrationbus.v1.payload_pb2 import ListValue, Record, Value

SMALL = Limits(max_record_depth=3, max_record_values=20)


def check(record: Record) -> None:
    check_record("payload.record", record, SMALL)


def refusal(record: Record) -> tuple[str, str]:
    """The reason, and the path of the field."""
    with pytest.raises(InvalidRequest) as caught:
        check(record)
    return caught.value.reason, caught.value.problems[0].path


def record(**fields: Value) -> Record:
    return Record(fields=fields)


def nested(levels: int, wrap: Callable[[Value], Value]) -> Record:
    value = Value(bool_value=True)
    for _ in range(levels - 1):
        value = wrap(value)
    return record(f=value)


def in_record(value: Value) -> Value:
    return Value(record_value=Record(fields={"r": value}))


def in_list(value: Value) -> Value:
    return Value(list_value=ListValue(values=[value]))


@pytest.mark.parametrize("wrap", [in_record, in_list])
def test_nesting_is_counted_through_records_and_lists(wrap: Callable[[Value], Value]) -> None:
    check(nested(SMALL.max_record_depth, wrap))
    reason, path = refusal(nested(SMALL.max_record_depth + 1, wrap))
    assert (reason, path.startswith("payload.record.fields[f].")) == ("RECORD_TOO_DEEP", True)


def test_values_are_counted_on_all_levels() -> None:
    def holding(number: int) -> Record:
        return record(f=Value(list_value=ListValue(values=[Value(bool_value=True)] * number)))

    check(holding(SMALL.max_record_values - 1))
    assert refusal(holding(SMALL.max_record_values))[0] == "INVALID_FIELD"


BAD_VALUES = {
    "null_value": [Value(null_value=False)],
    "double_value": [Value(double_value=number) for number in (float("nan"), float("inf"), float("-inf"))],
    "decimal_value": [Value(decimal_value=text) for text in ("", "1,5", "NaN", "0x1", "1_0", "\u0661", "1" * 1_001)],
    "timestamp_value": [
        Value(timestamp_value=Timestamp(seconds=253_402_300_800)),
        Value(timestamp_value=Timestamp(seconds=-62_135_596_801)),
        Value(timestamp_value=Timestamp(nanos=-1)),
        Value(timestamp_value=Timestamp(nanos=1_000_000_000)),
    ],
    "duration_value": [
        Value(duration_value=Duration(seconds=1, nanos=-1)),
        Value(duration_value=Duration(seconds=315_576_000_001)),
    ],
    "uuid_value": [Value(uuid_value=text) for text in ("", "7", "{c0ffee00-0000-4000-8000-000000000000}")],
    "reference_value.external_id": [
        Value(reference_value=payload_pb2.Reference()),
        Value(reference_value=payload_pb2.Reference(external_id="x" * 256)),
    ],
}


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in BAD_VALUES.items() for value in values])
def test_a_malformed_value_is_named_by_its_path(kind: str, value: Value) -> None:
    assert refusal(record(f=value)) == ("INVALID_FIELD", f"payload.record.fields[f].{kind}")


@pytest.mark.parametrize(
    "value",
    [
        Value(null_value=True),
        Value(int64_value=2**63 - 1),
        Value(double_value=-0.0),
        Value(decimal_value="-1.50E+400"),
        Value(decimal_value="1" * 1_000),
        Value(string_value="a\tb\n"),
        Value(string_value="a\0b"),
        Value(bytes_value=b"\0"),
        Value(timestamp_value=Timestamp(seconds=-62_135_596_800)),
        Value(timestamp_value=Timestamp(seconds=253_402_300_799, nanos=999_999_999)),
        Value(duration_value=Duration(seconds=-1, nanos=-1)),
        Value(uuid_value="C0FFEE00-0000-4000-8000-000000000000"),
        Value(reference_value=payload_pb2.Reference(external_id="7", object_type="test.person")),
    ],
)
def test_values_at_the_edges_are_taken(value: Value) -> None:
    check(record(f=value))


@pytest.mark.parametrize("name", ["", "x" * 201, "a\0b", "a\nb", "\x85"])
def test_a_field_name_has_1_to_200_characters_without_control_characters(name: str) -> None:
    assert refusal(record(**{name: Value(bool_value=True)})) == ("INVALID_FIELD", "payload.record.fields")
