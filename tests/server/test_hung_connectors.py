"""A connector that hangs keeps nobody from asking, and no other connector from working."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from support.served import serve

from integrationbus.client import AsyncClient, TaskState, TaskType

CONNECTORS = ("support.hanging:HangingConnector", "support.people:PeopleConnector")


async def test_a_hung_connector_holds_up_neither_calls_nor_the_others(tmp_path: Path) -> None:
    async with serve(f"sqlite:///{tmp_path / 'bus.db'}", CONNECTORS) as served:
        connector = served.app.registry.get("hanging").connector
        async with AsyncClient(served.address, application="tests", timeout=10) as client:
            hung = await client.log_task("hanging", TaskType.CREATE_OBJECT, {"name": "h"})
            await asyncio.to_thread(connector.reached.wait, 10)  # type: ignore[union-attr] # a HangingConnector
            done = await client.log_task("people", TaskType.CREATE_OBJECT, {"name": "p"})
            async with client.watch(since=done.resume_token, task_ids=done.id, states=TaskState.SUCCEEDED) as changes:
                await anext(changes)
            assert (await client.get_task(hung.id)).state is TaskState.RUNNING
            async with grpc.aio.insecure_channel(served.address) as channel:
                stub: Any = health_pb2_grpc.HealthStub(channel)
                health = await stub.Check(health_pb2.HealthCheckRequest(), timeout=10)
            assert health.status == health_pb2.HealthCheckResponse.SERVING
        connector.let_go.set()  # type: ignore[union-attr] # as above
