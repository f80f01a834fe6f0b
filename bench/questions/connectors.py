"""What registered connectors cost that have nothing to do."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from functools import partial

from bench.bus import Bus
from bench.lab import Lab
from bench.many import class_paths, name_of
from bench.measuring import Row, value
from bench.question import Question

__all__ = ["QUESTION"]

_FEW, _MANY = (1, 100), 5_000
_AT_WORK = 10
_IDLE_SECONDS = 5


async def _round(lab: Lab, count: int) -> Mapping[str, float]:
    started = time.perf_counter()
    async with lab.bus("sqlite", *class_paths(count)) as bus:
        start = time.perf_counter() - started
        await _work(bus, [0])
        idle = await _idle_share(bus, lab.scaled(_IDLE_SECONDS))
        before = bus.server.usage.num_threads()
        at_work = range(1, min(count, _AT_WORK + 1))
        await _work(bus, at_work)
        more = bus.server.usage.num_threads() - before - len(at_work)
        memory = bus.server.memory_bytes() / 1e6
    return {f"idle {count}": idle, f"more {count}": more, f"start {count}": start, f"memory {count}": memory}


async def _work(bus: Bus, numbers: range | list[int]) -> None:
    """Have these connectors process a task each."""
    for name in map(name_of, numbers):
        await bus.fill(1, name)
        await bus.drain(name)


async def _idle_share(bus: Bus, seconds: float) -> float:
    """How much of a processor the server takes while nobody calls, in percent."""
    used = bus.server.cpu_seconds()
    await asyncio.sleep(seconds)
    return (bus.server.cpu_seconds() - used) / seconds * 100


async def _measure(lab: Lab) -> AsyncIterator[Row]:
    counts = [*_FEW, lab.scaled(_MANY)]
    figures = await lab.alternate(*(partial(_round, lab, count) for count in counts))
    for count in counts:
        registered = f"{count:,} connector{'s' if count > 1 else ''}"
        yield Row(
            subject=f"idle server, {registered}", unit="% CPU", ours=figures[f"idle {count}"], target=value("<=", 2)
        )
    most = counts[-1]
    yield Row(
        subject=f"threads besides those of connectors at work, {_AT_WORK} of {most:,}",
        unit="more",
        ours=figures[f"more {most}"],
        target=value("<=", 0),
    )
    for name, subject, unit in (("start", "start on an empty database", "s"), ("memory", "memory of the server", "MB")):
        for count in (counts[0], most):
            yield Row(subject=f"{subject}, connectors: {count:,}", unit=unit, ours=figures[f"{name} {count}"])


QUESTION = Question(
    name="connectors",
    asks="What do registered connectors cost that have nothing to do?",
    includes="SQLite. The processor time of the whole server while nobody calls it, after one connector was at work.",
    measure=_measure,
)
