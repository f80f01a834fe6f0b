"""The gRPC server: its services, its options, its start and its end."""

import ipaddress

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health, health_pb2
from grpc_reflection.v1alpha import reflection

from integrationbus.server.limits import Limits
from integrationbus.server.rpc.connector_servicer import ConnectorServicer
from integrationbus.server.rpc.enum_servicer import EnumServicer
from integrationbus.server.rpc.methods import Methods
from integrationbus.server.rpc.notify_servicer import NotifyServicer
from integrationbus.server.rpc.object_servicer import ObjectServicer
from integrationbus.server.rpc.server_servicer import ServerServicer
from integrationbus.server.rpc.services import Services
from integrationbus.server.rpc.task_servicer import TaskServicer
from integrationbus.v1 import (
    connector_service_pb2,
    enum_service_pb2,
    notify_service_pb2,
    object_service_pb2,
    server_service_pb2,
    task_service_pb2,
)

__all__ = ["RpcServer", "build_server", "server_options"]

_SERVICES: tuple[ServiceDescriptor, ...] = tuple(
    module.DESCRIPTOR.services_by_name[name]
    for module, name in (
        (connector_service_pb2, "ConnectorService"),
        (enum_service_pb2, "EnumService"),
        (notify_service_pb2, "NotifyService"),
        (object_service_pb2, "ObjectService"),
        (server_service_pb2, "ServerService"),
        (task_service_pb2, "TaskService"),
    )
)

_MOST_PENDING = 20_000


class RpcServer:
    """A gRPC server with health and reflection."""

    def __init__(self, server: grpc.aio.Server, health_servicer: health.aio.HealthServicer, listen: str) -> None:
        self._server = server
        self._health = health_servicer
        self._listen = listen

    async def start(self) -> int:
        """Listen; returns the port. Raises OSError when the address cannot be had."""
        try:
            port = self._server.add_insecure_port(self._listen)
        except RuntimeError as error:
            raise OSError("the address cannot be had; is another server using it?") from error
        await self._server.start()
        await self.report(serving=True)
        return port

    async def report(self, *, serving: bool) -> None:
        """Tell balancers whether to come here; calls are answered either way."""
        status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        for service in ("", *(service.full_name for service in _SERVICES)):
            await self._health.set(service, status)

    async def begin_drain(self) -> None:
        """Report NOT_SERVING from now on, so that balancers look elsewhere; calls are still answered."""
        await self._health.enter_graceful_shutdown()

    async def stop(self, grace_seconds: float) -> None:
        """Refuse new calls, and give those in flight so long to end."""
        await self._server.stop(grace_seconds)


def build_server(services: Services, listen: str) -> RpcServer:
    """A server that is ready to start. Raises ValueError for an address that must not be served without encryption."""
    _check_loopback(listen)
    methods = Methods()
    names = [f"{service.full_name}/{method.name}" for service in _SERVICES for method in service.methods]
    servicers = {
        "ConnectorService": ConnectorServicer(services),
        "EnumService": EnumServicer(),
        "NotifyService": NotifyServicer(services),
        "ObjectService": ObjectServicer(services),
        "ServerService": ServerServicer(services, names),
        "TaskService": TaskServicer(services),
    }
    for service in _SERVICES:
        methods.add(service, servicers[service.name])
    pool = descriptor_pool.Default()
    health_servicer = health.aio.HealthServicer()
    methods.add_foreign(pool.FindServiceByName(health.SERVICE_NAME), health_servicer)
    shown = [*(service.full_name for service in _SERVICES), health.SERVICE_NAME, reflection.SERVICE_NAME]
    methods.add_foreign(pool.FindServiceByName(reflection.SERVICE_NAME), reflection.aio.ReflectionServicer(shown))
    server = grpc.aio.server(options=server_options(services.limits))
    server.add_generic_rpc_handlers((methods,))
    return RpcServer(server, health_servicer, listen)


def server_options(limits: Limits) -> list[tuple[str, int]]:
    """The options of gRPC that a server has."""
    return [
        ("grpc.max_receive_message_length", limits.max_message_bytes),
        ("grpc.max_send_message_length", 2 * limits.max_message_bytes),
        # For a gateway that watches for many over one connection: who is beyond this waits without a word.
        ("grpc.max_concurrent_streams", 10_000),
        # gRPC would cancel calls at random that come faster than they are taken up: more than 1,000 at a time.
        ("grpc.server.max_pending_requests", _MOST_PENDING),
        ("grpc.server.max_pending_requests_hard_limit", _MOST_PENDING),
        # A peer that connects and says nothing must not hold a socket for long.
        ("grpc.server_handshake_timeout_ms", 10_000),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        # Two servers must not share an address by accident.
        ("grpc.so_reuseport", 0),
    ]


def _check_loopback(listen: str) -> None:
    host = listen.rpartition(":")[0].strip("[]")
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ValueError(
            f"cannot serve on {listen}: without encryption only a loopback address is served, such as 127.0.0.1:50051"
        )
