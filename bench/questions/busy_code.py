"""Whether callers wait for a connector that computes."""

from collections.abc import AsyncIterator, Mapping

from bench.bus import LOG_TASK, Bus
from bench.calls import one_by_one
from bench.lab import Lab
from bench.measuring import Row, percentile, ratio
from bench.question import Question
from integrationbus.v1.enums_pb2 import RUN_STATE_RUNNING

__all__ = ["QUESTION"]

_CALLS = 1_000
_BACKLOG = 50_000
_BUSY = "busy"


async def _idle(bus: Bus, calls: int) -> Mapping[str, float]:
    taken = await one_by_one(bus.call(LOG_TASK), bus.requests(calls))
    return {"idle p50": percentile(taken, 0.5), "idle p99": percentile(taken, 0.99)}


async def _busy(bus: Bus, calls: int, backlog: int) -> Mapping[str, float]:
    await bus.fill(max(0, backlog - await bus.waiting(_BUSY)), _BUSY)
    run_id = await bus.start_run(_BUSY)
    runs = bus.runs(run_id)
    async for run in runs:
        if run.counts.succeeded:
            break
    taken = await one_by_one(bus.call(LOG_TASK), bus.requests(calls))
    async for run in bus.runs(run_id):
        if run.state != RUN_STATE_RUNNING:
            raise RuntimeError("the connector had too little to do")
        break
    await bus.cancel(run_id)
    return {"busy p50": percentile(taken, 0.5), "busy p99": percentile(taken, 0.99)}


async def _measure(lab: Lab) -> AsyncIterator[Row]:
    calls = lab.scaled(_CALLS)
    async with lab.bus() as bus:
        await _idle(bus, calls // 10)
        figures = await lab.alternate(lambda: _idle(bus, calls), lambda: _busy(bus, calls, lab.scaled(_BACKLOG)))
    for share, target in (("p50", None), ("p99", ratio("<=", 3.0))):
        yield Row(
            subject=f"LogTask, {share} of one caller, while a connector computes",
            unit="ms",
            ours=figures[f"busy {share}"],
            limit=figures[f"idle {share}"],
            limit_name="while no connector is at work",
            target=target,
        )


QUESTION = Question(
    name="busy_code",
    asks="How much longer does a LogTask call take while a connector computes in pure Python?",
    includes=(
        "One caller, one call at a time, SQLite. The connector computes for a millisecond or two for each of its tasks,"
        " without a pause, and holds the interpreter lock for as long as Python lets it."
    ),
    measure=_measure,
    explanation=(
        "Not reached: one interpreter serves calls and connectors, and each of the dozen hand-overs of a call"
        " waits for its turn of 0.2 ms; the slowest calls wait for a batch of the connector to be committed"
        " besides. Shorter turns gained nothing more, and cost a tenth of every rate. Connectors that compute"
        " belong into a process of their own, as docs/scaling.md says."
    ),
)
