"""What operators do: the part of the client that changes tasks, connectors and switches, and looks closer."""

from typing import Unpack

from integrationbus.client.connection import Connection
from integrationbus.client.model.connectors import Connector
from integrationbus.client.model.descriptions import ConnectorCheck, ConnectorDescription
from integrationbus.client.model.enums import Switch, TaskType
from integrationbus.client.model.operations import SelectionResult, SwitchState, TaskHistory, TaskPreview
from integrationbus.client.model.payloads import Payload
from integrationbus.client.model.runs import Run
from integrationbus.client.model.server import Replica
from integrationbus.client.model.tasks import (
    NewTask,
    TaskFilter,
    TaskOptions,
)
from integrationbus.client.wire import descriptions, operations, server

__all__ = ["Operating"]


class Operating:
    """Calls of operators on a connection. Every method raises a ``BusError`` when its call fails."""

    _connection: Connection

    def preview_task(
        self, connector: str, task_type: TaskType, payload: Payload, **options: Unpack[TaskOptions]
    ) -> TaskPreview:
        """What a task would do if it were processed now: its effect, its columns, its keys. Nothing is written."""
        task = NewTask(connector, task_type, payload, **options)
        return self._connection.call(operations.preview_task(task))

    def task_history(self, task_id: str) -> TaskHistory:
        """Every attempt at a task, and what operators did with it. Raises NotFound."""
        return self._connection.call(operations.task_history(task_id))

    def retry_tasks(
        self,
        *,
        reason: str = "",
        etag: str = "",
        validate_only: bool = False,
        **task_filter: Unpack[TaskFilter],
    ) -> SelectionResult:
        """Have tasks processed now, wherever they stand, in their order and before the line.

        With ``task_ids`` alone these tasks are meant, and those that cannot be acted upon are reported; with a filter,
        all that match and can be acted upon. ``validate_only`` only counts them. ``etag`` goes with a single task id:
        a task that has changed since is left alone. Raises NotFound or PreconditionFailed for a single task.
        """
        call = operations.retry_tasks(task_filter, reason=reason, etag=etag, validate_only=validate_only)
        return self._connection.call(call)

    def skip_tasks(
        self,
        *,
        reason: str = "",
        etag: str = "",
        validate_only: bool = False,
        **task_filter: Unpack[TaskFilter],
    ) -> SelectionResult:
        """Leave tasks out for good; for the rest see ``retry_tasks``."""
        call = operations.skip_tasks(task_filter, reason=reason, etag=etag, validate_only=validate_only)
        return self._connection.call(call)

    def delete_tasks(
        self,
        *,
        reason: str = "",
        etag: str = "",
        validate_only: bool = False,
        **task_filter: Unpack[TaskFilter],
    ) -> SelectionResult:
        """Take tasks out of the queue; for the rest see ``retry_tasks``."""
        call = operations.delete_tasks(task_filter, reason=reason, etag=etag, validate_only=validate_only)
        return self._connection.call(call)

    def cancel_run(self, run_id: str, reason: str = "") -> Run:
        """End a run after the batch in hand; returns it when it has ended. Raises NotFound and PreconditionFailed."""
        return self._connection.call(operations.cancel_run(run_id, reason))

    def enable_connector(self, name: str, reason: str = "") -> Connector:
        """Switch a connector on. Raises NotFound."""
        return self._connection.call(operations.enable_connector(name, reason))

    def disable_connector(self, name: str, reason: str = "") -> Connector:
        """Switch a connector off: its tasks are refused, and nothing of it runs. Raises NotFound."""
        return self._connection.call(operations.disable_connector(name, reason))

    def describe_connector(self, name: str) -> ConnectorDescription:
        """What a connector makes: its internal types with their columns, keys and parts. Raises NotFound."""
        return self._connection.call(descriptions.describe_connector(name))

    def check_connector(self, name: str) -> list[ConnectorCheck]:
        """Look for what would keep a connector from working; changes nothing. Raises NotFound."""
        return self._connection.call(descriptions.check_connector(name))

    def list_switches(self) -> list[SwitchState]:
        """The switches of the whole bus."""
        return self._connection.call(operations.list_switches())

    def set_switch(self, switch: Switch, *, on: bool, reason: str = "") -> SwitchState:
        """Turn a switch of the whole bus on or off."""
        return self._connection.call(operations.set_switch(switch, reason, on=on))

    def list_replicas(self) -> list[Replica]:
        """The servers that work on the database, and which connectors each of them processes."""
        return self._connection.call(server.list_replicas())
