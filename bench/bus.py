"""A bus under measurement: a server process, a connection to it, and what measurements do with them."""

import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

from bench import workload
from bench.calls import METADATA, BytesCall, connect
from bench.processes import Helper, helper
from integrationbus.v1.connector_service_pb2 import GetConnectorStatsRequest
from integrationbus.v1.connector_service_pb2_grpc import ConnectorServiceStub
from integrationbus.v1.enums_pb2 import RUN_STATE_COMPLETED
from integrationbus.v1.notify_service_pb2 import CancelRunRequest, RequestTasksProcessingRequest, WatchRunRequest
from integrationbus.v1.notify_service_pb2_grpc import NotifyServiceStub
from integrationbus.v1.run_pb2 import Run

if TYPE_CHECKING:
    from integrationbus.v1.notify_service_pb2_grpc import NotifyServiceAsyncStub

__all__ = ["CONNECTORS", "HELD", "LOG_TASK", "LOG_TASKS", "LOG_TASK_STREAM", "Bus", "running_bus"]

CONNECTORS = tuple(f"bench.connector:{name}Connector" for name in ("Person", "Held", "Busy"))
HELD = "held"
_SERVICE = "/integrationbus.v1.TaskService"
LOG_TASK, LOG_TASKS, LOG_TASK_STREAM = (f"{_SERVICE}/{name}" for name in ("LogTask", "LogTasks", "LogTaskStream"))
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Bus:
    """A server. ``next_number`` counts the persons of each connector: the boss of one was made by the same one."""

    server: Helper
    channel: grpc.aio.Channel
    next_number: Counter[str] = field(default_factory=Counter)

    @property
    def address(self) -> str:
        """Where it serves."""
        return str(self.server.ready["address"])

    def call(self, path: str) -> BytesCall:
        """A call that takes and gives bytes."""
        return self.channel.unary_unary(path)

    def numbers(self, count: int, connector: str = HELD) -> range:
        """The next persons of a connector."""
        first = self.next_number[connector]
        self.next_number[connector] += count
        return range(first, first + count)

    def requests(self, count: int, connector: str = HELD) -> list[bytes]:
        """Requests of LogTask for the next persons."""
        return self.requests_for(self.numbers(count, connector), connector)

    def requests_for(self, numbers: range, connector: str = HELD) -> list[bytes]:
        """Requests of LogTask for these persons."""
        return [workload.log_task(number, connector) for number in numbers]

    def batches(self, count: int, connector: str = HELD) -> list[bytes]:
        """Requests of LogTasks for the next persons, 500 in each."""
        numbers = self.numbers(count, connector)
        return [workload.log_tasks(numbers[at : at + _BATCH], connector) for at in range(0, count, _BATCH)]

    async def fill(self, count: int, connector: str = HELD) -> None:
        """Log the next persons, in their order."""
        await self.send(self.batches(count, connector))

    async def send(self, batches: Iterable[bytes]) -> None:
        """Log batches, one after the other."""
        call = self.call(LOG_TASKS)
        for batch in batches:
            await call(batch, metadata=METADATA)

    async def waiting(self, connector: str = HELD) -> int:
        """How many tasks are not processed yet."""
        answer = await ConnectorServiceStub(self.channel).GetConnectorStats(GetConnectorStatsRequest(name=connector))
        return int(answer.counts.pending + answer.counts.running)

    async def start_run(self, connector: str = HELD) -> str:
        """Begin to process what a connector has; returns the id of the run."""
        request = RequestTasksProcessingRequest(connectors=[connector])
        answer = await self._notify.RequestTasksProcessing(request)
        return str(answer.tickets[0].run.id)

    async def runs(self, run_id: str) -> AsyncIterator[Run]:
        """A run as it is, and after each change, to its end."""
        async for answer in self._notify.WatchRun(WatchRunRequest(run_id=run_id)):
            yield answer.run

    async def cancel(self, run_id: str) -> None:
        """End a run behind its batch in hand; nothing happens when it has ended."""
        with suppress(grpc.aio.AioRpcError):
            await self._notify.CancelRun(CancelRunRequest(run_id=run_id))

    async def drain(self, connector: str = HELD) -> float:
        """Process everything; returns the tasks per second. Raises RuntimeError unless all succeed."""
        waiting = await self.waiting(connector)
        started = time.perf_counter()
        seen = [run async for run in self.runs(await self.start_run(connector))]
        taken = time.perf_counter() - started
        if not seen or seen[-1].state != RUN_STATE_COMPLETED or seen[-1].counts.succeeded != waiting:
            raise RuntimeError(f"{waiting} tasks were to be processed: {seen[-1:]}")
        return waiting / taken

    @property
    def _notify(self) -> "NotifyServiceAsyncStub":
        return NotifyServiceStub(self.channel)


@asynccontextmanager
async def running_bus(
    database_url: str, folder: Path, connectors: Iterable[str] = CONNECTORS, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Bus]:
    """A server on a database, until the context ends."""
    given = {
        "INTEGRATIONBUS_DATABASE_URL": database_url,
        "INTEGRATIONBUS_LISTEN": "127.0.0.1:0",
        "INTEGRATIONBUS_CONNECTORS": ",".join(connectors),
        "INTEGRATIONBUS_USE_ENTRY_POINTS": "false",
        "INTEGRATIONBUS_LOG_LEVEL": "warning",
        **(settings or {}),
    }
    log = folder / "server.log"
    async with (
        helper("integrationbus.server.cli", ["serve", "--json"], log=log, settings=given) as server,
        connect(str(server.ready["address"])) as channel,
    ):
        yield Bus(server, channel)
