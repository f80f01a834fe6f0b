"""What operators do: requests and responses of several services."""

from collections.abc import Callable
from typing import TypeVar

from integrationbus.client.model.connectors import Connector
from integrationbus.client.model.enums import AttemptOutcome, Switch, TaskState
from integrationbus.client.model.operations import (
    FieldPreview,
    KeyPreview,
    SelectionResult,
    SwitchState,
    TaskAction,
    TaskAttempt,
    TaskHistory,
    TaskPreview,
)
from integrationbus.client.model.runs import Run
from integrationbus.client.model.tasks import NewTask, TaskFilter
from integrationbus.client.wire.arguments import enum_number, text
from integrationbus.client.wire.call import Call
from integrationbus.client.wire.connectors import read_connector
from integrationbus.client.wire.runs import read_run
from integrationbus.client.wire.tasks import (
    filter_message,
    optional_time,
    read_error,
    read_result,
    read_token,
    task_spec,
)
from integrationbus.client.wire.values import read_time, read_value
from integrationbus.v1 import (
    connector_service_pb2,
    enums_pb2,
    notify_service_pb2,
    server_service_pb2,
    task_service_pb2,
)
from integrationbus.v1.task_service_pb2 import DeleteTasksResponse, RetryTasksResponse, SkipTasksResponse

__all__ = [
    "cancel_run",
    "delete_tasks",
    "disable_connector",
    "enable_connector",
    "list_switches",
    "preview_task",
    "retry_tasks",
    "set_switch",
    "skip_tasks",
    "task_history",
]

_TASKS = "/integrationbus.v1.TaskService/"
_NOTIFY = "/integrationbus.v1.NotifyService/"
_CONNECTORS = "/integrationbus.v1.ConnectorService/"
_SERVER = "/integrationbus.v1.ServerService/"

_Acted = TypeVar("_Acted", RetryTasksResponse, SkipTasksResponse, DeleteTasksResponse)


def preview_task(task: NewTask) -> Call[task_service_pb2.PreviewTaskResponse, TaskPreview]:
    """PreviewTask."""

    def read(response: task_service_pb2.PreviewTaskResponse) -> TaskPreview:
        return TaskPreview(
            result=read_result(response.result) if response.HasField("result") else None,
            problem=read_error(response.problem) if response.HasField("problem") else None,
            object_type=response.object_type,
            fields=tuple(
                FieldPreview(
                    name=item.name,
                    before=read_value(item.before, item.name) if item.HasField("before") else None,
                    after=read_value(item.after, item.name) if item.HasField("after") else None,
                    changes=item.changes,
                )
                for item in response.fields
            ),
            keys=tuple(
                KeyPreview(
                    attribute=item.attribute,
                    object_type=item.object_type,
                    external_id=item.external_id,
                    internal_id=item.internal_id or None,
                )
                for item in response.keys
            ),
        )

    request = task_service_pb2.PreviewTaskRequest(task=task_spec(task))
    return Call(f"{_TASKS}PreviewTask", request, task_service_pb2.PreviewTaskResponse, read)


def task_history(task_id: str) -> Call[task_service_pb2.ListTaskAttemptsResponse, TaskHistory]:
    """ListTaskAttempts."""

    def read(response: task_service_pb2.ListTaskAttemptsResponse) -> TaskHistory:
        return TaskHistory(
            attempts=tuple(
                TaskAttempt(
                    number=item.number,
                    run_id=item.run_id,
                    outcome=AttemptOutcome(item.outcome) if item.outcome else None,
                    error=read_error(item.error) if item.HasField("error") else None,
                    started_at=read_time(item.started_at),
                    ended_at=optional_time(item, "ended_at"),
                )
                for item in response.attempts
            ),
            actions=tuple(
                TaskAction(
                    state=TaskState(item.state),
                    actor=item.actor,
                    reason=item.reason,
                    occurred_at=read_time(item.occurred_at),
                )
                for item in response.actions
            ),
        )

    request = task_service_pb2.ListTaskAttemptsRequest(task_id=text(task_id, "task_id"))
    return Call(f"{_TASKS}ListTaskAttempts", request, task_service_pb2.ListTaskAttemptsResponse, read)


def retry_tasks(
    task_filter: TaskFilter, *, reason: str, etag: str, validate_only: bool
) -> Call[RetryTasksResponse, SelectionResult]:
    """RetryTasks."""
    request = task_service_pb2.RetryTasksRequest(
        selection=_selection(task_filter, etag), reason=reason, validate_only=validate_only
    )
    return Call(f"{_TASKS}RetryTasks", request, RetryTasksResponse, _reader(RetryTasksResponse))


def skip_tasks(
    task_filter: TaskFilter, *, reason: str, etag: str, validate_only: bool
) -> Call[SkipTasksResponse, SelectionResult]:
    """SkipTasks."""
    request = task_service_pb2.SkipTasksRequest(
        selection=_selection(task_filter, etag), reason=reason, validate_only=validate_only
    )
    return Call(f"{_TASKS}SkipTasks", request, SkipTasksResponse, _reader(SkipTasksResponse))


def delete_tasks(
    task_filter: TaskFilter, *, reason: str, etag: str, validate_only: bool
) -> Call[DeleteTasksResponse, SelectionResult]:
    """DeleteTasks."""
    request = task_service_pb2.DeleteTasksRequest(
        selection=_selection(task_filter, etag), reason=reason, validate_only=validate_only
    )
    return Call(f"{_TASKS}DeleteTasks", request, DeleteTasksResponse, _reader(DeleteTasksResponse))


def cancel_run(run_id: str, reason: str) -> Call[notify_service_pb2.CancelRunResponse, Run]:
    """CancelRun."""

    def read(response: notify_service_pb2.CancelRunResponse) -> Run:
        return read_run(response.run)

    request = notify_service_pb2.CancelRunRequest(run_id=run_id, reason=reason)
    return Call(f"{_NOTIFY}CancelRun", request, notify_service_pb2.CancelRunResponse, read)


def enable_connector(name: str, reason: str) -> Call[connector_service_pb2.EnableConnectorResponse, Connector]:
    """EnableConnector."""

    def read(response: connector_service_pb2.EnableConnectorResponse) -> Connector:
        return read_connector(response.connector)

    request = connector_service_pb2.EnableConnectorRequest(name=name, reason=reason)
    return Call(f"{_CONNECTORS}EnableConnector", request, connector_service_pb2.EnableConnectorResponse, read)


def disable_connector(name: str, reason: str) -> Call[connector_service_pb2.DisableConnectorResponse, Connector]:
    """DisableConnector."""

    def read(response: connector_service_pb2.DisableConnectorResponse) -> Connector:
        return read_connector(response.connector)

    request = connector_service_pb2.DisableConnectorRequest(name=name, reason=reason)
    return Call(f"{_CONNECTORS}DisableConnector", request, connector_service_pb2.DisableConnectorResponse, read)


def list_switches() -> Call[server_service_pb2.ListSwitchesResponse, list[SwitchState]]:
    """ListSwitches."""

    def read(response: server_service_pb2.ListSwitchesResponse) -> list[SwitchState]:
        return [_read_switch(item) for item in response.switches]

    request = server_service_pb2.ListSwitchesRequest()
    return Call(f"{_SERVER}ListSwitches", request, server_service_pb2.ListSwitchesResponse, read)


def set_switch(switch: Switch, reason: str, *, on: bool) -> Call[server_service_pb2.SetSwitchResponse, SwitchState]:
    """SetSwitch."""

    def read(response: server_service_pb2.SetSwitchResponse) -> SwitchState:
        return _read_switch(response.switch)

    number = enums_pb2.Switch.ValueType(enum_number(switch, Switch, "switch"))
    request = server_service_pb2.SetSwitchRequest(switch=number, on=on, reason=reason)
    return Call(f"{_SERVER}SetSwitch", request, server_service_pb2.SetSwitchResponse, read)


def _selection(task_filter: TaskFilter, etag: str) -> task_service_pb2.TaskSelection:
    """By id when nothing else is given, else by filter."""
    message = filter_message(task_filter)
    if set(task_filter) == {"task_ids"}:
        return task_service_pb2.TaskSelection(task_ids=message.task_ids, etag=etag)
    return task_service_pb2.TaskSelection(filter=message, etag=etag)


def _reader(_: type[_Acted]) -> Callable[[_Acted], SelectionResult]:
    def read(response: _Acted) -> SelectionResult:
        result = response.result
        return SelectionResult(
            affected=result.affected,
            not_affected={item.task_id: item.reason for item in result.not_affected},
            resume_token=read_token(result.resume_token) if result.resume_token.positions else None,
        )

    return read


def _read_switch(message: server_service_pb2.SwitchState) -> SwitchState:
    return SwitchState(
        switch=Switch(message.switch),
        on=message.on,
        changed_by=message.changed_by,
        reason=message.reason,
        changed_at=optional_time(message, "changed_at"),
    )
