"""What only a real connection shows: sizes, trailers, streams of other services, and what cannot be decoded."""

from collections.abc import Awaitable

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from support.served import Served, refusal_of
from support.specs import person

from integrationbus.v1 import enums_pb2, payload_pb2, task_pb2
from integrationbus.v1.connector_service_pb2 import GetConnectorRequest, ListConnectorsRequest, PauseConnectorRequest
from integrationbus.v1.enum_service_pb2 import GetEnumRequest
from integrationbus.v1.notify_service_pb2 import (
    GetRunRequest,
    ListRunsRequest,
    RequestTasksProcessingRequest,
    WatchRunRequest,
)
from integrationbus.v1.object_service_pb2 import ExternalKey, GetObjectRequest, ListObjectsRequest
from integrationbus.v1.task_service_pb2 import (
    GetTaskRequest,
    ListTasksRequest,
    LogTaskRequest,
    LogTasksRequest,
    TaskChange,
    WatchTasksRequest,
)

LONG = "x" * 100_000
NUL = "a\0b"


async def test_health_can_be_watched(served: Served) -> None:
    watch: grpc.aio.UnaryStreamMultiCallable[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse]
    watch = served.channel.unary_stream(
        "/grpc.health.v1.Health/Watch",
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=health_pb2.HealthCheckResponse.FromString,
    )
    call = watch(health_pb2.HealthCheckRequest(service="integrationbus.v1.TaskService"))
    states = aiter(call)
    assert (await anext(states)).status == health_pb2.HealthCheckResponse.SERVING
    await served.app._rpc.begin_drain()  # noqa: SLF001 - the first step of a stop, without the others
    assert (await anext(states)).status == health_pb2.HealthCheckResponse.NOT_SERVING
    call.cancel()


async def test_reflection_shows_every_service(served: Served) -> None:
    ask: grpc.aio.StreamStreamMultiCallable[
        reflection_pb2.ServerReflectionRequest, reflection_pb2.ServerReflectionResponse
    ]
    ask = served.channel.stream_stream(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    answers = [each async for each in ask(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))]
    assert [service.name for service in answers[0].list_services_response.service] == [
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        *(f"integrationbus.v1.{name}Service" for name in ("Connector", "Enum", "Notify", "Object", "Server", "Task")),
    ]


async def test_a_method_that_is_not_there_is_refused_as_such(served: Served) -> None:
    call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]
    call = served.channel.unary_unary("/integrationbus.v1.TaskService/LogNothing")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("text", [LONG, NUL], ids=["long", "NUL"])
async def test_a_name_that_cannot_be_is_refused_by_its_field(served: Served, text: str) -> None:
    calls: dict[str, Awaitable[object]] = {
        "id": served.tasks.GetTask(GetTaskRequest(id=text)),
        "run_id": served.notify.GetRun(GetRunRequest(run_id=text)),
        "connector": served.notify.ListRuns(ListRunsRequest(connector=text)),
        "connectors[0]": served.notify.RequestTasksProcessing(RequestTasksProcessingRequest(connectors=[text])),
        "name": served.connectors.GetConnector(GetConnectorRequest(name=text)),
        "code_name": served.objects.GetObject(GetObjectRequest(object_type="test.person", code_name=text)),
        "external_key.external_id": served.objects.GetObject(
            GetObjectRequest(object_type="test.person", external_key=ExternalKey(connector="people", external_id=text))
        ),
        "filter.connectors[0]": served.tasks.ListTasks(ListTasksRequest(filter=task_pb2.TaskFilter(connectors=[text]))),
    }
    for path, call in calls.items():
        refusal = await refusal_of(call)
        assert (refusal.code, refusal.reason, refusal.path) == ("INVALID_ARGUMENT", "INVALID_FIELD", path)
    assert (await refusal_of(served.enums.GetEnum(GetEnumRequest(name=text)))).path == "name"


async def test_a_refusal_fits_into_the_trailers_however_long_the_path(served: Served) -> None:
    value = payload_pb2.Value()
    for _ in range(31):
        value = payload_pb2.Value(record_value=payload_pb2.Record(fields={"é" * 200: value}))
    task = person("Ada", "notified")
    task.payload.record.fields["f"].CopyFrom(value)
    refusal = await refusal_of(served.tasks.LogTask(LogTaskRequest(task=task)))
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    assert refusal.path.startswith("task.payload.record.fields[f].record_value.fields[é")
    answer = await served.tasks.LogTasks(LogTasksRequest(tasks=[task] * 20, allow_partial=True))
    assert all(len(result.refusal.message.encode()) <= 1_000 for result in answer.results)


async def test_what_cannot_be_decoded_is_too_deep_only_where_records_travel(served: Served) -> None:
    for method, reason in (("LogTask", "RECORD_TOO_DEEP"), ("GetTask", "INVALID_FIELD")):
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]
        call = served.channel.unary_unary(f"/integrationbus.v1.TaskService/{method}")
        refusal = await refusal_of(call(b"\x0a\xff"))
        assert (refusal.code, refusal.reason, refusal.path) == ("INVALID_ARGUMENT", reason, "request")


async def test_a_list_of_large_payloads_comes_in_answers_that_every_client_takes(served: Served) -> None:
    for number in range(7):
        task = person(f"p{number}", "notified")
        task.payload.encoded.content_type = "application/octet-stream"
        task.payload.encoded.data = bytes(1_000_000)
        await served.tasks.LogTask(LogTaskRequest(task=task))
    request = ListTasksRequest(view=enums_pb2.TASK_VIEW_FULL)
    names: list[str] = []
    for _ in range(3):
        page = await served.tasks.ListTasks(request)
        names += [task.external_id for task in page.tasks]
        request.page_token = page.next_page_token
    assert names == [f"p{number}" for number in range(7)]
    assert not request.page_token


async def test_a_page_is_as_long_as_asked_however_it_is_read(served: Served) -> None:
    names = [f"p{number:03}" for number in range(250)]
    await served.tasks.LogTasks(LogTasksRequest(tasks=[person(name, "notified") for name in names]))
    for view in (enums_pb2.TASK_VIEW_BASIC, enums_pb2.TASK_VIEW_FULL):
        page = await served.tasks.ListTasks(ListTasksRequest(view=view, page_size=225))
        assert [task.external_id for task in page.tasks] == names[:225]
        assert all(task.HasField("payload") == (view == enums_pb2.TASK_VIEW_FULL) for task in page.tasks)
        request = ListTasksRequest(view=view, page_size=225, page_token=page.next_page_token)
        rest = await served.tasks.ListTasks(request)
        assert ([task.external_id for task in rest.tasks], rest.next_page_token) == (names[225:], "")
    [ticket] = (
        await served.notify.RequestTasksProcessing(RequestTasksProcessingRequest(connectors=["notified"]))
    ).tickets
    async for _ in served.notify.WatchRun(WatchRunRequest(run_id=ticket.run.id)):
        pass
    objects = await served.objects.ListObjects(ListObjectsRequest(object_type="test.person", page_size=225))
    assert [item.code_name for item in objects.objects] == names[:225]
    request_ = ListObjectsRequest(object_type="test.person", page_size=225, page_token=objects.next_page_token)
    rest_ = await served.objects.ListObjects(request_)
    assert ([item.code_name for item in rest_.objects], rest_.next_page_token) == (names[225:], "")


async def test_a_watch_over_large_changes_goes_on_where_it_broke(served: Served) -> None:
    tasks = [person(f"p{number}", "notified") for number in range(300)]
    for task in tasks:
        task.labels.update({f"{number:02}{'k' * 240}": "v" * 250 for number in range(32)})
    token = task_pb2.ResumeToken()
    token.MergeFrom((await served.tasks.LogTasks(LogTasksRequest(tasks=tasks[:1]))).resume_token)
    for start in (1, 150):
        await served.tasks.LogTasks(LogTasksRequest(tasks=tasks[start : 150 if start == 1 else 300]))
    seen: list[TaskChange] = []
    while len(seen) < 299:
        watch = served.tasks.WatchTasks(WatchTasksRequest(resume_token=token))
        async for message in watch:
            token.MergeFrom(message.resume_token)
            if message.changes.changes:
                seen += message.changes.changes
                break
        watch.cancel()
    assert [change.position for change in seen] == list(range(2, 301))
    parts: list[int] = []
    snapshot = served.tasks.WatchTasks(WatchTasksRequest(snapshot=True))
    async for message in snapshot:
        parts.append(len(message.snapshot.tasks))
        assert bool(message.resume_token.positions) == message.snapshot.complete
        if message.snapshot.complete:
            break
    snapshot.cancel()
    assert (sum(parts), len(parts) > 1) == (300, True)


async def test_an_unknown_view_is_refused_not_guessed(served: Served) -> None:
    logged = await served.tasks.LogTask(LogTaskRequest(task=person("Ada", "notified")))
    view = enums_pb2.TaskView.ValueType(99)
    for call in (
        served.tasks.GetTask(GetTaskRequest(id=logged.task.id, view=view)),
        served.tasks.ListTasks(ListTasksRequest(view=view)),
    ):
        refusal = await refusal_of(call)
        assert (refusal.reason, refusal.path) == ("INVALID_FIELD", "view")


async def test_a_request_id_covers_the_tasks_that_were_refused_as_well(served: Served) -> None:
    good = person("Ada", "notified")

    def batch(*refused: str) -> LogTasksRequest:
        tasks = [good, *(task_pb2.TaskSpec(connector=name) for name in refused)]
        return LogTasksRequest(tasks=tasks, allow_partial=True, request_id="r1")

    first = await served.tasks.LogTasks(batch("nobody"))
    again = await served.tasks.LogTasks(batch("nobody"))
    assert (again.results[0].task.id, again.results[0].task.duplicate) == (first.results[0].task.id, True)
    for other in (batch("somebody"), batch()):
        assert (await refusal_of(served.tasks.LogTasks(other))).reason == "REQUEST_ID_REUSED"


async def test_a_large_batch_is_checked_like_a_small_one(served: Served) -> None:
    tasks = [person(f"p{number}", "notified", text="x" * 2_000) for number in range(200)]
    answer = await served.tasks.LogTasks(LogTasksRequest(tasks=tasks))
    assert [result.task.sequence for result in answer.results] == list(range(1, 201))
    tasks[150].task_type = enums_pb2.TASK_TYPE_UNSPECIFIED
    refusal = await refusal_of(served.tasks.LogTasks(LogTasksRequest(tasks=tasks)))
    assert (refusal.reason, refusal.path) == ("INVALID_FIELD", "tasks[150].task_type")


async def test_listed_runs_say_what_is_left_in_the_line(served: Served) -> None:
    await served.tasks.LogTasks(
        LogTasksRequest(tasks=[person("Ada", "notified", do="raise"), *(person(f"p{i}", "notified") for i in range(3))])
    )
    [ticket] = (
        await served.notify.RequestTasksProcessing(RequestTasksProcessingRequest(connectors=["notified"]))
    ).tickets
    watched = [message.run async for message in served.notify.WatchRun(WatchRunRequest(run_id=ticket.run.id))]
    [listed] = (await served.notify.ListRuns(ListRunsRequest())).runs
    assert (listed.remaining, watched[-1].remaining) == (3, 3)
    assert listed == (await served.notify.GetRun(GetRunRequest(run_id=listed.id))).run


async def test_a_connector_that_another_process_put_on_record_is_shown_and_watched(served: Served) -> None:
    served.app.opened.store.register_connectors({"elsewhere": "a:B"})
    listed = (await served.connectors.ListConnectors(ListConnectorsRequest())).connectors
    [found] = [item for item in listed if item.name == "elsewhere"]
    assert (found.state, found.class_path) == (enums_pb2.CONNECTOR_STATE_UNHEALTHY, "a:B")
    assert "not started with it" in found.problem
    paused = (await served.connectors.PauseConnector(PauseConnectorRequest(name="elsewhere"))).connector
    assert paused.name == "elsewhere"
    watch = served.tasks.WatchTasks(WatchTasksRequest())
    first = await anext(aiter(watch))
    watch.cancel()
    assert "elsewhere" in first.resume_token.positions
    resumed = served.tasks.WatchTasks(WatchTasksRequest(resume_token=first.resume_token))
    assert (await anext(aiter(resumed))).WhichOneof("content") == "checkpoint"
    resumed.cancel()
