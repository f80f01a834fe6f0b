"""Whether a server that works for a long time stays as large as it is: ``python -m bench.soak SECONDS``.

A server process on SQLite is kept busy without a pause: one producer updates the same thousand persons, two watches
follow tasks and objects, and everything is kept for a few seconds only. The figures of the second half are compared
with those before. Without a number it takes 60 seconds; half an hour (1800) is what finds slow leaks. Exits with 1 when
something grew.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.bus import Bus, running_bus
from bench.client_tasks import fields_of
from integrationbus.client import AsyncClient, NewTask, TaskState, TaskType

USUAL_SECONDS = 60
CONNECTOR = "people"
PERSONS = 1_000
BATCH = 200
MOST_WAITING = 2_000
KEPT = "5 seconds"
SLACK = {"MB of memory": 16.0, "MB of the file": 16.0, "MB of the log": 80.0}
"""What may come and go: pages of the cache, changes in memory, and a log that SQLite cuts back to 64 MB."""


@dataclass(frozen=True)
class Sample:
    """What was seen at one moment, by the names of SLACK."""

    at: float
    sizes: dict[str, float]


async def main(seconds: float) -> bool:
    """Keep a server busy, show what became of its size, and return whether it stayed the same."""
    seen: Counter[str] = Counter()
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory() as folder:
        async with server(Path(folder)) as bus, AsyncClient(bus.address, application="soak") as client:
            work = [
                asyncio.create_task(produce(client, seen)),
                asyncio.create_task(follow_tasks(client, seen)),
                asyncio.create_task(follow_objects(client, seen)),
            ]
            started = time.monotonic()
            while time.monotonic() < started + seconds:
                await asyncio.sleep(min(1.0, seconds / 60))
                samples.append(sample(bus, Path(folder), time.monotonic() - started))
                for task in work:
                    if task.done():
                        await task
            for task in work:
                task.cancel()
            for task in work:
                with suppress(asyncio.CancelledError):
                    await task
            oldest = [task async for task in client.list_tasks(connectors=CONNECTOR, page_size=1_000)]
    table = Table("figure", "first half", "second half", "slope an hour", "", title="Soak", title_justify="left")
    flat = [row(table, name, samples) for name in SLACK]
    console = Console()
    console.print(table)
    console.print(
        f"{seen['logged']:,} tasks logged, {seen['settled']:,} settled, {seen['objects']:,} changes of objects"
    )
    console.print(f"{len(oldest):,} tasks were there at the end")
    return all(flat)


def row(table: Table, name: str, samples: list[Sample]) -> bool:
    """Add a line about one size; returns whether it stayed the same, after a quarter of the time to warm up."""
    warm = samples[len(samples) // 4 :]
    before, after = (
        max(item.sizes[name] for item in half) for half in (warm[: len(warm) // 2], warm[len(warm) // 2 :])
    )
    slope = statistics.linear_regression([item.at for item in warm], [item.sizes[name] for item in warm]).slope
    flat = after <= before + SLACK[name]
    table.add_row(
        name, f"{before:,.1f}", f"{after:,.1f}", f"{slope * 3600:+,.1f}", "flat" if flat else "[red]it grows[/]"
    )
    return flat


def sample(bus: Bus, folder: Path, at: float) -> Sample:
    """How large the server and its files are."""
    log = folder / "bus.db-wal"
    sizes = (bus.server.memory_bytes(), (folder / "bus.db").stat().st_size, log.stat().st_size if log.exists() else 0)
    return Sample(at, dict(zip(SLACK, (size / 2**20 for size in sizes), strict=True)))


async def produce(client: AsyncClient, seen: Counter[str]) -> None:
    """Log as fast as tasks are settled."""
    while True:
        if seen["logged"] - seen["settled"] > MOST_WAITING:
            await asyncio.sleep(0.01)
            continue
        numbers = range(seen["logged"], seen["logged"] + BATCH)
        await client.log_tasks([person(number) for number in numbers])
        seen["logged"] += BATCH


def person(number: int) -> NewTask:
    """A task that gives a person another postcode."""
    place = number % PERSONS
    fields = {**fields_of(place), "postcode": f"{number % 100_000:05}"}
    return NewTask(CONNECTOR, TaskType.UPDATE_OBJECT, fields, external_id=place)


async def follow_tasks(client: AsyncClient, seen: Counter[str]) -> None:
    """Count what is settled."""
    async with client.watch(connectors=CONNECTOR, states=[TaskState.SUCCEEDED, TaskState.FAILED]) as changes:
        async for _ in changes:
            seen["settled"] += 1


async def follow_objects(client: AsyncClient, seen: Counter[str]) -> None:
    """Count what happens to persons."""
    async with client.watch_objects("bench.person", CONNECTOR) as changes:
        async for _ in changes:
            seen["objects"] += 1


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[Bus]:
    """A server that keeps nothing for long."""
    retained = ("SUCCEEDED", "FAILED", "DELETED", "EVENTS", "REQUEST_IDS", "RUNS")
    settings = {f"INTEGRATIONBUS_RETAIN_{name}": KEPT for name in retained}
    async with running_bus(f"sqlite:///{folder / 'bus.db'}", folder, settings=settings) as bus:
        yield bus


if __name__ == "__main__":
    length = float(sys.argv[1]) if len(sys.argv) > 1 else USUAL_SECONDS
    sys.exit(not asyncio.run(main(length)))
