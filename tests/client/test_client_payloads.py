"""What a task carries arrives as it was meant, and what cannot be carried is refused where it is."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from integrationbus.client import (
    Encoded,
    ExternalId,
    Json,
    NewTask,
    Payload,
    PreparedObject,
    PreparedPage,
    PreparedPart,
    Reference,
    SnapshotHandling,
    StoredPayload,
    TaskType,
)
from integrationbus.client.wire.payloads import read_payload
from integrationbus.client.wire.tasks import task_spec
from integrationbus.v1 import payload_pb2, task_pb2

GUID = UUID("11111111-2222-3333-4444-555555555555")


@dataclass
class Address:
    street: str
    numbers: tuple[int, ...]


@dataclass
class Person:
    name: str
    address: Address


def spec(payload: Payload, external_id: ExternalId = "") -> task_pb2.TaskSpec:
    return task_spec(NewTask("crm", TaskType.CREATE_OBJECT, payload, external_id=external_id))


def stored(payload: Payload) -> StoredPayload | None:
    """A payload as it is read back after it has travelled."""
    return read_payload(payload_pb2.Payload.FromString(spec(payload).payload.SerializeToString()))


def kinds(value: object) -> object:
    """The types of all values: 1 == 1.0 == True == Decimal(1), yet these are four values."""
    match value:
        case dict():
            return {name: kinds(each) for name, each in value.items()}
        case list():
            return [kinds(each) for each in value]
    return type(value)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.binary()
    | st.datetimes(timezones=st.just(UTC))
    | st.timedeltas(timedelta(days=-3_000_000), timedelta(days=3_000_000))
    | st.uuids()
    | st.builds(Reference, st.text(min_size=1), st.text()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_a_record_comes_back_exactly(fields: dict[str, object]) -> None:
    back = stored(fields)
    assert back == fields
    assert kinds(back) == kinds(fields)


def test_a_dataclass_is_a_record_on_every_level() -> None:
    expected = {"name": "Jane", "address": {"street": "High St", "numbers": [1, 2]}}
    assert stored(Person("Jane", Address("High St", (1, 2)))) == expected
    assert stored({"people": [Person("Jane", Address("High St", (1, 2)))]}) == {"people": [expected]}


def test_any_mapping_is_a_record() -> None:
    assert stored(OrderedDict(a=OrderedDict(b=1))) == {"a": {"b": 1}}


def test_a_moment_travels_in_utc() -> None:
    there = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert stored({"at": there}) == {"at": datetime(2025, 12, 31, 23, tzinfo=UTC)}


def test_integers_of_any_size_are_external_ids() -> None:
    assert spec({}, external_id=2**70).external_id == "1180591620717411303424"
    assert stored({"boss": Reference(7, "cms.user")}) == {"boss": Reference("7", "cms.user")}
    with pytest.raises(TypeError, match="an external id is text or an integer, not bool"):
        spec({}, external_id=True)


def test_a_protobuf_message_travels_as_itself() -> None:
    back = stored(Timestamp(seconds=5))
    assert isinstance(back, Any)
    found = Timestamp()
    assert back.Unpack(found)
    assert found == Timestamp(seconds=5)
    assert stored(back) == back


def test_json_is_compact_and_not_escaped() -> None:
    assert stored(Json({"name": "Jürgen", "tags": [1]}, schema="person")) == Encoded(
        "application/json", '{"name":"Jürgen","tags":[1]}'.encode(), "person"
    )
    with pytest.raises(ValueError, match="JSON"):
        spec(Json(float("nan")))


def test_encoded_bytes_carry_their_digest() -> None:
    encoded = spec(Encoded("text/csv", b"a,b")).payload.encoded
    assert (encoded.content_type, encoded.data) == ("text/csv", b"a,b")
    assert encoded.sha256 == hashlib.sha256(b"a,b").digest()


@pytest.mark.parametrize(
    "payload",
    [
        PreparedObject("cms.user", {"login": "jane", "boss": Reference("7")}),
        PreparedObject(
            "cms.user",
            {"login": "jane"},
            parts=(
                PreparedPart(
                    "cms.userrole",
                    (PreparedObject("cms.userrole", {"role_id": Reference("5")}, external_id="6"),),
                    handling=SnapshotHandling.INCREMENTAL,
                    through="user_id",
                ),
                PreparedPart("cms.usersite"),
            ),
        ),
        PreparedPage("cms.page", "en-US", {"title": "Home"}, node_guid=GUID, alias="home", order=2),
        PreparedPage("cms.page", "en-US", {}, alias="home", parent_path="/a"),
        PreparedPage("cms.page", "en-US", {}, parent=Reference("5", "cms.page")),
    ],
    ids=["object", "object with parts", "page by guid", "page by path", "page by parent"],
)
def test_prepared_objects_and_pages_come_back_as_they_were(payload: PreparedObject | PreparedPage) -> None:
    assert stored(payload) == payload


def test_a_payload_that_is_not_there_is_none() -> None:
    assert read_payload(payload_pb2.Payload()) is None


def deep(levels: int) -> dict[str, object]:
    record: dict[str, object] = {}
    for _ in range(levels - 1):
        record = {"a": record}
    return record


def test_a_record_may_be_32_levels_deep_and_no_deeper() -> None:
    assert stored(deep(32)) == deep(32)
    with pytest.raises(ValueError, match="nested deeper than 32 levels"):
        spec(deep(33))


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (2**63, ValueError, "the integer does not fit in 64 bits"),
        (float("inf"), ValueError, "inf is not a number that a record can hold"),
        (Decimal("NaN"), ValueError, "NaN is not a number that a record can hold"),
        (datetime(2026, 1, 1), ValueError, "the datetime has no time zone"),  # noqa: DTZ001 - what is refused
        (date(2026, 1, 1), TypeError, "a record cannot hold date"),
        (timedelta.max, ValueError, "the timedelta is longer than 10,000 years"),
        ("\ud800", ValueError, "the text is not valid Unicode"),
        (Address, TypeError, "a record cannot hold the class Address"),
        ({1: 2}, TypeError, "the names of fields are text, not 1"),
        ({"b"}, TypeError, "a record cannot hold set"),
        (Reference(True), TypeError, "an external id is text or an integer, not bool"),  # noqa: FBT003 - what is refused
    ],
    ids=repr,
)
def test_a_value_that_does_not_fit_is_named_by_its_path(value: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=rf"^payload\.record\.people\[1\]\.x.*{message}"):
        spec({"people": [{}, {"x": value}]})


@pytest.mark.parametrize("payload", [5, "text", [1], Address], ids=repr)
def test_what_is_no_payload_is_refused(payload: Mapping[str, object]) -> None:
    with pytest.raises(
        TypeError, match=r"^payload: a payload is a mapping, .* or PreparedPage, not (int|str|list|the class Address)$"
    ):
        spec(payload)


def test_a_value_of_a_newer_server_is_not_read_as_something_else() -> None:
    record = payload_pb2.Record(fields={"a": payload_pb2.Value()})
    with pytest.raises(ValueError, match="a: the server sent a kind of value that this client does not know"):
        read_payload(payload_pb2.Payload(record=record))
