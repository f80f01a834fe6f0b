"""Runs and connectors are asked for, acted upon, and read as they are."""

from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from support.either_client import EitherClient
from support.scripted_bus import HOLD, Refuse, Restart, ScriptedBus

from integrationbus.client import (
    Client,
    Connector,
    ConnectorState,
    ConnectorStats,
    HeadAction,
    NotFound,
    NotifyOutcome,
    ResumedConnector,
    ResumeToken,
    Run,
    RunCounts,
    RunState,
    RunTicket,
    RunTrigger,
    TaskCounts,
    TriggerMode,
)
from integrationbus.v1 import connector_service_pb2, enums_pb2, notify_service_pb2, run_pb2, task_pb2

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOON_MESSAGE = Timestamp(seconds=int(NOON.timestamp()))
AWAY = Refuse(code=grpc.StatusCode.UNAVAILABLE, retry_delay=timedelta(milliseconds=1))


def run_message(state: int = 1) -> run_pb2.Run:
    return run_pb2.Run(
        id="r1",
        connector="crm",
        trigger=enums_pb2.RUN_TRIGGER_NOTIFY,
        state=enums_pb2.RunState.ValueType(state),
        requested_by="crm",
        reason="now",
        counts=run_pb2.RunCounts(succeeded=1, failed=2, skipped=3, deleted=4, retried=5, waiting=0),
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
        counts=RunCounts(succeeded=1, failed=2, skipped=3, deleted=4, retried=5, waiting=0),
        remaining=6,
        halted_by="",
        started_at=NOON,
        ended_at=None,
    )


COUNTS_MESSAGE = connector_service_pb2.TaskCounts(
    pending=1, running=2, retry_wait=3, succeeded=4, failed=5, skipped=6, deleted=7, waiting=8
)
COUNTS = TaskCounts(pending=1, running=2, retry_wait=3, succeeded=4, failed=5, skipped=6, deleted=7, waiting=8)
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
