"""Runs, connectors, objects, enumerations, health: what operators and tools look at."""

from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from support.served import Served, refusal_of
from support.specs import log_request, person

from integrationbus.v1 import enums_pb2, object_service_pb2
from integrationbus.v1.connector_service_pb2 import (
    GetConnectorRequest,
    GetConnectorStatsRequest,
    ListConnectorsRequest,
    PauseConnectorRequest,
    ResumeConnectorRequest,
)
from integrationbus.v1.enum_service_pb2 import GetEnumRequest, ListEnumsRequest
from integrationbus.v1.notify_service_pb2 import (
    GetRunRequest,
    ListRunsRequest,
    RequestTasksProcessingRequest,
    WatchRunRequest,
)
from integrationbus.v1.object_service_pb2 import GetObjectRequest, ListObjectsRequest
from integrationbus.v1.run_pb2 import Run
from integrationbus.v1.server_service_pb2 import GetServerInfoRequest
from integrationbus.v1.task_service_pb2 import GetTaskRequest, LogTasksRequest

NOTIFIED = RequestTasksProcessingRequest(connectors=["notified"])


async def run_to_its_end(served: Served, run_id: str) -> Run:
    states = [message.run async for message in served.notify.WatchRun(WatchRunRequest(run_id=run_id))]
    return states[-1]


async def test_only_a_notify_starts_a_connector_that_waits_for_it(served: Served) -> None:
    logged = await served.tasks.LogTask(log_request("Ada", connector="notified"))
    [ticket] = (await served.notify.RequestTasksProcessing(NOTIFIED)).tickets
    assert ticket.outcome == enums_pb2.NOTIFY_OUTCOME_STARTED
    run = await run_to_its_end(served, ticket.run.id)
    assert (run.state, run.counts.succeeded, run.remaining) == (enums_pb2.RUN_STATE_COMPLETED, 1, 0)
    task = (await served.tasks.GetTask(GetTaskRequest(id=logged.task.id))).task
    assert task.state == enums_pb2.TASK_STATE_SUCCEEDED
    assert (await served.notify.GetRun(GetRunRequest(run_id=run.id))).run == run
    [listed] = (await served.notify.ListRuns(ListRunsRequest(connector="notified"))).runs
    assert listed.id == run.id


async def test_a_notify_for_all_answers_for_each(served: Served) -> None:
    tickets = (await served.notify.RequestTasksProcessing(RequestTasksProcessingRequest())).tickets
    outcomes = {ticket.connector: ticket.outcome for ticket in tickets}
    assert outcomes.pop("support.nowhere:LostConnector") == enums_pb2.NOTIFY_OUTCOME_REFUSED_UNHEALTHY
    assert set(outcomes) == {"iso3166", "narrow", "notified", "people"}
    refusal = await refusal_of(
        served.notify.RequestTasksProcessing(RequestTasksProcessingRequest(connectors=["people", "nobody"]))
    )
    assert refusal.reason == "CONNECTOR_NOT_FOUND"
    assert (await refusal_of(served.notify.GetRun(GetRunRequest(run_id="x")))).reason == "RUN_NOT_FOUND"


async def test_connectors_show_what_holds_them(served: Served) -> None:
    listed = (await served.connectors.ListConnectors(ListConnectorsRequest())).connectors
    states = {item.name: enums_pb2.ConnectorState.Name(item.state) for item in listed}
    assert states["people"] == "CONNECTOR_STATE_IDLE"
    lost = listed[[item.name for item in listed].index("support.nowhere:LostConnector")]
    assert lost.state == enums_pb2.CONNECTOR_STATE_UNHEALTHY
    assert "support.nowhere" in lost.problem
    bad = person("Ada", "notified", do="raise")
    await served.tasks.LogTasks(LogTasksRequest(tasks=[bad, person("Bob", "notified")]))
    [ticket] = (await served.notify.RequestTasksProcessing(NOTIFIED)).tickets
    run = await run_to_its_end(served, ticket.run.id)
    halted = (await served.connectors.GetConnector(GetConnectorRequest(name="notified"))).connector
    assert (halted.state, halted.halted_by) == (enums_pb2.CONNECTOR_STATE_HALTED, run.halted_by)
    assert (halted.counts.failed, halted.counts.pending) == (1, 1)
    [refused] = (await served.notify.RequestTasksProcessing(NOTIFIED)).tickets
    assert refused.outcome == enums_pb2.NOTIFY_OUTCOME_REFUSED_HALTED


async def test_resume_decides_about_the_head_and_starts_a_run(served: Served) -> None:
    bad = person("Ada", "notified", do="raise")
    await served.tasks.LogTasks(LogTasksRequest(tasks=[bad, person("Bob", "notified")]))
    [ticket] = (await served.notify.RequestTasksProcessing(NOTIFIED)).tickets
    await run_to_its_end(served, ticket.run.id)
    answer = await served.connectors.ResumeConnector(
        ResumeConnectorRequest(name="notified", head_action=enums_pb2.HEAD_ACTION_DELETE, reason="known bad")
    )
    run = await run_to_its_end(served, answer.run.id)
    assert (run.counts.succeeded, run.reason) == (1, "known bad")
    refusal = await refusal_of(
        served.connectors.ResumeConnector(ResumeConnectorRequest(name="support.nowhere:LostConnector"))
    )
    assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "CONNECTOR_UNHEALTHY")


async def test_a_paused_connector_says_who_and_why(served: Served) -> None:
    metadata = [("integrationbus-application", "ops")]
    request = PauseConnectorRequest(name="people", reason="migration")
    paused = (await served.connectors.PauseConnector(request, metadata=metadata)).connector
    assert (paused.state, paused.paused_by, paused.problem) == (enums_pb2.CONNECTOR_STATE_PAUSED, "ops", "migration")
    await served.tasks.LogTask(log_request("Ada"))
    stats = await served.connectors.GetConnectorStats(GetConnectorStatsRequest(name="people"))
    assert stats.counts.pending == 1
    assert stats.HasField("oldest_waiting_logged_at")
    assert stats.logged_per_second > 0
    answer = await served.connectors.ResumeConnector(ResumeConnectorRequest(name="people"))
    assert (await run_to_its_end(served, answer.run.id)).counts.succeeded == 1


async def test_objects_are_read_back_by_every_kind_of_key(served: Served) -> None:
    names = [f"p{i}" for i in range(5)]
    await served.tasks.LogTasks(LogTasksRequest(tasks=[person(name, "notified") for name in names]))
    [ticket] = (await served.notify.RequestTasksProcessing(NOTIFIED)).tickets
    await run_to_its_end(served, ticket.run.id)

    async def get(**key: Any) -> object_service_pb2.BusObject:
        answer = await served.objects.GetObject(GetObjectRequest(object_type="test.person", **key))
        return answer.object

    found = await get(code_name="p3")
    assert found.fields.fields["age"].int64_value == 30
    assert found.fields.fields["boss_id"].null_value
    external = object_service_pb2.ExternalKey(connector="notified", external_id="p3")
    assert await get(id=found.id) == found == await get(external_key=external)
    first = await served.objects.ListObjects(ListObjectsRequest(object_type="test.person", page_size=3))
    request = ListObjectsRequest(object_type="test.person", page_size=3, page_token=first.next_page_token)
    second = await served.objects.ListObjects(request)
    assert [item.code_name for item in [*first.objects, *second.objects]] == names
    assert (first.total_size, second.next_page_token) == (5, "")


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (GetObjectRequest(object_type="test.person", id=99), "OBJECT_NOT_FOUND"),
        (GetObjectRequest(object_type="test.dog", id=1), "OBJECT_TYPE_NOT_FOUND"),
        (GetObjectRequest(object_type="test.person"), "INVALID_FIELD"),
        (GetObjectRequest(object_type="test.person", guid="x"), "INVALID_FIELD"),
    ],
)
async def test_objects_that_are_not_there(served: Served, request_: GetObjectRequest, reason: str) -> None:
    assert (await refusal_of(served.objects.GetObject(request_))).reason == reason


async def test_the_enumerations_are_those_of_the_contract(served: Served) -> None:
    listed = {item.name: item for item in (await served.enums.ListEnums(ListEnumsRequest())).enums}
    for name, descriptor in enums_pb2.DESCRIPTOR.enum_types_by_name.items():
        values = {(item.number, item.name) for item in listed[name].values}
        assert values == {(value.number, value.name) for value in descriptor.values if value.number}
        assert all(item.description for item in listed[name].values)
    assert set(listed) == {*enums_pb2.DESCRIPTOR.enum_types_by_name, "ErrorReason"}
    answer = await served.enums.GetEnum(GetEnumRequest(name="ProcessType"))
    assert [item.short_name for item in answer.enum.values if item.is_default] == ["DEFAULT"]
    task_types = {item.short_name: item for item in listed["TaskType"].values}
    assert not task_types["CREATE_OBJECT"].applies_to_pages
    assert not task_types["CREATE_DOCUMENT"].applies_to_objects
    refusal = await refusal_of(served.enums.GetEnum(GetEnumRequest(name="Colour")))
    assert (refusal.reason, "TaskType" in refusal.message) == ("ENUM_NOT_FOUND", True)


async def test_health_reflection_and_server_info(served: Served) -> None:
    async with grpc.aio.insecure_channel(served.address) as channel:
        check: Any = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        answer = await check(health_pb2.HealthCheckRequest(service="integrationbus.v1.TaskService"))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        reflect: Any = channel.stream_stream(
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
        names = [service.name async for part in reflect(asked) for service in part.list_services_response.service]
    assert "integrationbus.v1.NotifyService" in names
    info = await served.server.GetServerInfo(GetServerInfoRequest())
    assert (info.database, info.limits.max_tasks_per_call) == ("sqlite", 1000)
    assert "integrationbus.v1.TaskService/WatchTasks" in info.methods


async def test_a_message_over_the_limit_is_refused_by_the_transport(served: Served) -> None:
    huge = person("Ada")
    huge.payload.encoded.content_type = "application/octet-stream"
    huge.payload.encoded.data = bytes(5 * 2**20)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await served.tasks.LogTasks(LogTasksRequest(tasks=[huge]))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
