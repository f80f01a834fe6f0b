"""Tasks are asked for and read as they are."""

from datetime import UTC, datetime

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from support.either_client import EitherClient
from support.scripted_bus import ScriptedBus

from integrationbus.client import Task, TaskDataType, TaskEffect, TaskError, TaskResult, TaskStage, TaskState, TaskType
from integrationbus.client.model.enums import ProcessType
from integrationbus.v1 import enums_pb2, payload_pb2, task_pb2, task_service_pb2

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOON_MESSAGE = Timestamp(seconds=int(NOON.timestamp()))
TASK_MESSAGE = task_pb2.Task(
    id="t1",
    connector="crm",
    sequence=7,
    task_type=enums_pb2.TASK_TYPE_CREATE_OBJECT,
    data_type=enums_pb2.TASK_DATA_TYPE_SIMPLE,
    process_type=enums_pb2.PROCESS_TYPE_SKIP_ON_ERROR,
    object_type="cms.user",
    external_id="42",
    site="a",
    labels={"batch": "1"},
    title="Create user 42",
    payload=payload_pb2.Payload(record=payload_pb2.Record(fields={"name": payload_pb2.Value(string_value="Jane")})),
    state=enums_pb2.TASK_STATE_SUCCEEDED,
    attempts=2,
    last_error=task_pb2.TaskError(
        code=5,
        reason="KEY_NOT_FOUND",
        stage=enums_pb2.TASK_STAGE_TRANSLATE,
        message="no boss",
        field_paths=["boss"],
        retryable=True,
        occurred_at=NOON_MESSAGE,
    ),
    blocked_by="t0",
    result=task_pb2.TaskResult(effect=enums_pb2.TASK_EFFECT_CREATED, object_type="cms.user", object_id=9, notes=["!"]),
    logged_at=NOON_MESSAGE,
    started_at=NOON_MESSAGE,
    etag="e",
    creator="crm",
    trace_parent="00-1-2-01",
)
TASK = Task(
    id="t1",
    connector="crm",
    sequence=7,
    task_type=TaskType.CREATE_OBJECT,
    data_type=TaskDataType.SIMPLE,
    process_type=ProcessType.SKIP_ON_ERROR,
    object_type="cms.user",
    external_id="42",
    site="a",
    labels={"batch": "1"},
    title="Create user 42",
    payload={"name": "Jane"},
    state=TaskState.SUCCEEDED,
    attempts=2,
    last_error=TaskError(
        code=grpc.StatusCode.NOT_FOUND,
        reason="KEY_NOT_FOUND",
        stage=TaskStage.TRANSLATE,
        message="no boss",
        field_paths=("boss",),
        retryable=True,
        occurred_at=NOON,
    ),
    blocked_by="t0",
    result=TaskResult(effect=TaskEffect.CREATED, object_type="cms.user", object_id=9, notes=("!",)),
    logged_at=NOON,
    started_at=NOON,
    finished_at=None,
    next_attempt_at=None,
    etag="e",
    creator="crm",
    trace_parent="00-1-2-01",
)


def test_a_task_is_read_with_everything_it_has(bus: ScriptedBus, client: EitherClient) -> None:
    bus.answers("GetTask", task_service_pb2.GetTaskResponse(task=TASK_MESSAGE))
    assert client.call(lambda each: each.get_task("t1", with_payload=True)) == TASK
    assert bus.requests("GetTask") == [task_service_pb2.GetTaskRequest(id="t1", view=enums_pb2.TASK_VIEW_FULL)]


def test_numbers_of_a_newer_server_stay_numbers(bus: ScriptedBus, client: EitherClient) -> None:
    task = task_pb2.Task(task_type=enums_pb2.TaskType.ValueType(77), state=enums_pb2.TaskState.ValueType(78))
    bus.answers("GetTask", task_service_pb2.GetTaskResponse(task=task))
    found = client.call(lambda each: each.get_task("t1"))
    assert (int(found.task_type), found.state.name, found.state.is_final) == (77, "UNKNOWN_78", False)


def test_tasks_are_listed_page_by_page(bus: ScriptedBus, client: EitherClient) -> None:
    first = task_service_pb2.ListTasksResponse(tasks=[task_pb2.Task(id="a")], next_page_token="more")
    bus.answers("ListTasks", first, task_service_pb2.ListTasksResponse(tasks=[task_pb2.Task(id="b")]))
    tasks = client.items(
        lambda each: each.list_tasks(connectors="crm", states=[TaskState.FAILED], newest_first=True, page_size=1), 10
    )
    assert [task.id for task in tasks] == ["a", "b"]
    query = task_pb2.TaskFilter(connectors=["crm"], states=[enums_pb2.TASK_STATE_FAILED])
    view = enums_pb2.TASK_VIEW_BASIC
    assert bus.requests("ListTasks") == [
        task_service_pb2.ListTasksRequest(filter=query, page_size=1, page_token=token, view=view, newest_first=True)
        for token in ("", "more")
    ]


def test_a_list_is_read_no_further_than_it_is_asked_for(bus: ScriptedBus, client: EitherClient) -> None:
    page = task_service_pb2.ListTasksResponse(tasks=[TASK_MESSAGE] * 2, next_page_token="more")
    bus.answers("ListTasks", page)
    assert len(client.items(lambda each: each.list_tasks(), 2)) == 2
