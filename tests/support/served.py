"""A whole server in this process, reached over a real connection."""

from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager

import grpc
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from grpc_status import rpc_status

from integrationbus.server.app import App
from integrationbus.server.settings import Settings
from integrationbus.v1 import (
    connector_service_pb2_grpc,
    enum_service_pb2_grpc,
    notify_service_pb2_grpc,
    object_service_pb2_grpc,
    server_service_pb2_grpc,
    task_service_pb2_grpc,
)

__all__ = ["Refusal", "Served", "refusal_of", "serve"]


class Served:
    """The stubs of every service, and the server behind them."""

    def __init__(self, app: App, channel: grpc.aio.Channel, port: int) -> None:
        self.app = app
        self.channel = channel
        self.address = f"127.0.0.1:{port}"
        self.tasks = task_service_pb2_grpc.TaskServiceStub(channel)
        self.notify = notify_service_pb2_grpc.NotifyServiceStub(channel)
        self.connectors = connector_service_pb2_grpc.ConnectorServiceStub(channel)
        self.objects = object_service_pb2_grpc.ObjectServiceStub(channel)
        self.enums = enum_service_pb2_grpc.EnumServiceStub(channel)
        self.server = server_service_pb2_grpc.ServerServiceStub(channel)


@asynccontextmanager
async def serve(
    database_url: str, connectors: Sequence[str], *, listen: str = "127.0.0.1:0", target_url: str = ""
) -> AsyncIterator[Served]:
    """Start a server, and stop it at the end."""
    settings = Settings(
        database_url=database_url,
        target_url=target_url,
        listen=listen,
        connectors=tuple(connectors),
        use_entry_points=False,
        grace_seconds=1,
    )
    app = App(settings)
    port = await app.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Served(app, channel, port)
    finally:
        await app.stop()


class Refusal:
    """A failed call: its status, reason, and the first field at fault."""

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        self.code = error.code().name
        self.message = error.details() or ""
        status = rpc_status.from_call(error)  # type: ignore[arg-type] # the stubs know of sync calls only
        self.reason, self.path = "", ""
        for detail in status.details if status else ():
            info, bad = ErrorInfo(), BadRequest()
            if detail.Unpack(info):
                assert info.domain == "integrationbus"
                self.reason = info.reason
            if detail.Unpack(bad):
                self.path = bad.field_violations[0].field


async def refusal_of(call: Awaitable[object]) -> Refusal:
    """How a call fails."""
    try:
        answer = await call
    except grpc.aio.AioRpcError as error:
        return Refusal(error)
    raise AssertionError(f"the call succeeded: {answer}")
