"""How fast the bus is on this machine: ``make bench``.

Each figure stands beside what it is to be compared with, measured in the same run: absolute times say more about the
machine than about the code.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
from rich.console import Console
from rich.table import Table

from integrationbus.client import AsyncClient, NewTask, RunState, TaskType

CALLS = 10_000
IN_FLIGHT = 64
TASKS = 20_000
MESSAGES = 20_000
CONNECTOR = "notified"
EMPTY_STREAM = "/bench.Empty/Stream"


async def main() -> None:
    """Measure, and show a table."""
    table = Table("figure", title="Throughput, in one run", title_justify="left")
    table.add_column("per second", justify="right")
    table.add_column("ratio", justify="right")
    async with server() as address, AsyncClient(address, application="bench") as client:
        await in_flight(client.server_info, 500)
        empty = await in_flight(client.server_info, CALLS)
        table.add_row(f"empty calls, {IN_FLIGHT} in flight", f"{empty:,.0f}", "1.00")
        unary = await in_flight(lambda: client.log_task(CONNECTOR, TaskType.CREATE_OBJECT, {"name": "Ada"}), CALLS)
        table.add_row(f"LogTask, {IN_FLIGHT} in flight, durable", f"{unary:,.0f}", f"{unary / empty:.2f}")
        started = time.perf_counter()
        await client.log_tasks(people(TASKS))
        batched = TASKS / (time.perf_counter() - started)
        table.add_row("tasks by LogTasks, 500 a call, durable", f"{batched:,.0f}", f"{batched / unary:.1f} x LogTask")
        messages = await empty_stream()
        table.add_row("empty messages of one stream", f"{messages:,.0f}", "1.00")
        tasks = people(TASKS)
        started = time.perf_counter()
        await client.log_task_stream(tasks)
        streamed = TASKS / (time.perf_counter() - started)
        table.add_row("tasks by LogTaskStream, one producer, durable", f"{streamed:,.0f}", f"{streamed / messages:.2f}")
        processed = await process_all(client)
        table.add_row(
            "tasks processed: prepared, translated, applied", f"{processed:,.0f}", f"{processed / unary:.1f} x LogTask"
        )
    Console().print(table)


async def in_flight(call: Callable[[], Awaitable[object]], calls: int) -> float:
    """Calls per second with a fixed number of them in flight."""
    left = iter(range(calls))

    async def keep_calling() -> None:
        for _ in left:
            await call()

    started = time.perf_counter()
    await asyncio.gather(*(keep_calling() for _ in range(IN_FLIGHT)))
    return calls / (time.perf_counter() - started)


async def empty_stream() -> float:
    """Messages per second that a server reads from one stream when it does nothing with them."""
    script = Path(__file__).parent / "empty_stream.py"
    process = await asyncio.create_subprocess_exec(sys.executable, script, EMPTY_STREAM, stdout=PIPE)
    assert process.stdout
    try:
        address = (await process.stdout.readline()).decode().strip()
        async with grpc.aio.insecure_channel(address) as channel:
            stream: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(EMPTY_STREAM)
            started = time.perf_counter()
            async for _ in stream(b"" for _ in range(MESSAGES)):
                pass
            return MESSAGES / (time.perf_counter() - started)
    finally:
        process.terminate()
        await process.wait()


async def process_all(client: AsyncClient) -> float:
    """Process all that was logged; returns tasks per second."""
    started = time.perf_counter()
    [ticket] = await client.request_tasks_processing(CONNECTOR)
    assert ticket.run
    async for run in client.watch_run(ticket.run.id):
        if run.state is not RunState.RUNNING:
            assert run.counts.succeeded == CALLS + 2 * TASKS, run
    return (CALLS + 2 * TASKS) / (time.perf_counter() - started)


def people(number: int) -> list[NewTask]:
    """Tasks that make people, each with the one before as boss."""
    return [
        NewTask(
            CONNECTOR,
            TaskType.CREATE_OBJECT,
            {"name": f"person {place}", "boss_id": str(place - place % 100)}
            if place % 100
            else {"name": f"person {place}"},
            external_id=place,
        )
        for place in range(number)
    ]


@asynccontextmanager
async def server() -> AsyncIterator[str]:
    """A server process on an empty database; yields its address."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]),
            "INTEGRATIONBUS_DATABASE_URL": f"sqlite:///{folder}/bus.db",
            "INTEGRATIONBUS_LISTEN": "127.0.0.1:0",
            "INTEGRATIONBUS_CONNECTORS": "support.people:NotifiedConnector",
            "INTEGRATIONBUS_LOG_LEVEL": "warning",
        }
        command = (sys.executable, "-m", "integrationbus.server.cli", "serve", "--json")
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=PIPE)
        assert process.stdout
        try:
            yield json.loads(await process.stdout.readline())["address"]
        finally:
            process.terminate()
            await process.wait()


if __name__ == "__main__":
    asyncio.run(main())
