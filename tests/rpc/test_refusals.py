"""Bad input: each kind is refused at once, with status, reason and the path of the field."""

from collections.abc import Callable

import grpc
import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.timestamp_pb2 import Timestamp
from support.served import Served, refusal_of
from support.specs import person

from integrationbus.v1 import enums_pb2, payload_pb2, task_pb2
from integrationbus.v1.task_service_pb2 import GetTaskRequest, ListTasksRequest, LogTaskRequest

Change = Callable[[task_pb2.TaskSpec], None]


def payload(**form: object) -> Change:
    return lambda spec: spec.payload.CopyFrom(payload_pb2.Payload(**form))  # type: ignore[arg-type] # any form


def value(**kind: object) -> Change:
    record = payload_pb2.Record(fields={"f": payload_pb2.Value(**kind)})  # type: ignore[arg-type] # any kind
    return payload(record=record)


def fields(**values: object) -> Change:
    return lambda spec: spec.MergeFrom(task_pb2.TaskSpec(**values))  # type: ignore[arg-type] # any field


def both(*changes: Change) -> Change:
    def change_all(spec: task_pb2.TaskSpec) -> None:
        for change in changes:
            change(spec)

    return change_all


def deep(levels: int) -> payload_pb2.Record:
    record = payload_pb2.Record()
    for _ in range(levels):
        record = payload_pb2.Record(fields={"r": payload_pb2.Value(record_value=record)})
    return record


MANY = payload_pb2.ListValue(values=[payload_pb2.Value(bool_value=True)] * 10_001)
JSON = "application/json"
NUL = Any(type_url="type.googleapis.com/example.Unknown")
PAGE = enums_pb2.TASK_TYPE_CREATE_DOCUMENT

CASES: list[tuple[str, Change, str, str]] = [
    ("an unknown connector", fields(connector="nobody"), "CONNECTOR_NOT_FOUND", ""),
    ("an unknown task type", fields(task_type=99), "INVALID_FIELD", "task.task_type"),
    ("an unknown data type", fields(data_type=99), "INVALID_FIELD", "task.data_type"),
    ("an unknown process type", fields(process_type=99), "INVALID_FIELD", "task.process_type"),
    ("no payload", lambda spec: spec.ClearField("payload"), "INVALID_FIELD", "task.payload"),
    ("a message it does not take", payload(message=NUL), "PAYLOAD_NOT_ACCEPTED", "task.payload.message.type_url"),
    ("a malformed type URL", payload(message=Any(type_url="x")), "INVALID_FIELD", "task.payload.message.type_url"),
    (
        "a record where JSON is wanted",
        fields(connector="narrow"),
        "PAYLOAD_NOT_ACCEPTED",
        "task.payload.record",
    ),
    (
        "a content type it does not take",
        both(fields(connector="narrow"), payload(encoded={"content_type": "text/csv"})),
        "PAYLOAD_NOT_ACCEPTED",
        "task.payload.encoded.content_type",
    ),
    (
        "no content type",
        payload(encoded={"data": b"x"}),
        "INVALID_FIELD",
        "task.payload.encoded.content_type",
    ),
    (
        "JSON that is none",
        payload(encoded={"content_type": JSON, "data": b"{"}),
        "INVALID_FIELD",
        "task.payload.encoded.data",
    ),
    (
        "damaged bytes",
        payload(encoded={"content_type": "text/csv", "data": b"a", "sha256": b"b"}),
        "INVALID_FIELD",
        "task.payload.encoded.sha256",
    ),
    ("too many values", value(list_value=MANY), "INVALID_FIELD", "task.payload.record.fields[f]"),
    ("a payload that is too large", value(bytes_value=bytes(2**20)), "PAYLOAD_TOO_LARGE", "task.payload"),
    ("a value without a kind", value(), "INVALID_FIELD", "task.payload.record.fields[f]"),
    ("not a number", value(double_value=float("nan")), "INVALID_FIELD", "task.payload.record.fields[f].double_value"),
    (
        "a decimal that is none",
        value(decimal_value="1,5"),
        "INVALID_FIELD",
        "task.payload.record.fields[f].decimal_value",
    ),
    ("a UUID that is none", value(uuid_value="7"), "INVALID_FIELD", "task.payload.record.fields[f].uuid_value"),
    ("a null that is false", value(null_value=False), "INVALID_FIELD", "task.payload.record.fields[f].null_value"),
    (
        "a time out of range",
        value(timestamp_value=Timestamp(seconds=10**15)),
        "INVALID_FIELD",
        "task.payload.record.fields[f].timestamp_value",
    ),
    (
        "a key without an id",
        value(reference_value={}),
        "INVALID_FIELD",
        "task.payload.record.fields[f].reference_value.external_id",
    ),
    ("an external id that is too long", fields(external_id="x" * 256), "INVALID_FIELD", "task.external_id"),
    ("a control character", fields(title="a\x00b"), "INVALID_FIELD", "task.title"),
    ("too many labels", fields(labels={f"l{i}": "" for i in range(33)}), "INVALID_FIELD", "task.labels"),
    ("a trace that is none", fields(trace_parent="abc"), "INVALID_FIELD", "task.trace_parent"),
    ("an unknown object type", fields(object_type="cms.dog"), "INVALID_FIELD", "task.object_type"),
    ("a page type for an object", fields(object_type="cms.page"), "TASK_TYPE_MISMATCH", "task.object_type"),
    (
        "an object type for a page",
        fields(object_type="cms.user", task_type=PAGE, site="main"),
        "TASK_TYPE_MISMATCH",
        "task.object_type",
    ),
    ("a page without a site", fields(task_type=PAGE), "INVALID_FIELD", "task.site"),
    (
        "a prepared page for an object task",
        payload(page={"object_type": "cms.page", "culture": "en-US"}),
        "TASK_TYPE_MISMATCH",
        "task.task_type",
    ),
    (
        "a prepared object of a page type",
        payload(object={"object_type": "cms.page"}),
        "TASK_TYPE_MISMATCH",
        "task.payload.object.object_type",
    ),
    (
        "a column that does not exist",
        payload(object={"object_type": "test.person", "fields": deep(1)}),
        "INVALID_FIELD",
        "task.payload.object.fields.fields[r]",
    ),
]


@pytest.mark.parametrize(("change", "reason", "path"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
async def test_a_bad_task_is_refused_and_nothing_is_stored(
    served: Served, change: Change, reason: str, path: str
) -> None:
    spec = person("Ada")
    change(spec)
    refusal = await refusal_of(served.tasks.LogTask(LogTaskRequest(task=spec)))
    assert refusal.reason == reason
    assert refusal.path.startswith(path)
    assert refusal.code == ("NOT_FOUND" if reason == "CONNECTOR_NOT_FOUND" else "INVALID_ARGUMENT")
    assert not (await served.tasks.ListTasks(ListTasksRequest())).tasks


async def test_what_does_not_exist_is_not_found(served: Served) -> None:
    refusal = await refusal_of(served.tasks.GetTask(GetTaskRequest(id="nothing")))
    assert (refusal.code, refusal.reason) == ("NOT_FOUND", "TASK_NOT_FOUND")
    request = ListTasksRequest(filter=task_pb2.TaskFilter(connectors=["nobody"]))
    assert (await refusal_of(served.tasks.ListTasks(request))).reason == "CONNECTOR_NOT_FOUND"


async def test_a_name_that_is_too_long_is_refused(served: Served) -> None:
    metadata = [("integrationbus-application", "x" * 101)]
    refusal = await refusal_of(served.tasks.LogTask(LogTaskRequest(task=person("Ada")), metadata=metadata))
    assert (refusal.reason, refusal.path) == ("INVALID_FIELD", "integrationbus-application")


async def test_the_tasks_of_a_connector_that_cannot_be_loaded_are_kept(served: Served) -> None:
    answer = await served.tasks.LogTask(LogTaskRequest(task=person("Ada", "support.nowhere:LostConnector")))
    task = (await served.tasks.GetTask(GetTaskRequest(id=answer.task.id))).task
    assert task.state == enums_pb2.TASK_STATE_PENDING


def nested_request(levels: int) -> bytes:
    """A LogTaskRequest with a record that deep, byte by byte: Python's protobuf would not make the deepest ones."""

    def part(number: int, content: bytes) -> bytes:
        size = len(content)
        encoded = bytearray()
        while size >= 0x80:
            encoded.append(size & 0x7F | 0x80)
            size >>= 7
        return bytes([number << 3 | 2]) + bytes([*encoded, size]) + content

    record = b""
    for _ in range(levels):
        record = part(1, part(1, b"r") + part(2, part(13, record)))
    spec = part(1, b"notified") + bytes([2 << 3, 1]) + part(10, part(1, record))
    return part(1, spec)


@pytest.mark.parametrize(("levels", "accepted"), [(32, True), (33, False), (200, False)])
async def test_a_record_may_be_32_levels_deep(served: Served, levels: int, accepted: bool) -> None:
    call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = served.channel.unary_unary(
        "/integrationbus.v1.TaskService/LogTask"
    )
    if accepted:
        assert await call(nested_request(levels))
        return
    refusal = await refusal_of(call(nested_request(levels)))
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "RECORD_TOO_DEEP")
