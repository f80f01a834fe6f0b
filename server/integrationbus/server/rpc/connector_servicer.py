"""ConnectorService."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from integrationbus.connectors.connector import IntegrationConnector
from integrationbus.connectors.policies import Cron, Every, OnNotify, Trigger
from integrationbus.server.connector import ConnectorRecord, ConnectorState, ConnectorStatus, HeadAction, TriggerMode
from integrationbus.server.description import describe_type
from integrationbus.server.errors import ConnectorNotFound, ConnectorUnhealthy
from integrationbus.server.rpc.checks import MAX_NAME_BYTES, check_text, choice, invalid
from integrationbus.server.rpc.context import Context, creator_of
from integrationbus.server.rpc.render import render_counts, render_run, timestamp
from integrationbus.server.rpc.render_connector import render_check, render_object_type
from integrationbus.server.rpc.services import Services
from integrationbus.v1 import connector_service_pb2, connector_service_pb2_grpc, enums_pb2
from integrationbus.v1.connector_service_pb2 import (
    CheckConnectorRequest,
    CheckConnectorResponse,
    DescribeConnectorRequest,
    DescribeConnectorResponse,
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
    WatchConnectorsRequest,
    WatchConnectorsResponse,
)

__all__ = ["ConnectorServicer"]

_WithName = (
    GetConnectorRequest
    | PauseConnectorRequest
    | ResumeConnectorRequest
    | GetConnectorStatsRequest
    | EnableConnectorRequest
    | DisableConnectorRequest
    | DescribeConnectorRequest
    | CheckConnectorRequest
)
_DEFAULT_INTERVAL = 1.0
_INTERVALS = (0.1, 60.0)


class ConnectorServicer(connector_service_pb2_grpc.ConnectorServiceServicer):
    """Shows connectors, and holds and releases them."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def ListConnectors(self, request: ListConnectorsRequest, context: Context) -> ListConnectorsResponse:
        """See the proto."""
        records = await self._services.reads(self._services.dispatcher.connectors)
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
        self._services.connector_watch.changed()
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
        self._services.connector_watch.changed()
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
        self._services.connector_watch.changed()
        return await self._read(name)

    async def DescribeConnector(self, request: DescribeConnectorRequest, context: Context) -> DescribeConnectorResponse:
        """See the proto."""
        registry = self._services.registry
        name = _name_in(request)
        record = await self._services.reads(lambda: self._services.store.connector(name))
        state, problem = self._services.dispatcher.state_of(record)
        if state is ConnectorState.UNHEALTHY:
            raise ConnectorUnhealthy(f"{name} cannot be described: {problem}")
        classes = registry.get(name).object_classes
        views = [describe_type(classes[each], registry.classes) for each in sorted(classes)]
        return DescribeConnectorResponse(
            connector=self._render(record), object_types=[render_object_type(view) for view in views]
        )

    async def CheckConnector(self, request: CheckConnectorRequest, context: Context) -> CheckConnectorResponse:
        """See the proto."""
        name = _name_in(request)
        checks = await self._services.reads(lambda: self._services.checker.check(name))
        return CheckConnectorResponse(checks=[render_check(check) for check in checks])

    async def WatchConnectors(
        self, request: WatchConnectorsRequest, context: Context
    ) -> AsyncIterator[WatchConnectorsResponse]:
        """See the proto."""
        names = {
            check_text(f"names[{index}]", name, MAX_NAME_BYTES, required=True)
            for index, name in enumerate(request.names)
        }
        interval = _interval_in(request)
        async with aclosing(self._services.connector_watch.watch(names, interval)) as items:
            async for statuses in items:
                yield WatchConnectorsResponse(connectors=[self._render_status(status) for status in statuses])

    async def _read(self, name: str) -> connector_service_pb2.Connector:
        return self._render(await self._services.reads(lambda: self._services.store.connector(name)))

    def _render(self, record: ConnectorRecord) -> connector_service_pb2.Connector:
        state, problem = self._services.dispatcher.state_of(record)
        return self._render_status(ConnectorStatus(record=record, state=state, problem=problem))

    def _render_status(self, status: ConnectorStatus) -> connector_service_pb2.Connector:
        record = status.record
        rendered = connector_service_pb2.Connector(
            name=record.name,
            display_name=record.name,
            class_path=record.class_path,
            state=enums_pb2.ConnectorState.ValueType(status.state),
            problem=status.problem,
            paused_by=_held_by(record),
            halted_by=record.halted_by,
            counts=render_counts(record.counts),
        )
        try:
            registered = self._services.registry.get(record.name)
        except ConnectorNotFound:
            return rendered  # another process put it on record since, through the same database
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


def _interval_in(request: WatchConnectorsRequest) -> float:
    """In seconds. Raises InvalidField."""
    if not request.HasField("interval"):
        return _DEFAULT_INTERVAL
    seconds = request.interval.seconds + request.interval.nanos / 1e9
    shortest, longest = _INTERVALS
    if not shortest <= seconds <= longest:
        raise invalid("interval", f"is {seconds:g} seconds, {shortest:g} to {longest:g} are allowed")
    return seconds


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
