"""ServerService."""

from collections.abc import Sequence

from integrationbus.server.rpc.context import Context
from integrationbus.server.rpc.render import timestamp
from integrationbus.server.rpc.services import Services
from integrationbus.v1 import server_service_pb2_grpc
from integrationbus.v1.server_service_pb2 import GetServerInfoRequest, GetServerInfoResponse, Limits

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
        )
