"""How many tasks a second come in by batches and by a stream, beside what the driver of the database stores."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from functools import partial
from uuid import uuid4

from bench import workload
from bench.bus import HELD, LOG_TASK_STREAM, LOG_TASKS, Bus
from bench.calls import METADATA, BytesStream, in_flight
from bench.lab import DATABASES, Lab
from bench.measuring import Row, ratio
from bench.question import Question
from bench.raw_queue import RawQueue, raw_queue
from integrationbus.v1.task_service_pb2 import LogStreamStart, LogTaskStreamRequest, LogTaskStreamResponse

__all__ = ["QUESTION"]

_TASKS = 20_000
_A_COMMIT = 1_000
_CALLS_IN_FLIGHT = 4
_TARGETS = {"sqlite": 0.35, "postgresql": 0.50}


async def _batches(bus: Bus, tasks: int) -> Mapping[str, float]:
    batches = bus.batches(tasks)
    return {"batches": tasks / len(batches) * await in_flight(bus.call(LOG_TASKS), batches, _CALLS_IN_FLIGHT)}


async def _stream(bus: Bus, tasks: int) -> Mapping[str, float]:
    start = LogTaskStreamRequest(start=LogStreamStart(stream_id=str(uuid4()))).SerializeToString()
    messages = [workload.log_task_stream(place, number, HELD) for place, number in enumerate(bus.numbers(tasks), 1)]
    call: BytesStream = bus.channel.stream_stream(LOG_TASK_STREAM)(metadata=METADATA)

    async def write() -> None:
        for message in messages:
            await call.write(message)

    await call.write(start)
    await call.read()
    started = time.perf_counter()
    async with asyncio.TaskGroup() as sides:
        sides.create_task(write())
        settled = 0
        while settled < tasks:
            answer = await call.read()
            assert isinstance(answer, bytes), "the stream goes on until all is settled"
            settled = LogTaskStreamResponse.FromString(answer).ack.number
    taken = time.perf_counter() - started
    await call.done_writing()
    return {"stream": tasks / taken}


async def _driver(queue: RawQueue, tasks: int) -> Mapping[str, float]:
    parts = [queue.next_rows(_A_COMMIT) for _ in range(max(1, tasks // _A_COMMIT))]
    started = time.perf_counter()
    for part in parts:
        queue.insert(*part)
    return {"limit": len(parts) * _A_COMMIT / (time.perf_counter() - started)}


async def _measure(lab: Lab) -> AsyncIterator[Row]:
    tasks = lab.scaled(_TASKS)
    for kind, title in DATABASES.items():
        async with lab.database(kind) as raw_url, lab.bus(kind) as bus:
            with raw_queue(raw_url) as queue:
                await bus.fill(tasks // 10)
                figures = await lab.alternate(
                    partial(_batches, bus, tasks),
                    partial(_driver, queue, tasks),
                    partial(_stream, bus, tasks),
                    what=title,
                )
        for name, subject in (("batches", "LogTasks of 500"), ("stream", "LogTaskStream, one message a task")):
            yield Row(
                subject=f"{subject}, {title}",
                unit="tasks/s",
                ours=figures[name],
                limit=figures["limit"],
                limit_name=f"executemany, {_A_COMMIT:,} a commit",
                target=ratio(">=", _TARGETS[kind]),
            )


QUESTION = Question(
    name="batches",
    asks="How many tasks a second does one caller log by batches of 500, and by one stream?",
    includes=(
        f"Ready-made requests, {_CALLS_IN_FLIGHT} batches in flight; of the answers of the stream only the number"
        " is read. The limit is the driver with the same rows, one in the line and one in the feed for each task, in"
        " tables with the same indexes, and the time to make these rows is not in it."
    ),
    measure=_measure,
    explanation=(
        "The stream of this question sends one task a message, as a caller without our clients may: each message is"
        " read, decoded and checked by itself on the event loop. Several tasks fit into one message, which is what"
        " client_stream does."
    ),
)
