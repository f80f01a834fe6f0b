"""What open watches cost."""

from collections.abc import AsyncIterator, Mapping

from bench.bus import HELD, LOG_TASK, Bus
from bench.calls import in_flight
from bench.lab import Lab
from bench.measuring import Row, ratio, value
from bench.processes import Helper, helper
from bench.question import Question

__all__ = ["QUESTION"]

_CALLS = 3_000
_IN_FLIGHT = 64
_MANY = 10_000
_LONGEST_SECONDS = 15


async def _grow(bus: Bus, followers: Helper, steps: list[int], calls: int) -> AsyncIterator[tuple[str, float]]:
    """The rate of logging with each number of watches, and the kilobytes that each of the last ones takes."""
    await in_flight(bus.call(LOG_TASK), bus.requests(calls // 10), _IN_FLIGHT)
    for before, number in zip([0, *steps], steps, strict=False):
        memory = bus.server.memory_bytes()
        await followers.ask(number)
        yield f"memory {number}", (bus.server.memory_bytes() - memory) / (number - before) / 1000
        rate = await in_flight(bus.call(LOG_TASK), bus.requests(calls), _IN_FLIGHT, seconds=_LONGEST_SECONDS)
        yield f"rate {number}", rate
        if (still_open := await followers.ask(number)) != number:
            raise RuntimeError(f"only {still_open} of {number} watches are still open")


async def _round(lab: Lab, steps: list[int], calls: int) -> Mapping[str, float]:
    """On a new server, since watches are not closed one by one."""
    async with lab.bus() as bus:
        with lab.folder() as folder:
            async with helper("bench.follower", [bus.address, HELD], log=folder / "log") as followers:
                return {name: figure async for name, figure in _grow(bus, followers, steps, calls)}


async def _measure(lab: Lab) -> AsyncIterator[Row]:
    steps, calls = [1, 100, lab.scaled(_MANY)], lab.scaled(_CALLS)
    figures = await lab.alternate(lambda: _round(lab, steps, calls))
    first, *others = steps
    for number in others:
        yield Row(
            subject=f"LogTask, {_IN_FLIGHT} in flight, with {number:,} watches",
            unit="calls/s",
            ours=figures[f"rate {number}"],
            limit=figures[f"rate {first}"],
            limit_name="with one watch",
            target=ratio(">=", 0.80),
        )
    yield Row(
        subject=f"memory of the server for each of {steps[-1]:,} watches",
        unit="KB",
        ours=figures[f"memory {steps[-1]}"],
        target=value("<=", 30),
    )


QUESTION = Question(
    name="watchers",
    asks="How much slower is logging while many watches are open, and how much memory does each take?",
    includes=(
        "SQLite. Each WatchTasks stream follows the tasks about one external id, which never come; all are held open by"
        " one process on the same machine, which takes its part of the processors, 500 on a connection."
    ),
    measure=_measure,
    explanation=(
        "Two thirds of the memory of a watch are gRPC's own. A change finds its watchers by an index, and one"
        " that nobody wants costs none of them anything."
    ),
)
