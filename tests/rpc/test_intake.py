"""Intake: what becomes of a task before anything is stored. No server, no database."""

import hashlib
from contextlib import suppress

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from support.people import NarrowConnector, PeopleConnector, PersonInfo

from integrationbus.connectors import Accepts, IntegrationConnector
from integrationbus.connectors.object_class import describe
from integrationbus.examples.iso3166.v1.country_pb2 import Country
from integrationbus.server.errors import BusError, ConnectorNotFound, InvalidRequest
from integrationbus.server.limits import Limits
from integrationbus.server.registry import ConnectorRegistry, RegisteredConnector
from integrationbus.server.rpc.intake import check_task
from integrationbus.server.task import NewTask, PayloadForm, ProcessType, TaskDataType, TaskType
from integrationbus.v1 import enums_pb2
from integrationbus.v1.payload_pb2 import (
    EncodedPayload,
    ListValue,
    Payload,
    PreparedObject,
    PreparedPage,
    Record,
    Value,
)
from integrationbus.v1.task_pb2 import TaskSpec

CREATE, CREATE_PAGE = enums_pb2.TASK_TYPE_CREATE_OBJECT, enums_pb2.TASK_TYPE_CREATE_DOCUMENT
SMALL = Limits(max_payload_bytes=2_000, max_record_depth=3, max_record_values=20)


class CountryConnector(IntegrationConnector):
    """Takes one kind of message, and nothing else."""

    name = "countries"
    accepts = Accepts(record=False, messages=(Country,), content_types=(), prepared=False)
    object_classes = (PersonInfo,)


def registered(number: int, connector: IntegrationConnector) -> RegisteredConnector:
    classes = [describe(cls) for cls in connector.object_classes]
    return RegisteredConnector(
        id=number,
        name=connector.name,
        class_path="",
        connector=connector,
        problem="",
        object_classes={item.object_type: item for item in classes},
    )


LOST = RegisteredConnector(id=9, name="lost", class_path="a:B", connector=None, problem="gone", object_classes={})
REGISTRY = ConnectorRegistry(
    [registered(1, PeopleConnector()), registered(2, NarrowConnector()), registered(3, CountryConnector()), LOST], []
)


def spec(payload: Payload | None = None, connector: str = "people", **fields: object) -> TaskSpec:
    made = payload or Payload(record=Record(fields={"name": Value(string_value="Ada")}))
    base = TaskSpec(connector=connector, task_type=CREATE, payload=made)
    base.MergeFrom(TaskSpec(**fields))  # type: ignore[arg-type] # any field
    return base


def check(task: TaskSpec, limits: Limits = SMALL) -> NewTask:
    return check_task(task, registry=REGISTRY, limits=limits, creator="crm")


def refusal(task: TaskSpec) -> tuple[str, str]:
    """The reason, and the path of the field."""
    with pytest.raises(BusError) as caught:
        check(task)
    error = caught.value
    return error.reason, error.problems[0].path if isinstance(error, InvalidRequest) else ""


def record(**fields: Value) -> Payload:
    return Payload(record=Record(fields=fields))


def test_what_is_left_out_takes_the_documented_default() -> None:
    task = check(spec())
    assert (task.task_type, task.data_type) == (TaskType.CREATE_OBJECT, TaskDataType.SIMPLE_SNAPSHOT)
    assert (task.process_type, task.creator, task.given_title) == (ProcessType.DEFAULT, "crm", "")
    assert task.payload.form is PayloadForm.RECORD


def test_ids_are_time_ordered_uuids() -> None:
    ids = [check(spec()).id for _ in range(50)]
    assert ids == sorted(ids)
    assert {(len(each), each[14]) for each in ids} == {(36, "7")}


def test_equal_tasks_have_equal_digests_whatever_the_order_of_their_fields() -> None:
    names = [f"n{i}" for i in range(10)]
    one, two = (
        spec(record(**{name: Value(string_value=name) for name in order}), labels=dict.fromkeys(order, "x"))
        for order in (names, names[::-1])
    )
    assert check(one).digest() == check(two).digest() != check(spec()).digest()


def test_an_unknown_connector_is_not_found() -> None:
    with pytest.raises(ConnectorNotFound):
        check(spec(connector="nobody"))
    assert refusal(TaskSpec(task_type=CREATE)) == ("INVALID_FIELD", "connector")


ENCODED = EncodedPayload(content_type="application/json", data=b"{}")
PACKED = AnyMessage()
PACKED.Pack(Country(name="Austria"))


@pytest.mark.parametrize(
    ("payload", "connector", "form", "type_name", "data"),
    [
        (Payload(message=PACKED), "countries", PayloadForm.MESSAGE, Country.DESCRIPTOR.full_name, PACKED.value),
        (Payload(encoded=ENCODED), "narrow", PayloadForm.ENCODED, "application/json", b"{}"),
        (
            Payload(object=PreparedObject(object_type="test.person")),
            "people",
            PayloadForm.OBJECT,
            "test.person",
            PreparedObject(object_type="test.person").SerializeToString(),
        ),
    ],
)
def test_the_inner_message_is_what_is_stored(
    payload: Payload, connector: str, form: PayloadForm, type_name: str, data: bytes
) -> None:
    stored = check(spec(payload, connector)).payload
    assert (stored.form, stored.type_name, stored.data) == (form, type_name, data)


@pytest.mark.parametrize(
    ("task", "path"),
    [
        (spec(connector="narrow"), "payload.record"),
        (spec(Payload(message=PACKED)), "payload.message.type_url"),
        (spec(Payload(encoded=ENCODED), "countries"), "payload.encoded.content_type"),
        (spec(Payload(object=PreparedObject(object_type="test.person")), "narrow"), "payload.object"),
        (
            spec(
                Payload(page=PreparedPage(object_type="cms.page", culture="en")),
                "narrow",
                task_type=CREATE_PAGE,
                site="s",
            ),
            "payload.page",
        ),
    ],
)
def test_a_form_that_the_connector_does_not_take_is_refused(task: TaskSpec, path: str) -> None:
    assert refusal(task) == ("PAYLOAD_NOT_ACCEPTED", path)


@pytest.mark.parametrize(
    "payload",
    [
        record(f=Value(bool_value=True)),
        Payload(message=AnyMessage(type_url="type.googleapis.com/example.Thing", value=b"\xff")),
        Payload(encoded=EncodedPayload(content_type="text/csv", data=b"a;b")),
        Payload(object=PreparedObject(object_type="example.thing")),
    ],
)
def test_without_the_class_only_what_needs_it_is_left_unchecked(payload: Payload) -> None:
    assert check(spec(payload, "lost", object_type="example.thing")).connector == "lost"
    assert refusal(spec(record(f=Value()), "lost")) == ("INVALID_FIELD", "payload.record.fields[f]")
    damaged = Payload(encoded=EncodedPayload(content_type="application/json", data=b"{"))
    assert refusal(spec(damaged, "lost")) == ("INVALID_FIELD", "payload.encoded.data")


def test_a_payload_may_be_as_large_as_the_limit_and_no_larger() -> None:
    def sized(number: int) -> Payload:
        return Payload(encoded=EncodedPayload(content_type="a/b", data=bytes(number)))

    largest = SMALL.max_payload_bytes - (sized(1_900).ByteSize() - 1_900)
    check(spec(sized(largest)))
    assert refusal(spec(sized(largest + 1))) == ("PAYLOAD_TOO_LARGE", "payload")


@pytest.mark.parametrize(
    "text",
    ["Prix\u00a0: 5 €", "👨\u200d👩\u200d👧", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "東京\u3000駅"],
)
def test_people_may_write_what_is_not_a_control_character(text: str) -> None:
    task = check(spec(record(**{text: Value(string_value=text)}), title=text, external_id=text, labels={text: text}))
    assert (task.given_title, task.external_id, task.labels) == (text, text, {text: text})


@pytest.mark.parametrize(("field", "limit"), [("title", 255), ("external_id", 255), ("site", 200)])
def test_lengths_are_counted_in_bytes(field: str, limit: int) -> None:
    def with_text(text: str) -> TaskSpec:
        task = spec()
        setattr(task, field, text)
        return task

    check(with_text("é" * (limit // 2)))
    assert refusal(with_text("é" * (limit // 2 + 1))) == ("INVALID_FIELD", field)
    assert refusal(with_text("a\x1bb")) == ("INVALID_FIELD", field)


@pytest.mark.parametrize(
    ("labels", "path"),
    [
        ({f"l{i}": "" for i in range(33)}, "labels"),
        ({"": "x"}, "labels"),
        ({"x" * 256: ""}, "labels"),
        ({"n": "x" * 256}, "labels[n]"),
        ({"n": "a\0"}, "labels[n]"),
    ],
)
def test_labels_are_few_and_short(labels: dict[str, str], path: str) -> None:
    assert refusal(spec(labels=labels)) == ("INVALID_FIELD", path)
    assert check(spec(labels={f"l{i}": "x" * 255 for i in range(32)})).labels["l31"] == "x" * 255


@pytest.mark.parametrize("content_type", ["json", "a/b c", "/x", "a/b\n"])
def test_a_content_type_is_a_media_type(content_type: str) -> None:
    payload = Payload(encoded=EncodedPayload(content_type=content_type))
    assert refusal(spec(payload)) == ("INVALID_FIELD", "payload.encoded.content_type")


def test_a_checksum_is_checked_when_there_is_one() -> None:
    def summed(checksum: bytes) -> Payload:
        return Payload(encoded=EncodedPayload(content_type="text/csv", data=b"a;b", sha256=checksum))

    check(spec(summed(hashlib.sha256(b"a;b").digest())))
    for wrong in (b"x", hashlib.sha256(b"a;c").digest()):
        assert refusal(spec(summed(wrong))) == ("INVALID_FIELD", "payload.encoded.sha256")


def test_a_message_that_does_not_parse_is_refused() -> None:
    broken = AnyMessage(type_url=PACKED.type_url, value=b"\xff")
    assert refusal(spec(Payload(message=broken), "countries")) == ("INVALID_FIELD", "payload.message.value")


def page(**fields: object) -> TaskSpec:
    prepared = PreparedPage(object_type="cms.page", culture="en-US")
    prepared.MergeFrom(PreparedPage(**fields))  # type: ignore[arg-type] # any field
    return spec(Payload(page=prepared), task_type=CREATE_PAGE, site="main")


@pytest.mark.parametrize(
    ("task", "path"),
    [
        (page(culture="x" * 21), "payload.page.culture"),
        (page(alias="a/b"), "payload.page.alias"),
        (page(node_guid="7"), "payload.page.node_guid"),
        (page(parent={}), "payload.page.parent.external_id"),
        (page(parent={"external_id": "1"}, parent_path="/"), "payload.page.parent"),
        (page(object_type="cms.nothing"), "payload.page.object_type"),
        (page(fields={"fields": {"document_id": Value(int64_value=1)}}), "payload.page.fields.fields[document_id]"),
        (page(fields={"fields": {"colour": Value(bool_value=True)}}), "payload.page.fields.fields[colour]"),
    ],
)
def test_a_prepared_page_says_where_it_stands(task: TaskSpec, path: str) -> None:
    assert check(page(alias="a", node_guid="c0ffee00-0000-4000-8000-000000000000")).object_type == "cms.page"
    assert refusal(task) == ("INVALID_FIELD", path)


@pytest.mark.parametrize(
    ("task", "path"),
    [
        (spec(object_type="cms.page"), "object_type"),
        (spec(object_type="test.person", task_type=CREATE_PAGE, site="main"), "object_type"),
        (spec(Payload(object=PreparedObject(object_type="cms.page"))), "payload.object.object_type"),
        (spec(Payload(object=PreparedObject(object_type="test.person")), task_type=CREATE_PAGE, site="m"), "task_type"),
        (spec(Payload(page=PreparedPage(object_type="cms.page", culture="en"))), "task_type"),
    ],
)
def test_objects_and_pages_are_not_mixed(task: TaskSpec, path: str) -> None:
    assert refusal(task) == ("TASK_TYPE_MISMATCH", path)


def test_the_type_of_a_prepared_object_counts_and_must_not_be_contradicted() -> None:
    payload = Payload(object=PreparedObject(object_type="test.person"))
    assert check(spec(payload)).object_type == "test.person"
    assert refusal(spec(payload, object_type="test.team")) == ("INVALID_FIELD", "object_type")
    assert refusal(spec(object_type="test.dog")) == ("INVALID_FIELD", "object_type")


WHOLE = page(
    alias="a",
    parent_path="/b",
    fields={"fields": {"title": Value(string_value="t"), "document_id": Value(list_value=ListValue())}},
).SerializeToString(deterministic=True)


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_a_damaged_task_is_taken_or_refused_with_a_path(place: int, byte: int) -> None:
    task = TaskSpec()
    with suppress(DecodeError):  # such a request does not come this far, but the part that was read is worth a try
        task.MergeFromString(WHOLE[:place] + bytes([byte]) + WHOLE[place + 1 :])
    refused: InvalidRequest | None = None
    try:
        check(task)
    except ConnectorNotFound:
        return
    except InvalidRequest as error:
        refused = error
    if refused is not None:
        assert refused.problems[0].path
        assert refused.below("task").problems[0].path == f"task.{refused.problems[0].path}"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_a_text_is_kept_as_it_is_unless_it_has_control_characters(text: str) -> None:
    if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text):
        assert refusal(spec(title=text)) == ("INVALID_FIELD", "title")
    else:
        assert check(spec(title=text)).given_title == text
