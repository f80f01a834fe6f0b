"""What operators do, for asynchronous programs; see ``operating``."""

from typing import Unpack

from integrationbus.client.async_connection import AsyncConnection
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

__all__ = ["AsyncOperating"]


class AsyncOperating:
    """Calls of operators on a connection. Every method raises a ``BusError`` when its call fails."""

    _connection: AsyncConnection

    async def preview_task(
        self, connector: str, task_type: TaskType, payload: Payload, **options: Unpack[TaskOptions]
    ) -> TaskPreview:
        """What a task would do if it were processed now: its effect, its columns, its keys. Nothing is written."""
        task = NewTask(connector, task_type, payload, **options)
        return await self._connection.call(operations.preview_task(task))

    async def task_history(self, task_id: str) -> TaskHistory:
        """Every attempt at a task, and what operators did with it. Raises NotFound."""
        return await self._connection.call(operations.task_history(task_id))

    async def retry_tasks(
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
        return await self._connection.call(call)

    async def skip_tasks(
        self,
        *,
        reason: str = "",
        etag: str = "",
        validate_only: bool = False,
        **task_filter: Unpack[TaskFilter],
    ) -> SelectionResult:
        """Leave tasks out for good; for the rest see ``retry_tasks``."""
        call = operations.skip_tasks(task_filter, reason=reason, etag=etag, validate_only=validate_only)
        return await self._connection.call(call)

    async def delete_tasks(
        self,
        *,
        reason: str = "",
        etag: str = "",
        validate_only: bool = False,
        **task_filter: Unpack[TaskFilter],
    ) -> SelectionResult:
        """Take tasks out of the queue; for the rest see ``retry_tasks``."""
        call = operations.delete_tasks(task_filter, reason=reason, etag=etag, validate_only=validate_only)
        return await self._connection.call(call)

    async def cancel_run(self, run_id: str, reason: str = "") -> Run:
        """End a run after the batch in hand; returns it when it has ended. Raises NotFound and PreconditionFailed."""
        return await self._connection.call(operations.cancel_run(run_id, reason))

    async def enable_connector(self, name: str, reason: str = "") -> Connector:
        """Switch a connector on. Raises NotFound."""
        return await self._connection.call(operations.enable_connector(name, reason))

    async def disable_connector(self, name: str, reason: str = "") -> Connector:
        """Switch a connector off: its tasks are refused, and nothing of it runs. Raises NotFound."""
        return await self._connection.call(operations.disable_connector(name, reason))

    async def describe_connector(self, name: str) -> ConnectorDescription:
        """What a connector makes: its internal types with their columns, keys and parts. Raises NotFound."""
        return await self._connection.call(descriptions.describe_connector(name))

    async def check_connector(self, name: str) -> list[ConnectorCheck]:
        """Look for what would keep a connector from working; changes nothing. Raises NotFound."""
        return await self._connection.call(descriptions.check_connector(name))

    async def list_switches(self) -> list[SwitchState]:
        """The switches of the whole bus."""
        return await self._connection.call(operations.list_switches())

    async def set_switch(self, switch: Switch, *, on: bool, reason: str = "") -> SwitchState:
        """Turn a switch of the whole bus on or off."""
        return await self._connection.call(operations.set_switch(switch, reason, on=on))

    async def list_replicas(self) -> list[Replica]:
        """The servers that work on the database, and which connectors each of them processes."""
        return await self._connection.call(server.list_replicas())
