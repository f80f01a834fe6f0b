"""How many tasks a second the Python client sends, one after the other."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping

from bench import workload
from bench.bus import HELD, Bus
from bench.bus_as_peer import through_stream
from bench.calls import METADATA, BytesStream
from bench.empty_server import COUNT, ECHO, EVERY
from bench.lab import Lab
from bench.measuring import Row, ratio
from bench.question import Question

__all__ = ["QUESTION"]

_TASKS = 20_000


async def _client(bus: Bus, tasks: int) -> Mapping[str, float]:
    return {"client": await through_stream(bus, tasks)}


async def _empty(empty: Bus, path: str, name: str, messages: list[bytes]) -> Mapping[str, float]:
    call: BytesStream = empty.channel.stream_stream(path)(metadata=METADATA)

    async def write() -> None:
        for message in messages:
            await call.write(message)
        await call.done_writing()

    started = time.perf_counter()
    async with asyncio.TaskGroup() as sides:
        sides.create_task(write())
        async for _ in call:
            pass
    return {name: len(messages) / (time.perf_counter() - started)}


async def _measure(lab: Lab) -> AsyncIterator[Row]:
    tasks = lab.scaled(_TASKS)
    messages = [workload.log_task_stream(number + 1, number, HELD) for number in range(tasks)]
    async with lab.bus() as bus, lab.empty_server() as empty:
        await _client(bus, tasks // 10)
        figures = await lab.alternate(
            lambda: _client(bus, tasks),
            lambda: _empty(empty, ECHO, "echo", messages),
            lambda: _empty(empty, COUNT, "count", messages),
        )
    for name, limit_name, target in (
        ("echo", "an empty stream that answers each message", ratio(">=", 0.80)),
        ("count", f"an empty stream that answers every {EVERY} messages", None),
    ):
        yield Row(
            subject="client.log_stream, SQLite",
            unit="tasks/s",
            ours=figures["client"],
            limit=figures[name],
            limit_name=limit_name,
            target=target,
        )


QUESTION = Question(
    name="client_stream",
    asks="How many tasks a second does one producer log through the stream of the Python client, one task at a time?",
    includes=(
        "All that the client does for a task that is made already: checks, encoding, numbering, keeping it until it is"
        " durable. The messages of the limits are ready-made, as large as those of the bus, and read by nobody."
    ),
    measure=_measure,
)
