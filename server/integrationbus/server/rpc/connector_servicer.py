"""ConnectorService."""

from integrationbus.connectors.policies import Cron, Every, OnNotify, Trigger
from integrationbus.server.connector import ConnectorRecord, HeadAction, TriggerMode
from integrationbus.server.rpc.checks import check_text, choice
from integrationbus.server.rpc.context import Context, creator_of
from integrationbus.server.rpc.render import render_counts, render_run, timestamp
from integrationbus.server.rpc.services import Services
from integrationbus.v1 import connector_service_pb2, connector_service_pb2_grpc, enums_pb2
from integrationbus.v1.connector_service_pb2 import (
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
        return GetConnectorResponse(connector=await self._read(request.name))

    async def PauseConnector(self, request: PauseConnectorRequest, context: Context) -> PauseConnectorResponse:
        """See the proto."""
        actor = creator_of(context)
        reason = check_text("reason", request.reason, 255)
        await self._services.reads(lambda: self._services.dispatcher.pause(request.name, actor=actor, reason=reason))
        return PauseConnectorResponse(connector=await self._read(request.name))

    async def ResumeConnector(self, request: ResumeConnectorRequest, context: Context) -> ResumeConnectorResponse:
        """See the proto."""
        actor = creator_of(context)
        reason = check_text("reason", request.reason, 255)
        action = choice("head_action", request.head_action, HeadAction, HeadAction.RETRY)
        run = await self._services.reads(
            lambda: self._services.dispatcher.resume(request.name, action, actor=actor, reason=reason)
        )
        connector = await self._read(request.name)
        waiting = connector.counts.pending + connector.counts.running + connector.counts.retry_wait
        return ResumeConnectorResponse(connector=connector, run=render_run(run, waiting))

    async def GetConnectorStats(self, request: GetConnectorStatsRequest, context: Context) -> GetConnectorStatsResponse:
        """See the proto."""
        store, rates = self._services.store, self._services.rates
        record = await self._services.reads(lambda: store.connector(request.name))
        oldest = await self._services.reads(lambda: store.oldest_waiting(record.id))
        return GetConnectorStatsResponse(
            counts=render_counts(record.counts),
            oldest_waiting_logged_at=timestamp(oldest),
            logged_per_second=rates.logged_per_second(record.name),
            settled_per_second=rates.settled_per_second(record.name),
        )

    async def _read(self, name: str) -> connector_service_pb2.Connector:
        return self._render(await self._services.reads(lambda: self._services.store.connector(name)))

    def _render(self, record: ConnectorRecord) -> connector_service_pb2.Connector:
        registered = self._services.registry.get(record.name)
        connector = registered.connector
        state, problem = self._services.dispatcher.state_of(record)
        return connector_service_pb2.Connector(
            name=record.name,
            display_name=(connector.display_name if connector else "") or record.name,
            class_path=record.class_path,
            state=enums_pb2.ConnectorState.ValueType(state),
            problem=problem,
            paused_by=record.paused_by if record.paused else "",
            halted_by=record.halted_by,
            trigger_mode=enums_pb2.TriggerMode.ValueType(_mode_of(connector.trigger) if connector else 0),
            schedule=str(connector.trigger) if connector and isinstance(connector.trigger, Every | Cron) else "",
            accepts=list(connector.accepts.names()) if connector else [],
            object_types=sorted(registered.object_classes),
            counts=render_counts(record.counts),
        )


def _mode_of(trigger: Trigger) -> TriggerMode:
    match trigger:
        case Every() | Cron():
            return TriggerMode.ON_SCHEDULE
        case OnNotify():
            return TriggerMode.ON_NOTIFY
        case _:
            return TriggerMode.ON_LOG
