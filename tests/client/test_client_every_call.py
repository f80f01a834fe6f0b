"""Each RPC of the protos is what some method of the clients calls."""

from collections.abc import Callable, Iterator

import grpc
import pytest
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from support.either_client import EitherClient
from support.scripted_bus import Answer, Refuse, ScriptedBus

from integrationbus.client import BusError, NewTask, Switch, TaskType
from integrationbus.v1 import (
    connector_service_pb2,
    enum_service_pb2,
    notify_service_pb2,
    object_service_pb2,
    server_service_pb2,
    task_service_pb2,
)

FILES = (
    connector_service_pb2,
    enum_service_pb2,
    notify_service_pb2,
    object_service_pb2,
    server_service_pb2,
    task_service_pb2,
)
SERVICES: list[ServiceDescriptor] = [service for file in FILES for service in file.DESCRIPTOR.services_by_name.values()]
CREATE = TaskType.CREATE_OBJECT
TASK = NewTask("crm", CREATE, {})


def open_watch(client: EitherClient) -> object:
    with client.watch() as watch:
        return watch


def open_object_watch(client: EitherClient) -> object:
    with client.watch_objects() as watch:
        return watch


def open_log_stream(client: EitherClient) -> object:
    with client.log_stream() as stream:
        return stream


CALLS: dict[str, Callable[[EitherClient], object]] = {
    "LogTask": lambda client: client.call(lambda each: each.log_task("crm", CREATE, {})),
    "LogTasks": lambda client: client.call(lambda each: each.log_tasks([TASK])),
    "LogTaskStream": open_log_stream,
    "PreviewTask": lambda client: client.call(lambda each: each.preview_task("crm", CREATE, {})),
    "GetTask": lambda client: client.call(lambda each: each.get_task("t")),
    "ListTasks": lambda client: client.items(lambda each: each.list_tasks(), 1),
    "WatchTasks": open_watch,
    "ListTaskAttempts": lambda client: client.call(lambda each: each.task_history("t")),
    "RetryTasks": lambda client: client.call(lambda each: each.retry_tasks(task_ids="t")),
    "SkipTasks": lambda client: client.call(lambda each: each.skip_tasks(task_ids="t")),
    "DeleteTasks": lambda client: client.call(lambda each: each.delete_tasks(task_ids="t")),
    "RequestTasksProcessing": lambda client: client.call(lambda each: each.request_tasks_processing()),
    "WatchRun": lambda client: client.items(lambda each: each.watch_run("r"), 1),
    "GetRun": lambda client: client.call(lambda each: each.get_run("r")),
    "ListRuns": lambda client: client.items(lambda each: each.list_runs(), 1),
    "CancelRun": lambda client: client.call(lambda each: each.cancel_run("r")),
    "ListConnectors": lambda client: client.call(lambda each: each.list_connectors()),
    "GetConnector": lambda client: client.call(lambda each: each.get_connector("crm")),
    "PauseConnector": lambda client: client.call(lambda each: each.pause_connector("crm")),
    "ResumeConnector": lambda client: client.call(lambda each: each.resume_connector("crm")),
    "GetConnectorStats": lambda client: client.call(lambda each: each.connector_stats("crm")),
    "EnableConnector": lambda client: client.call(lambda each: each.enable_connector("crm")),
    "DisableConnector": lambda client: client.call(lambda each: each.disable_connector("crm")),
    "DescribeConnector": lambda client: client.call(lambda each: each.describe_connector("crm")),
    "CheckConnector": lambda client: client.call(lambda each: each.check_connector("crm")),
    "WatchConnectors": lambda client: client.items(lambda each: each.watch_connectors(), 1),
    "GetObject": lambda client: client.call(lambda each: each.get_object("cms.user", 1)),
    "ListObjects": lambda client: client.items(lambda each: each.list_objects("cms.user"), 1),
    "ResolveKeys": lambda client: client.call(lambda each: each.resolve_keys("crm", [])),
    "WatchObjects": open_object_watch,
    "ListEnums": lambda client: client.call(lambda each: each.list_enums()),
    "GetEnum": lambda client: client.call(lambda each: each.get_enum("TaskType")),
    "GetServerInfo": lambda client: client.call(lambda each: each.server_info()),
    "ListReplicas": lambda client: client.call(lambda each: each.list_replicas()),
    "ListSwitches": lambda client: client.call(lambda each: each.list_switches()),
    "SetSwitch": lambda client: client.call(lambda each: each.set_switch(Switch.BUS, on=False)),
}


def refuse_a_stream(requests: Iterator[Message]) -> Iterator[Answer]:
    next(requests)
    yield Refuse(code=grpc.StatusCode.UNIMPLEMENTED)


def test_every_rpc_is_in_the_table() -> None:
    assert sorted(CALLS) == sorted(method.name for service in SERVICES for method in service.methods)


def test_every_rpc_is_called_by_its_method(bus: ScriptedBus, client: EitherClient) -> None:
    """The server answers nothing, so that each method ends with its first call."""
    bus.conversations("LogTaskStream", refuse_a_stream)
    for name, call in CALLS.items():
        with pytest.raises(BusError):
            call(client)
        assert [each for each in CALLS if bus.received(each)] == [*CALLS][: [*CALLS].index(name) + 1], name
