"""Whether a deep queue is slower, or larger in memory, than a shallow one."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack

from bench.bus import HELD, Bus
from bench.lab import Lab
from bench.measuring import Row, ratio
from bench.question import Question
from bench.raw_queue import raw_queue
from integrationbus.v1.enums_pb2 import RUN_STATE_RUNNING

__all__ = ["QUESTION"]

_SHALLOW, _DEEP = 10_000, 1_000_000
_A_COMMIT = 1_000


async def _filled(lab: Lab, kept: AsyncExitStack, backlog: int) -> Bus:
    """A server whose connector has so many tasks, put there by the driver of the database."""
    url = await kept.enter_async_context(lab.database("sqlite"))
    with raw_queue(url) as queue, lab.track(f"logging {backlog:,} tasks", backlog) as advance:
        for first in range(0, backlog, _A_COMMIT):
            part = min(_A_COMMIT, backlog - first)
            queue.insert(*queue.next_rows(part))
            advance(part)
            # Whoever wants to stop is heard now.
            await asyncio.sleep(0)
    bus = await kept.enter_async_context(lab.bus_on(url))
    bus.next_number[HELD] = backlog
    return bus


async def _drain_part(bus: Bus, tasks: int, name: str) -> Mapping[str, float]:
    """Process the first tasks of at least so many; how fast that is, and how large the server is then."""
    await bus.fill(max(0, tasks - await bus.waiting()))
    started = time.perf_counter()
    run_id = await bus.start_run()
    done = 0
    async for run in bus.runs(run_id):
        done = run.counts.succeeded
        if done >= tasks or run.state != RUN_STATE_RUNNING:
            break
    taken = time.perf_counter() - started
    await bus.cancel(run_id)
    if done < tasks:
        raise RuntimeError(f"the run ended after {done} tasks of {tasks}")
    return {f"rate {name}": done / taken, f"memory {name}": bus.server.memory_bytes() / 1e6}


async def _measure(lab: Lab) -> AsyncIterator[Row]:
    shallow, deep = lab.scaled(_SHALLOW), lab.scaled(_DEEP)
    async with AsyncExitStack() as kept:
        small = await _filled(lab, kept, shallow)
        large = await _filled(lab, kept, deep)
        for bus in (small, large):
            await _drain_part(bus, shallow, "first")
        figures = await lab.alternate(
            lambda: _drain_part(large, shallow, "deep"), lambda: _drain_part(small, shallow, "shallow")
        )
    for name, subject, unit, target in (
        ("rate", f"the first {shallow:,} tasks of {deep:,} processed", "tasks/s", ratio(">=", 0.85)),
        ("memory", f"memory of the server with {deep:,} tasks", "MB", ratio("<=", 1.20)),
    ):
        yield Row(
            subject=subject,
            unit=unit,
            ours=figures[f"{name} deep"],
            limit=figures[f"{name} shallow"],
            limit_name=f"with {shallow:,} tasks",
            target=target,
        )


QUESTION = Question(
    name="backlog",
    asks="Is a queue of a million tasks slower or larger in memory than one of ten thousand?",
    includes=(
        "SQLite. The tasks are put there by the driver of the database, before the server starts; both servers have"
        " processed as many tasks when they are measured. Their memory includes SQLite's cache, up to 64 MB for each of"
        " its connections, which fills as pages are seen."
    ),
    measure=_measure,
)
