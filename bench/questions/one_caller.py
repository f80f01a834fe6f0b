"""How long one caller waits who sends one task at a time."""

import statistics
import time
from collections.abc import AsyncIterator, Mapping
from functools import partial

from bench.bus import LOG_TASK, Bus
from bench.calls import one_by_one
from bench.empty_server import UNARY
from bench.lab import DATABASES, Lab
from bench.measuring import Row, percentile, ratio
from bench.question import Question
from bench.raw_queue import RawQueue, raw_queue

__all__ = ["QUESTION"]

_CALLS = 2_000


async def _bus(bus: Bus, calls: int) -> Mapping[str, float]:
    taken = await one_by_one(bus.call(LOG_TASK), bus.requests(calls))
    return {"rate": 1 / statistics.fmean(taken), "p50": percentile(taken, 0.5), "p99": percentile(taken, 0.99)}


async def _limit(empty: Bus, queue: RawQueue, calls: int, request: bytes) -> Mapping[str, float]:
    call = statistics.fmean(await one_by_one(empty.call(UNARY), [request] * calls))
    tasks, _ = queue.next_rows(calls)
    started = time.perf_counter()
    for task in tasks:
        queue.insert_one(task)
    commit = (time.perf_counter() - started) / calls
    return {"limit": 1 / (call + commit)}


async def _measure(lab: Lab) -> AsyncIterator[Row]:
    calls = lab.scaled(_CALLS)
    for kind, title in DATABASES.items():
        async with lab.empty_server() as empty, lab.database(kind) as raw_url, lab.bus(kind) as bus:
            with raw_queue(raw_url) as queue:
                [request] = bus.requests(1)
                await _limit(empty, queue, calls // 10, request)
                await _bus(bus, calls // 10)
                figures = await lab.alternate(
                    partial(_bus, bus, calls),
                    partial(_limit, empty, queue, calls, request),
                    what=title,
                )
        yield Row(
            subject=f"LogTask, {title}",
            unit="calls/s",
            ours=figures["rate"],
            limit=figures["limit"],
            limit_name="an empty call, then one synced commit of the row",
            target=ratio(">=", 0.80),
        )
        yield Row(
            subject=f"99 of 100 calls take at most, {title}",
            unit="ms",
            ours=figures["p99"],
            limit=figures["p50"],
            limit_name="the median call",
            target=ratio("<=", 2.0),
        )


QUESTION = Question(
    name="one_caller",
    asks="How many durable LogTask calls a second does one caller get through, who waits for each answer?",
    includes=(
        "Ready-made requests. The commit of the limit is that of the driver: one row of the line without its change in"
        " the feed and without counters, in a database of the same kind and settings on the same disk."
    ),
    measure=_measure,
    explanation=(
        "Not reached. The limit is one row and one commit by the driver, in the thread of the caller. A call goes"
        " from the event loop to the writer and back, and stores the task, its change and the counters of its"
        " connector in four statements. On a memory disk that takes half of the processor time that it took before"
        " they went straight to the driver, and nearly half of the rest is SQLite's own: rows with more columns and"
        " indexes than that of the limit. On PostgreSQL each statement is a round trip, as are BEGIN and COMMIT. The"
        " slowest calls wait for the machine, or for the disk: 99 of 100 took at most 1.6 times the median in a"
        " quiet run, and 2.7 times in one that was disturbed."
    ),
)
