"""ConnectorService."""

from integrationbus.connectors.connector import IntegrationConnector
from integrationbus.connectors.policies import Cron, Every, OnNotify, Trigger
from integrationbus.server.connector import ConnectorRecord, HeadAction, TriggerMode
from integrationbus.server.errors import ConnectorNotFound
from integrationbus.server.rpc.checks import MAX_NAME_BYTES, check_text, choice
from integrationbus.server.rpc.context import Context, creator_of
from integrationbus.server.rpc.render import render_counts, render_run, timestamp
from integrationbus.server.rpc.services import Services
from integrationbus.v1 import connector_service_pb2, connector_service_pb2_grpc, enums_pb2
from integrationbus.v1.connector_service_pb2 import (
    DisableConnectorRequest,
    DisableConnectorResponse,
    EnableConnectorRequest,
    EnableConnectorResponse,
    GetConnectorRequest,
    GetConnectorResponse,
    GetConnectorStatsRequest,
    GetConnectorStatsResponse,
    ListConnectorsRequest,
    ListConnectorsResponse,
    PauseConnectorRequest,
    PauseConnectorResponse,
    ResumeConnectorRequest,
    ResumeConnectorResponse,
)

__all__ = ["ConnectorServicer"]

_WithName = (
    GetConnectorRequest
    | PauseConnectorRequest
    | ResumeConnectorRequest
    | GetConnectorStatsRequest
    | EnableConnectorRequest
    | DisableConnectorRequest
)


class ConnectorServicer(connector_service_pb2_grpc.ConnectorServiceServicer):
    """Shows connectors, and holds and releases them."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def ListConnectors(self, request: ListConnectorsRequest, context: Context) -> ListConnectorsResponse:
        """See the proto."""
        records = await self._services.reads(self._services.store.connectors)
        return ListConnectorsResponse(connectors=[self._render(record) for record in records])

    async def GetConnector(self, request: GetConnectorRequest, context: Context) -> GetConnectorResponse:
        """See the proto."""
        return GetConnectorResponse(connector=await self._read(_name_in(request)))

    async def PauseConnector(self, request: PauseConnectorRequest, context: Context) -> PauseConnectorResponse:
        """See the proto."""
        actor = creator_of(context)
        reason = check_text("reason", request.reason, 255)
        name = _name_in(request)
        await self._services.reads(lambda: self._services.dispatcher.pause(name, actor=actor, reason=reason))
        return PauseConnectorResponse(connector=await self._read(name))

    async def ResumeConnector(self, request: ResumeConnectorRequest, context: Context) -> ResumeConnectorResponse:
        """See the proto."""
        actor = creator_of(context)
        reason = check_text("reason", request.reason, 255)
        action = choice("head_action", request.head_action, HeadAction, HeadAction.RETRY)
        name = _name_in(request)
        run = await self._services.reads(
            lambda: self._services.dispatcher.resume(name, action, actor=actor, reason=reason)
        )
        connector = await self._read(name)
        waiting = connector.counts.pending + connector.counts.running + connector.counts.retry_wait
        return ResumeConnectorResponse(connector=connector, run=render_run(run, waiting))

    async def EnableConnector(self, request: EnableConnectorRequest, context: Context) -> EnableConnectorResponse:
        """See the proto."""
        return EnableConnectorResponse(connector=await self._switch(request, context, enabled=True))

    async def DisableConnector(self, request: DisableConnectorRequest, context: Context) -> DisableConnectorResponse:
        """See the proto."""
        return DisableConnectorResponse(connector=await self._switch(request, context, enabled=False))

    async def GetConnectorStats(self, request: GetConnectorStatsRequest, context: Context) -> GetConnectorStatsResponse:
        """See the proto."""
        store, rates = self._services.store, self._services.rates
        name = _name_in(request)
        record = await self._services.reads(lambda: store.connector(name))
        oldest = await self._services.reads(lambda: store.oldest_waiting(record.id))
        return GetConnectorStatsResponse(
            counts=render_counts(record.counts),
            oldest_waiting_logged_at=timestamp(oldest),
            logged_per_second=rates.logged_per_second(record.name),
            settled_per_second=rates.settled_per_second(record.name),
        )

    async def _switch(
        self, request: EnableConnectorRequest | DisableConnectorRequest, context: Context, *, enabled: bool
    ) -> connector_service_pb2.Connector:
        actor, reason = creator_of(context), check_text("reason", request.reason, 255)
        name = _name_in(request)
        await self._services.reads(
            lambda: self._services.dispatcher.set_enabled(name, enabled=enabled, actor=actor, reason=reason)
        )
        return await self._read(name)

    async def _read(self, name: str) -> connector_service_pb2.Connector:
        return self._render(await self._services.reads(lambda: self._services.store.connector(name)))

    def _render(self, record: ConnectorRecord) -> connector_service_pb2.Connector:
        rendered = connector_service_pb2.Connector(
            name=record.name,
            display_name=record.name,
            class_path=record.class_path,
            state=enums_pb2.CONNECTOR_STATE_UNHEALTHY,
            problem="this server was not started with it; its tasks wait",
            paused_by=_held_by(record),
            halted_by=record.halted_by,
            counts=render_counts(record.counts),
        )
        try:
            registered = self._services.registry.get(record.name)
        except ConnectorNotFound:
            return rendered  # another process put it on record since, through the same database
        state, problem = self._services.dispatcher.state_of(record)
        rendered.state, rendered.problem = enums_pb2.ConnectorState.ValueType(state), problem
        rendered.object_types.extend(sorted(registered.object_classes))
        if registered.connector:
            _describe(rendered, registered.connector)
        return rendered


def _name_in(request: _WithName) -> str:
    return check_text("name", request.name, MAX_NAME_BYTES)


def _held_by(record: ConnectorRecord) -> str:
    if not record.enabled:
        return record.disabled_by
    return record.paused_by if record.paused else ""


def _describe(rendered: connector_service_pb2.Connector, connector: IntegrationConnector) -> None:
    """Add what the class of a connector says about itself."""
    rendered.display_name = connector.display_name or rendered.name
    rendered.trigger_mode = enums_pb2.TriggerMode.ValueType(_mode_of(connector.trigger))
    rendered.schedule = str(connector.trigger) if isinstance(connector.trigger, Every | Cron) else ""
    rendered.accepts.extend(connector.accepts.names())


def _mode_of(trigger: Trigger) -> TriggerMode:
    match trigger:
        case Every() | Cron():
            return TriggerMode.ON_SCHEDULE
        case OnNotify():
            return TriggerMode.ON_NOTIFY
        case _:
            return TriggerMode.ON_LOG
