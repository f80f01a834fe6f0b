"""ServerService."""

from collections.abc import Sequence
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from integrationbus.server.retention import Retention
from integrationbus.server.rpc.checks import check_text, choice
from integrationbus.server.rpc.context import Context, creator_of
from integrationbus.server.rpc.render import timestamp
from integrationbus.server.rpc.services import Services
from integrationbus.server.switches import Switch, SwitchState
from integrationbus.v1 import enums_pb2, server_service_pb2, server_service_pb2_grpc
from integrationbus.v1.server_service_pb2 import (
    GetServerInfoRequest,
    GetServerInfoResponse,
    Limits,
    ListReplicasRequest,
    ListReplicasResponse,
    ListSwitchesRequest,
    ListSwitchesResponse,
    SetSwitchRequest,
    SetSwitchResponse,
)

__all__ = ["ServerServicer"]


class ServerServicer(server_service_pb2_grpc.ServerServiceServicer):
    """Describes the server. ``methods`` are the full names of the RPC methods that it answers."""

    def __init__(self, services: Services, methods: Sequence[str]) -> None:
        self._services = services
        self._methods = methods

    async def GetServerInfo(self, request: GetServerInfoRequest, context: Context) -> GetServerInfoResponse:
        """See the proto."""
        limits = self._services.limits
        return GetServerInfoResponse(
            version=self._services.version,
            store_id=self._services.store.store_id,
            database=self._services.store.database_kind,
            methods=self._methods,
            limits=Limits(
                max_message_bytes=limits.max_message_bytes,
                max_payload_bytes=limits.max_payload_bytes,
                max_tasks_per_call=limits.max_tasks_per_call,
                max_record_depth=limits.max_record_depth,
                max_record_values=limits.max_record_values,
            ),
            started_at=timestamp(self._services.started_at),
            retention=_render_retention(self._services.retention),
        )

    async def ListReplicas(self, request: ListReplicasRequest, context: Context) -> ListReplicasResponse:
        """See the proto."""
        roll = await self._services.reads(self._services.replicas.roll)
        own_id = self._services.replicas.own_id
        return ListReplicasResponse(
            replicas=[
                server_service_pb2.Replica(
                    id=replica.id,
                    started_at=timestamp(replica.started_at),
                    answers=replica.id == own_id,
                    processes=sorted(name for name, holder in roll.holders.items() if holder == replica.id),
                    connectors=sorted(replica.connectors),
                )
                for replica in sorted(roll.replicas, key=lambda replica: (replica.started_at, replica.id))
            ]
        )

    async def ListSwitches(self, request: ListSwitchesRequest, context: Context) -> ListSwitchesResponse:
        """See the proto."""
        switches = await self._services.reads(self._services.store.switches)
        return ListSwitchesResponse(switches=[_render_switch(item) for item in switches])

    async def SetSwitch(self, request: SetSwitchRequest, context: Context) -> SetSwitchResponse:
        """See the proto."""
        actor, reason = creator_of(context), check_text("reason", request.reason, 255)
        switch = choice("switch", request.switch, Switch)
        state = await self._services.reads(
            lambda: self._services.dispatcher.set_switch(switch, on=request.on, actor=actor, reason=reason)
        )
        self._services.connector_watch.changed()
        return SetSwitchResponse(switch=_render_switch(state))


def _render_retention(retention: Retention) -> server_service_pb2.Retention:
    return server_service_pb2.Retention(
        succeeded=_duration(retention.succeeded),
        failed=_duration(retention.failed),
        deleted=_duration(retention.deleted),
        events=_duration(retention.events),
        request_ids=_duration(retention.request_ids),
        runs=_duration(retention.runs),
    )


def _duration(kept: timedelta | None) -> Duration | None:
    if kept is None:
        return None
    message = Duration()
    message.FromTimedelta(kept)
    return message


def _render_switch(state: SwitchState) -> server_service_pb2.SwitchState:
    return server_service_pb2.SwitchState(
        switch=enums_pb2.Switch.ValueType(state.switch),
        on=state.on,
        changed_by=state.changed_by,
        reason=state.reason,
        changed_at=timestamp(state.changed_at),
    )
