"""How soon a watcher sees that a task is done."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from functools import partial

from bench.bus import Bus
from bench.following import latencies
from bench.lab import DATABASES, Lab
from bench.measuring import Row, percentile, value
from bench.question import Question
from integrationbus.v1.enums_pb2 import RUN_STATE_RUNNING

__all__ = ["QUESTION"]

_PER_SECOND = 100
_TASKS = 1_000
_BACKLOG = 100_000


async def _alone(bus: Bus, tasks: int) -> Mapping[str, float]:
    taken = await latencies(bus, _PER_SECOND, tasks)
    return {"p50": percentile(taken, 0.5), "p99": percentile(taken, 0.99)}


async def _beside(bus: Bus, tasks: int, backlog: int) -> Mapping[str, float]:
    """The same while another connector processes its backlog, for as long as there is any."""
    await bus.fill(max(0, backlog - await bus.waiting()))
    run_id = await bus.start_run()
    drained = False

    async def follow() -> None:
        nonlocal drained
        async for run in bus.runs(run_id):
            drained = run.state != RUN_STATE_RUNNING

    following = asyncio.create_task(follow())
    try:
        taken = await latencies(bus, _PER_SECOND, tasks, lambda: not drained)
    finally:
        following.cancel()
    await bus.cancel(run_id)
    return {"busy p50": percentile(taken, 0.5), "busy p99": percentile(taken, 0.99)}


async def _measure(lab: Lab) -> AsyncIterator[Row]:
    tasks, backlog = lab.scaled(_TASKS), lab.scaled(_BACKLOG)
    for kind, title in DATABASES.items():
        async with lab.bus(kind) as bus:
            await latencies(bus, _PER_SECOND, tasks // 10)
            figures = await lab.alternate(
                partial(_alone, bus, tasks), partial(_beside, bus, tasks, backlog), what=title
            )
        for name, subject, bound in (
            ("p50", "half of the tasks are seen as done within", 3),
            ("p99", "99 of 100 tasks are seen as done within", 10),
            ("busy p50", f"half of them while a backlog of {backlog:,} drains", None),
            ("busy p99", f"99 of 100 while a backlog of {backlog:,} drains", 50),
        ):
            target = value("<=", bound) if bound else None
            yield Row(subject=f"{subject}, {title}", unit="ms", ours=figures[name], target=target)


QUESTION = Question(
    name="latency",
    asks=f"How soon does a watcher see a task SUCCEEDED that was logged, at {_PER_SECOND} tasks a second?",
    includes=(
        "From the moment before LogTask is called to the moment when the change is read from WatchTasks, both in the"
        " caller's process. The backlog is that of another connector on the same database; when it is drained early,"
        " the tasks until then count."
    ),
    measure=_measure,
    explanation=(
        "Between the call and the moment when its watcher sees the change lie three commits, 27 other statements on"
        " SQLite and 28 on PostgreSQL, where each is a round trip, and a dozen hand-overs between threads and"
        " processes. Of the 5 ms on SQLite 0.8 are to log the task, 0.9 to claim it, 0.2 to prepare it, 1.4 to apply"
        " and settle it; the rest is to read the call, to hand over, and to bring the change to its watcher. All"
        " that costs about three times as much as in a busy process: at 100 tasks a second the processor comes out"
        " of its sleep each time, and finds little of it in its caches. On PostgreSQL a round trip takes 0.3 ms"
        " then, not 0.06, and a task nearly as long as until the next one comes: 9 ms when nothing disturbs the"
        " machine, and twice that when they begin to queue. Beside a backlog a task waits for the batches of the"
        " other connector, and shares the interpreter with it: while a little is logged batches have at most 50"
        " tasks, not 500."
    ),
)
