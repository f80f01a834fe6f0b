"""How long tasks take from being logged until a watcher sees that they are done."""

import asyncio
import time
from collections.abc import Callable

from bench.bus import LOG_TASK, Bus
from bench.calls import METADATA, BytesCall
from integrationbus.v1.enums_pb2 import TASK_STATE_SUCCEEDED
from integrationbus.v1.task_pb2 import TaskFilter
from integrationbus.v1.task_service_pb2 import WatchTasksRequest, WatchTasksResponse
from integrationbus.v1.task_service_pb2_grpc import TaskServiceStub

__all__ = ["latencies"]

_PEOPLE = "people"


async def latencies(bus: Bus, per_second: int, tasks: int, go_on: Callable[[], bool] = lambda: True) -> list[float]:
    """Seconds from logging to the watcher, of tasks at a steady rate, for as long as ``go_on`` says so."""
    call = bus.call(LOG_TASK)
    sent: dict[str, float] = {}
    taken: list[float] = []
    task_filter = TaskFilter(connectors=[_PEOPLE], states=[TASK_STATE_SUCCEEDED])
    watch = TaskServiceStub(bus.channel).WatchTasks(WatchTasksRequest(filter=task_filter))
    await watch.read()
    numbers = bus.numbers(tasks, _PEOPLE)
    requests = zip(numbers, bus.requests_for(numbers, _PEOPLE), strict=True)

    async def log() -> None:
        started = time.perf_counter()
        async with asyncio.TaskGroup() as calls:
            for place, (number, request) in enumerate(requests):
                await asyncio.sleep(started + place / per_second - time.perf_counter())
                if not go_on():
                    break
                sent[str(number)] = time.perf_counter()
                calls.create_task(_send(call, request))

    async with asyncio.TaskGroup() as sides:
        logging = sides.create_task(log())
        while not logging.done() or len(taken) < len(sent):
            message = await watch.read()
            seen = time.perf_counter()
            assert isinstance(message, WatchTasksResponse), "a watch does not end"
            taken += [seen - sent[change.external_id] for change in message.changes.changes]
    watch.cancel()
    return taken


async def _send(call: BytesCall, request: bytes) -> None:
    await call(request, metadata=METADATA)
