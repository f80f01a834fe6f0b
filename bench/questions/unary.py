"""How many single calls a server takes, beside calls that do nothing."""

from collections.abc import AsyncIterator, Mapping
from functools import partial

from bench import workload
from bench.bus import HELD, LOG_TASK, Bus
from bench.calls import in_flight
from bench.empty_server import UNARY
from bench.lab import DATABASES, Lab
from bench.measuring import Row, ratio
from bench.question import Question

__all__ = ["QUESTION"]

_CALLS = 10_000
_IN_FLIGHT = 64


async def _send(bus: Bus, path: str, requests: list[bytes], name: str) -> Mapping[str, float]:
    """Calls per second, and microseconds of the server's processor for each call."""
    used = bus.server.cpu_seconds()
    rate = await in_flight(bus.call(path), requests, _IN_FLIGHT)
    return {name: rate, f"{name} cpu": (bus.server.cpu_seconds() - used) / len(requests) * 1e6}


async def _plain(bus: Bus, calls: int) -> Mapping[str, float]:
    return await _send(bus, LOG_TASK, bus.requests(calls), "plain")


async def _with_ids(bus: Bus, calls: int) -> Mapping[str, float]:
    requests = [workload.log_task(number, HELD, f"request-{number}") for number in bus.numbers(calls)]
    return await _send(bus, LOG_TASK, requests, "with id")


async def _measure(lab: Lab) -> AsyncIterator[Row]:
    calls = lab.scaled(_CALLS)
    empty_requests = [workload.log_task(number, HELD) for number in range(calls)]
    async with lab.empty_server() as empty:
        await in_flight(empty.call(UNARY), empty_requests[: calls // 10], _IN_FLIGHT)
        for kind, title in DATABASES.items():
            async with lab.bus(kind) as bus:
                await in_flight(bus.call(LOG_TASK), bus.requests(calls // 10), _IN_FLIGHT)
                figures = await lab.alternate(
                    partial(_plain, bus, calls),
                    partial(_send, empty, UNARY, empty_requests, "empty"),
                    partial(_with_ids, bus, calls),
                    what=title,
                )
            for name, subject, target in (
                ("plain", "LogTask", ratio(">=", 0.90)),
                ("with id", "LogTask with a request id", None),
            ):
                yield Row(
                    subject=f"{subject}, {title}",
                    unit="calls/s",
                    ours=figures[name],
                    limit=figures["empty"],
                    limit_name="empty calls",
                    target=target,
                )
            yield Row(
                subject=f"server's processor time a LogTask, {title}",
                unit="µs",
                ours=figures["plain cpu"],
                limit=figures["empty cpu"],
                limit_name="an empty call",
            )


QUESTION = Question(
    name="unary",
    asks=f"How many LogTask calls a second does a server take, {_IN_FLIGHT} in flight, each durable when answered?",
    includes=(
        "Ready-made requests of one caller on one connection, whose answers are not parsed, for the bus and for the"
        " empty server alike. The caller is a process of its own on the same machine, and takes its part of the"
        " processors."
    ),
    measure=_measure,
    explanation=(
        "Not reached, and out of reach of one Python process. Of the server's processor time for a LogTask the event"
        " loop takes half, the group commit with 13 calls at a time a third, and gRPC's own threads the rest; an"
        " empty call takes nearly half of it in all. A commit that cost nothing would give a ratio of 0.7. To wait"
        " for larger groups was measured: 48 calls at a time give 1.2 x, and 6 ms more for each call; left out. Who"
        " has many tasks sends batches, or the stream of a client: seven times as many a second."
    ),
)
