"""Each method asks for what it was told to, and gives back what the server says, as values of its own."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import grpc
import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from support.either_client import EitherClient
from support.scripted_bus import HOLD, Refuse, Restart, ScriptedBus

from integrationbus.client import (
    BusObject,
    Cancelled,
    Client,
    Connector,
    ConnectorState,
    ConnectorStats,
    EnumInfo,
    EnumValueInfo,
    ExternalKey,
    HeadAction,
    Limits,
    NotFound,
    NotifyOutcome,
    ResumedConnector,
    ResumeToken,
    Run,
    RunCounts,
    RunState,
    RunTicket,
    RunTrigger,
    ServerInfo,
    Task,
    TaskCounts,
    TaskDataType,
    TaskEffect,
    TaskError,
    TaskResult,
    TaskStage,
    TaskState,
    TaskType,
    TriggerMode,
    Unavailable,
)
from integrationbus.client.model.enums import ProcessType
from integrationbus.v1 import (
    connector_service_pb2,
    enum_service_pb2,
    enums_pb2,
    notify_service_pb2,
    object_service_pb2,
    payload_pb2,
    run_pb2,
    server_service_pb2,
    task_pb2,
    task_service_pb2,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOON_MESSAGE = Timestamp(seconds=int(NOON.timestamp()))
AWAY = Refuse(code=grpc.StatusCode.UNAVAILABLE, retry_delay=timedelta(milliseconds=1))

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


def run_message(state: int = 1) -> run_pb2.Run:
    return run_pb2.Run(
        id="r1",
        connector="crm",
        trigger=enums_pb2.RUN_TRIGGER_NOTIFY,
        state=enums_pb2.RunState.ValueType(state),
        requested_by="crm",
        reason="now",
        counts=run_pb2.RunCounts(succeeded=1, failed=2, skipped=3, deleted=4, retried=5),
        remaining=6,
        started_at=NOON_MESSAGE,
    )


def run(state: RunState = RunState.RUNNING) -> Run:
    return Run(
        id="r1",
        connector="crm",
        trigger=RunTrigger.NOTIFY,
        state=state,
        requested_by="crm",
        reason="now",
        counts=RunCounts(succeeded=1, failed=2, skipped=3, deleted=4, retried=5),
        remaining=6,
        halted_by="",
        started_at=NOON,
        ended_at=None,
    )


COUNTS_MESSAGE = connector_service_pb2.TaskCounts(
    pending=1, running=2, retry_wait=3, succeeded=4, failed=5, skipped=6, deleted=7
)
COUNTS = TaskCounts(pending=1, running=2, retry_wait=3, succeeded=4, failed=5, skipped=6, deleted=7)
CONNECTOR_MESSAGE = connector_service_pb2.Connector(
    name="crm",
    display_name="CRM",
    class_path="crm:Crm",
    state=enums_pb2.CONNECTOR_STATE_PAUSED,
    problem="holiday",
    paused_by="ops",
    trigger_mode=enums_pb2.TRIGGER_MODE_ON_SCHEDULE,
    schedule="1h",
    accepts=["record"],
    object_types=["cms.user"],
    counts=COUNTS_MESSAGE,
)
CONNECTOR = Connector(
    name="crm",
    display_name="CRM",
    class_path="crm:Crm",
    state=ConnectorState.PAUSED,
    problem="holiday",
    paused_by="ops",
    halted_by="",
    trigger_mode=TriggerMode.ON_SCHEDULE,
    schedule="1h",
    accepts=("record",),
    object_types=("cms.user",),
    counts=COUNTS,
)
GUID = UUID("11111111-2222-3333-4444-555555555555")


def object_message(number: int) -> object_service_pb2.BusObject:
    fields = payload_pb2.Record(fields={"active": payload_pb2.Value(bool_value=True)})
    return object_service_pb2.BusObject(
        object_type="cms.user", id=number, guid=str(GUID), code_name="jane", fields=fields
    )


def bus_object(number: int) -> BusObject:
    return BusObject(object_type="cms.user", id=number, guid=GUID, code_name="jane", fields={"active": True})


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


def test_processing_is_requested_for_the_named_connectors(bus: ScriptedBus, client: EitherClient) -> None:
    response = notify_service_pb2.RequestTasksProcessingResponse()
    response.tickets.add(
        connector="crm",
        outcome=enums_pb2.NOTIFY_OUTCOME_STARTED,
        run=run_message(),
        resume_token=task_pb2.ResumeToken(store_id="s", positions={"crm": 3}),
    )
    response.tickets.add(connector="erp", outcome=enums_pb2.NOTIFY_OUTCOME_REFUSED_HALTED, message="halted")
    bus.answers("RequestTasksProcessing", response)
    tickets = client.call(lambda each: each.request_tasks_processing("crm", "erp", clear_halt=True, reason="now"))
    token = ResumeToken("s", {"crm": 3})
    assert tickets[0] == RunTicket(
        connector="crm", outcome=NotifyOutcome.STARTED, run=run(), resume_token=token, message=""
    )
    assert (tickets[1].outcome, tickets[1].run, tickets[1].message) == (NotifyOutcome.REFUSED_HALTED, None, "halted")
    assert bus.requests("RequestTasksProcessing") == [
        notify_service_pb2.RequestTasksProcessingRequest(connectors=["crm", "erp"], clear_halt=True, reason="now")
    ]


def test_a_run_is_watched_to_its_end_over_broken_connections(bus: ScriptedBus, client: EitherClient) -> None:
    def state(number: int) -> Message:
        return notify_service_pb2.WatchRunResponse(run=run_message(number))

    bus.streams("WatchRun", [state(1), Restart()], [AWAY], [state(1), state(2)])
    runs = client.items(lambda each: each.watch_run("r1"), 10)
    assert [each.state for each in runs] == [RunState.RUNNING, RunState.RUNNING, RunState.COMPLETED]
    assert bus.requests("WatchRun") == [notify_service_pb2.WatchRunRequest(run_id="r1")] * 3


def test_a_run_that_does_not_exist_ends_its_watch(bus: ScriptedBus, client: EitherClient) -> None:
    bus.streams("WatchRun", [Refuse(code=grpc.StatusCode.NOT_FOUND, reason="RUN_NOT_FOUND")])
    with pytest.raises(NotFound):
        client.items(lambda each: each.watch_run("r1"), 1)


def test_a_run_that_is_watched_no_longer_is_let_go(bus: ScriptedBus) -> None:
    bus.streams("WatchRun", [notify_service_pb2.WatchRunResponse(run=run_message()), HOLD])
    with Client(bus.address, application="crm") as client:
        for each in client.watch_run("r1"):
            assert each == run()
            break
        (call,) = bus.received("WatchRun")
        assert call.ended.wait(10)


def test_runs_are_read_and_listed(bus: ScriptedBus, client: EitherClient) -> None:
    bus.answers("GetRun", notify_service_pb2.GetRunResponse(run=run_message(3)))
    assert client.call(lambda each: each.get_run("r1")) == run(RunState.HALTED)
    first = notify_service_pb2.ListRunsResponse(runs=[run_message()], next_page_token="more")
    bus.answers("ListRuns", first, notify_service_pb2.ListRunsResponse(runs=[run_message(2)]))
    found = client.items(lambda each: each.list_runs("crm"), 10)
    assert found == [run(), run(RunState.COMPLETED)]


def test_connectors_are_read_and_listed(bus: ScriptedBus, client: EitherClient) -> None:
    bus.answers("ListConnectors", connector_service_pb2.ListConnectorsResponse(connectors=[CONNECTOR_MESSAGE]))
    assert client.call(lambda each: each.list_connectors()) == [CONNECTOR]
    bus.answers("GetConnector", connector_service_pb2.GetConnectorResponse(connector=CONNECTOR_MESSAGE))
    assert client.call(lambda each: each.get_connector("crm")) == CONNECTOR


def test_a_connector_is_paused_and_resumed(bus: ScriptedBus, client: EitherClient) -> None:
    bus.answers("PauseConnector", connector_service_pb2.PauseConnectorResponse(connector=CONNECTOR_MESSAGE))
    assert client.call(lambda each: each.pause_connector("crm", reason="holiday")) == CONNECTOR
    resumed = connector_service_pb2.ResumeConnectorResponse(connector=CONNECTOR_MESSAGE, run=run_message())
    bus.answers("ResumeConnector", resumed)
    result = client.call(lambda each: each.resume_connector("crm", head_action=HeadAction.SKIP, reason="over"))
    assert result == ResumedConnector(connector=CONNECTOR, run=run())
    assert bus.requests("PauseConnector") == [connector_service_pb2.PauseConnectorRequest(name="crm", reason="holiday")]
    assert bus.requests("ResumeConnector") == [
        connector_service_pb2.ResumeConnectorRequest(name="crm", head_action=enums_pb2.HEAD_ACTION_SKIP, reason="over")
    ]


def test_the_figures_of_a_connector_are_read(bus: ScriptedBus, client: EitherClient) -> None:
    response = connector_service_pb2.GetConnectorStatsResponse(
        counts=COUNTS_MESSAGE, oldest_waiting_logged_at=NOON_MESSAGE, logged_per_second=1.5, settled_per_second=0.5
    )
    bus.answers("GetConnectorStats", response, connector_service_pb2.GetConnectorStatsResponse())
    assert client.call(lambda each: each.connector_stats("crm")) == ConnectorStats(
        counts=COUNTS, oldest_waiting_logged_at=NOON, logged_per_second=1.5, settled_per_second=0.5
    )
    assert client.call(lambda each: each.connector_stats("crm")).oldest_waiting_logged_at is None


@pytest.mark.parametrize(
    ("key", "request_"),
    [
        (7, object_service_pb2.GetObjectRequest(object_type="cms.user", id=7)),
        (GUID, object_service_pb2.GetObjectRequest(object_type="cms.user", guid=str(GUID))),
        ("jane", object_service_pb2.GetObjectRequest(object_type="cms.user", code_name="jane")),
        (
            ExternalKey("crm", 5),
            object_service_pb2.GetObjectRequest(
                object_type="cms.user",
                external_key=object_service_pb2.ExternalKey(connector="crm", external_id="5"),
            ),
        ),
    ],
    ids=["id", "guid", "code name", "external key"],
)
def test_an_object_is_found_by_any_key(
    bus: ScriptedBus, client: EitherClient, key: int | UUID | str | ExternalKey, request_: Message
) -> None:
    bus.answers("GetObject", object_service_pb2.GetObjectResponse(object=object_message(7)))
    assert client.call(lambda each: each.get_object("cms.user", key)) == bus_object(7)
    assert bus.requests("GetObject") == [request_]


def test_objects_are_listed_and_counted(bus: ScriptedBus, client: EitherClient) -> None:
    page = object_service_pb2.ListObjectsResponse(objects=[object_message(1)], next_page_token="more", total_size=2)
    bus.answers("ListObjects", page, object_service_pb2.ListObjectsResponse(objects=[object_message(2)]), page)
    assert client.items(lambda each: each.list_objects("cms.user"), 10) == [bus_object(1), bus_object(2)]
    assert client.call(lambda each: each.count_objects("cms.user")) == 2


def test_enumerations_are_described(bus: ScriptedBus, client: EitherClient) -> None:
    value = enum_service_pb2.EnumValueInfo(number=1, name="A_B", short_name="B", description="b", is_default=True)
    message = enum_service_pb2.EnumInfo(name="A", description="a", values=[value])
    info = EnumInfo(
        name="A",
        description="a",
        values=(
            EnumValueInfo(
                number=1,
                name="A_B",
                short_name="B",
                description="b",
                applies_to_objects=False,
                applies_to_pages=False,
                is_default=True,
            ),
        ),
    )
    bus.answers("ListEnums", enum_service_pb2.ListEnumsResponse(enums=[message]))
    bus.answers("GetEnum", enum_service_pb2.GetEnumResponse(enum=message))
    assert client.call(lambda each: each.list_enums()) == [info]
    assert client.call(lambda each: each.get_enum("A")) == info


def test_the_server_describes_itself(bus: ScriptedBus, client: EitherClient) -> None:
    limits = {
        "max_message_bytes": 1,
        "max_payload_bytes": 2,
        "max_tasks_per_call": 3,
        "max_record_depth": 4,
        "max_record_values": 5,
    }
    response = server_service_pb2.GetServerInfoResponse(
        version="1",
        store_id="s",
        database="sqlite",
        methods=["a"],
        limits=server_service_pb2.Limits(**limits),
        started_at=NOON_MESSAGE,
    )
    bus.answers("GetServerInfo", response)
    assert client.call(lambda each: each.server_info()) == ServerInfo(
        version="1", store_id="s", database="sqlite", methods=("a",), limits=Limits(**limits), started_at=NOON
    )


def test_every_call_says_who_calls_and_has_a_deadline(bus: ScriptedBus, connect: Callable[..., EitherClient]) -> None:
    client = connect(timeout=5)
    bus.answers("GetTask", task_service_pb2.GetTaskResponse())
    client.call(lambda each: each.get_task("t1"))
    (call,) = bus.received("GetTask")
    assert call.metadata["integrationbus-application"] == "crm"
    assert 0 < call.seconds_left < 6  # counted in whole milliseconds, on two clocks


def test_a_safe_call_is_repeated_when_the_server_is_away_for_a_moment(bus: ScriptedBus, client: EitherClient) -> None:
    bus.answers("GetTask", AWAY, task_service_pb2.GetTaskResponse(task=TASK_MESSAGE))
    assert client.call(lambda each: each.get_task("t1")) == TASK


def test_a_call_that_acts_twice_when_made_twice_is_not_repeated(bus: ScriptedBus, client: EitherClient) -> None:
    bus.answers("ResumeConnector", AWAY)
    with pytest.raises(Unavailable):
        client.call(lambda each: each.resume_connector("crm"))
    assert len(bus.requests("ResumeConnector")) == 1


def test_a_closed_client_makes_no_calls(client: EitherClient, bus: ScriptedBus) -> None:
    client.call(lambda each: each.close())
    with pytest.raises(Cancelled, match="the client is closed"):
        client.call(lambda each: each.server_info())
    assert bus.requests("GetServerInfo") == []


@pytest.mark.parametrize("name", ["", "a\n", "é", "x" * 101])
def test_an_application_needs_a_name_that_can_travel(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 100 printable ASCII characters"):
        Client("127.0.0.1:1", application=name)
