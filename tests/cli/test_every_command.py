"""Each RPC of the protos is what some command calls."""

from collections.abc import Iterator

import grpc
import pytest
from google.protobuf.message import Message
from support.guide import rows_of
from support.scripted_bus import Answer, Refuse, ScriptedBus
from typer.testing import CliRunner

from integrationbus.server.cli.commands import app
from integrationbus.v1 import notify_service_pb2, run_pb2
from integrationbus.v1.connector_service_pb2 import GetConnectorResponse
from integrationbus.v1.server_service_pb2 import GetServerInfoResponse

COMMANDS = {
    "LogTask": "log crm create-object --record {}",
    "LogTasks": "log crm create-object --lines -",
    "LogTaskStream": "log crm create-object --lines - --stream-id s",
    "PreviewTask": "preview crm create-object --record {}",
    "GetTask": "tasks show t",
    "ListTasks": "tasks",
    "WatchTasks": "watch",
    "ListTaskAttempts": "tasks history t",
    "RetryTasks": "tasks retry t",
    "SkipTasks": "tasks skip t",
    "DeleteTasks": "tasks delete t",
    "RequestTasksProcessing": "notify",
    "WatchRun": "notify --wait",
    "GetRun": "runs show r",
    "ListRuns": "runs",
    "CancelRun": "runs cancel r",
    "ListConnectors": "connectors",
    "GetConnector": "connectors show crm",
    "PauseConnector": "connectors pause crm",
    "ResumeConnector": "connectors resume crm",
    "GetConnectorStats": "connectors stats crm",
    "EnableConnector": "connectors enable crm",
    "DisableConnector": "connectors disable crm",
    "DescribeConnector": "connectors describe crm",
    "CheckConnector": "connectors check crm",
    "WatchConnectors": "connectors watch",
    "GetObject": "objects get cms.user ada",
    "ListObjects": "objects list cms.user",
    "ResolveKeys": "objects resolve crm cms.user 1",
    "WatchObjects": "objects watch",
    "ListEnums": "enums",
    "GetEnum": "enums TaskType",
    "GetServerInfo": "info",
    "ListReplicas": "replicas",
    "ListSwitches": "switches",
    "SetSwitch": "switches on bus",
}


@pytest.fixture
def bus() -> Iterator[ScriptedBus]:
    """A server that says what it is, and answers little else."""
    scripted = ScriptedBus()
    scripted.answers("GetServerInfo", *[GetServerInfoResponse()] * (len(COMMANDS) + 1))
    yield scripted
    scripted.stop()


def refuse_a_stream(requests: Iterator[Message]) -> Iterator[Answer]:
    next(requests)
    yield Refuse(code=grpc.StatusCode.UNIMPLEMENTED)


def test_every_rpc_is_called_by_its_command(bus: ScriptedBus) -> None:
    ticket = notify_service_pb2.RunTicket(connector="crm", run=run_pb2.Run(id="r"))
    bus.conversations("LogTaskStream", refuse_a_stream)
    # What comes before the call in question.
    bus.answers("RequestTasksProcessing", *[notify_service_pb2.RequestTasksProcessingResponse(tickets=[ticket])] * 2)
    bus.answers("GetConnector", *[GetConnectorResponse()] * 2)
    for name, words in COMMANDS.items():
        before = len(bus.received(name))
        environment = {"INTEGRATIONBUS_SERVER": bus.address}
        result = CliRunner().invoke(app, words.split(), input="{}\n", env=environment)
        assert result.exit_code in (0, 1), (name, result.output, result.exception)
        # Every command asks what the server is before it does anything.
        asked = before + (name == "GetServerInfo")
        assert len(bus.received(name)) > asked, (name, result.output, result.exception)


def test_the_table_of_calls_says_which_command_that_is() -> None:
    said = {row[0].strip("`"): row[2].strip("`").removeprefix("integrationbus ") for row in rows_of("RPC")}
    assert said.keys() == COMMANDS.keys()
    assert [name for name, words in COMMANDS.items() if not f"{words} ".startswith(f"{said[name]} ")] == []
