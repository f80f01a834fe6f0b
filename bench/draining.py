"""Draining a queue by the bus and by a prototype, which both databases have in common."""

from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial

from bench.bus import Bus
from bench.lab import Lab
from bench.measuring import Row, ratio
from bench.raw_queue import raw_queue

__all__ = ["drain_rows"]

_TASKS = 20_000
_A_COMMIT = 1_000

Prototype = Callable[[str, int], float]
"""Processes what a connector has in a database, by its URL and the connector's id; returns tasks per second."""


async def drain_rows(lab: Lab, kind: str, prototype: Prototype, limit_name: str, target: float) -> AsyncIterator[Row]:
    """The rate of the bus beside that of a prototype, each with the same number of tasks."""
    tasks = lab.scaled(_TASKS)
    async with lab.bus(kind) as bus:
        await bus.fill(tasks // 10)
        await bus.drain()
        figures = await lab.alternate(partial(_bus, bus, tasks), partial(_limit, lab, kind, prototype, tasks))
    yield Row(
        subject="tasks processed: prepared, translated, applied",
        unit="tasks/s",
        ours=figures["rate"],
        limit=figures["limit"],
        limit_name=limit_name,
        target=ratio(">=", target),
    )
    yield Row(subject="server's processor time a task", unit="µs", ours=figures["cpu"])


async def _bus(bus: Bus, tasks: int) -> Mapping[str, float]:
    await bus.fill(tasks)
    used = bus.server.cpu_seconds()
    rate = await bus.drain()
    return {"rate": rate, "cpu": (bus.server.cpu_seconds() - used) / tasks * 1e6}


async def _limit(lab: Lab, kind: str, prototype: Prototype, tasks: int) -> Mapping[str, float]:
    async with lab.database(kind) as url:
        with raw_queue(url) as queue:
            for _ in range(max(1, tasks // _A_COMMIT)):
                queue.insert(*queue.next_rows(_A_COMMIT))
        return {"limit": prototype(url, queue.connector_id)}
