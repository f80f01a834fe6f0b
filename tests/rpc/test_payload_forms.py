"""Every form of payload, from the call to the object."""

import json

import pytest
from google.protobuf.any_pb2 import Any
from support.served import Served
from support.specs import text_record

from integrationbus.examples.iso3166.v1.country_pb2 import Country
from integrationbus.v1 import enums_pb2, object_service_pb2, payload_pb2, task_pb2
from integrationbus.v1.object_service_pb2 import GetObjectRequest
from integrationbus.v1.payload_pb2 import EncodedPayload, Payload, PreparedObject, PreparedPage, Record, Value
from integrationbus.v1.task_service_pb2 import GetTaskRequest, LogTaskRequest, WatchTasksRequest

CREATE, CREATE_PAGE = enums_pb2.TASK_TYPE_CREATE_OBJECT, enums_pb2.TASK_TYPE_CREATE_DOCUMENT


async def process(served: Served, spec: task_pb2.TaskSpec) -> task_pb2.Task:
    """Log a task, and return it once it is settled."""
    logged = await served.tasks.LogTask(LogTaskRequest(task=spec))
    task_filter = task_pb2.TaskFilter(task_ids=[logged.task.id], connectors=[spec.connector])
    watch = served.tasks.WatchTasks(WatchTasksRequest(filter=task_filter, resume_token=logged.resume_token))
    async for message in watch:
        if any(change.state >= enums_pb2.TASK_STATE_SUCCEEDED for change in message.changes.changes):
            break
    watch.cancel()
    request = GetTaskRequest(id=logged.task.id, view=enums_pb2.TASK_VIEW_FULL)
    return (await served.tasks.GetTask(request)).task


async def get(served: Served, object_type: str, code_name: str) -> object_service_pb2.BusObject:
    request = GetObjectRequest(object_type=object_type, code_name=code_name)
    return (await served.objects.GetObject(request)).object


def spec(payload: Payload, connector: str = "people", **fields: str) -> task_pb2.TaskSpec:
    return task_pb2.TaskSpec(connector=connector, task_type=CREATE, payload=payload, **fields)  # type: ignore[arg-type] # texts


@pytest.mark.parametrize("content_type", ["application/json", "application/vnd.example+json; charset=utf-8"])
async def test_json_reaches_the_connector_parsed(served: Served, content_type: str) -> None:
    data = json.dumps({"name": "Ada", "age": 36}).encode()
    payload = Payload(encoded=EncodedPayload(content_type=content_type, data=data))
    task = await process(served, spec(payload))
    assert task.state == enums_pb2.TASK_STATE_SUCCEEDED, task.last_error
    assert task.payload == payload, "what was logged is what is stored"
    assert (await get(served, "test.person", "Ada")).fields.fields["age"].int64_value == 36


async def test_a_message_reaches_the_connector_as_that_message(served: Served) -> None:
    country = Country(alpha_2="AT", alpha_3="AUT", numeric="040", name="Austria", flag="x")
    message = Any()
    message.Pack(country)
    task = await process(served, spec(Payload(message=message), "iso3166"))
    assert task.state == enums_pb2.TASK_STATE_SUCCEEDED, task.last_error
    unpacked = Country()
    assert task.payload.message.Unpack(unpacked)
    assert unpacked == country


async def test_a_prepared_object_passes_the_connector_by(served: Served) -> None:
    boss = await process(served, spec(Payload(record=text_record(name="Ada")), external_id="1"))
    assert boss.state == enums_pb2.TASK_STATE_SUCCEEDED
    reference = Value(reference_value=payload_pb2.Reference(external_id="1"))
    fields = Record(fields={"name": Value(string_value="Bob"), "boss_id": reference})
    task = await process(served, spec(Payload(object=PreparedObject(object_type="test.person", fields=fields))))
    assert task.state == enums_pb2.TASK_STATE_SUCCEEDED, task.last_error
    assert (await get(served, "test.person", "Bob")).fields.fields["boss_id"].int64_value == boss.result.object_id


async def test_prepared_pages_make_a_tree(served: Served) -> None:
    site = text_record(make="site", site_name="main", site_display_name="Main")
    await process(served, spec(Payload(record=site)))

    def page(alias: str, external_id: str, place: PreparedPage) -> task_pb2.TaskSpec:
        prepared = PreparedPage(object_type="cms.page", culture="en-US", alias=alias, fields=text_record(title=alias))
        prepared.MergeFrom(place)
        return task_pb2.TaskSpec(
            connector="people",
            task_type=CREATE_PAGE,
            site="main",
            external_id=external_id,
            payload=Payload(page=prepared),
        )

    below_b = PreparedPage(parent=payload_pb2.Reference(external_id="2"))
    pages = (page("a", "1", PreparedPage()), page("b", "2", PreparedPage(parent_path="/a")), page("c", "3", below_b))
    for made in pages:
        task = await process(served, made)
        assert task.state == enums_pb2.TASK_STATE_SUCCEEDED, task.last_error
    assert (await get(served, "cms.page", "/a/b/c")).fields.fields["title"].string_value == "c"


async def test_a_wrong_value_names_its_column(served: Served) -> None:
    fields = Record(fields={"name": Value(string_value="Bob"), "age": Value(string_value="old")})
    task = await process(served, spec(Payload(object=PreparedObject(object_type="test.person", fields=fields))))
    assert (task.last_error.reason, list(task.last_error.field_paths)) == ("TARGET_REFUSED", ["age"])
