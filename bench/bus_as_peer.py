"""The bus as a row of the table of peers: by its calls, by the client's stream, and through the door."""

import statistics
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

from bench import workload
from bench.bus import CONNECTORS, HELD, LOG_TASK, Bus
from bench.calls import one_by_one
from bench.client_tasks import new_tasks
from bench.following import latencies
from bench.lab import DATABASES, Contender, Lab
from bench.measuring import percentile
from integrationbus.client import AsyncClient
from integrationbus.server.door import Door

__all__ = ["COLUMNS", "SEPARATOR", "Amounts", "BusContender", "bus_contenders", "figures_of", "through_stream"]

COLUMNS = {"one by one": "tasks/s", "bulk": "tasks/s", "drain": "tasks/s", "latency p50": "ms", "latency p99": "ms"}
"""The columns of the table and their units."""

SEPARATOR = " / "
"""Between the name of a system and the column, in the names of figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """How much each system has to do: tasks, and ``per_second`` for the latency."""

    one_by_one: int
    bulk: int
    drain: int
    per_second: int
    latency: int


@dataclass(frozen=True, slots=True)
class BusContender:
    """A way to use the bus."""

    name: str
    remark: str
    measure: Contender


def figures_of(name: str, column: str, result: object) -> Mapping[str, float]:
    """What was measured of a system, by the names of figures; nothing for a result of None."""
    if isinstance(result, list):
        shares = {"p50": 0.5, "p99": 0.99}
        return {f"{name}{SEPARATOR}{column} {key}": percentile(result, share) for key, share in shares.items()}
    return {f"{name}{SEPARATOR}{column}": result} if isinstance(result, (int, float)) else {}


async def bus_contenders(lab: Lab, kept: AsyncExitStack, amounts: Amounts) -> AsyncIterator[BusContender]:
    """Every way, on each database."""
    for kind, title in DATABASES.items():
        bus = await kept.enter_async_context(lab.bus(kind))
        door_url = await kept.enter_async_context(lab.database(kind))
        calls, stream, door = (f"Integration Bus ({title}){way}" for way in ("", ", client's stream", ", door"))
        yield BusContender(calls, "durable; gRPC calls of one caller", partial(_calls, bus, calls, amounts))
        yield BusContender(
            stream, "durable; one task at a time, pipelined by the client", partial(_stream, bus, stream, amounts)
        )
        yield BusContender(
            door, "durable; in this process, while no server runs", partial(_door, door_url, door, amounts)
        )


async def _calls(bus: Bus, name: str, amounts: Amounts) -> Mapping[str, float]:
    taken = await one_by_one(bus.call(LOG_TASK), bus.requests(amounts.one_by_one))
    batches = bus.batches(amounts.bulk)
    started = time.perf_counter()
    await bus.send(batches)
    bulk = amounts.bulk / (time.perf_counter() - started)
    await bus.drain()
    await bus.fill(amounts.drain)
    drain = await bus.drain()
    seen = await latencies(bus, amounts.per_second, amounts.latency)
    return {
        **figures_of(name, "one by one", 1 / statistics.fmean(taken)),
        **figures_of(name, "bulk", bulk),
        **figures_of(name, "drain", drain),
        **figures_of(name, "latency", seen),
    }


async def through_stream(bus: Bus, tasks: int) -> float:
    """Tasks per second through the stream of the Python client, from the first one to the last acknowledgement."""
    prepared = new_tasks(bus.numbers(tasks), HELD)
    async with (
        AsyncClient(bus.address, application=workload.APPLICATION) as client,
        client.log_stream(str(uuid4())) as stream,
    ):
        started = time.perf_counter()
        for task in prepared:
            await stream.send(task)
        await stream.flush()
        return tasks / (time.perf_counter() - started)


async def _stream(bus: Bus, name: str, amounts: Amounts) -> Mapping[str, float]:
    rate = await through_stream(bus, amounts.bulk)
    await bus.drain()
    return figures_of(name, "one by one", rate)


async def _door(url: str, name: str, amounts: Amounts) -> Mapping[str, float]:
    singles, many = new_tasks(range(amounts.one_by_one), HELD), new_tasks(range(amounts.bulk), HELD)
    with Door(url, application=workload.APPLICATION, connectors=CONNECTORS, use_entry_points=False) as door:
        started = time.perf_counter()
        for task in singles:
            door.log_tasks([task])
        single = amounts.one_by_one / (time.perf_counter() - started)
        started = time.perf_counter()
        for first in range(0, amounts.bulk, _A_CALL):
            door.log_tasks(many[first : first + _A_CALL])
        bulk = amounts.bulk / (time.perf_counter() - started)
    return {**figures_of(name, "one by one", single), **figures_of(name, "bulk", bulk)}


_A_CALL = 500
