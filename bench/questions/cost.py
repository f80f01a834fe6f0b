"""What a task costs: processor time, and bytes on the disk."""

from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

from bench.bus import Bus
from bench.lab import DATABASES, Lab
from bench.measuring import Row
from bench.question import Question

__all__ = ["QUESTION"]

_TASKS = 20_000


def _sqlite_sizes(url: str) -> dict[str, int]:
    # SQLite writes its log from the beginning again and again: what it has written is nowhere to be seen.
    file = Path(str(make_url(url).database))
    return {"kept": file.stat().st_size}


def _postgres_sizes(url: str) -> dict[str, int]:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    try:
        with engine.connect() as connection:
            size = text("SELECT pg_database_size(current_database()), pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")
            kept, logged = connection.execute(size).one()
            return {"kept": int(kept), "logged": int(logged)}
    finally:
        engine.dispose()


async def _costs(bus: Bus, sizes: Callable[[], dict[str, int]], tasks: int) -> Mapping[str, float]:
    batches, before = bus.batches(tasks), sizes()
    begun = bus.server.cpu_seconds()
    await bus.send(batches)
    stored = bus.server.cpu_seconds()
    await bus.drain()
    done = bus.server.cpu_seconds()
    grown = {name: (size - before[name]) / tasks for name, size in sizes().items()}
    return {"log": (stored - begun) / tasks * 1e6, "process": (done - stored) / tasks * 1e6, **grown}


async def _measure(lab: Lab) -> AsyncIterator[Row]:
    tasks = lab.scaled(_TASKS)
    for kind, title in DATABASES.items():
        async with lab.database(kind) as url, lab.bus_on(url) as bus:
            await bus.fill(tasks)
            await bus.drain()
            sizes = partial(_sqlite_sizes if kind == "sqlite" else _postgres_sizes, url)
            figures = await lab.alternate(partial(_costs, bus, sizes, tasks), what=title)
        for name, subject, unit in (
            ("log", "the server's processor time to log a task, 500 a call", "µs"),
            ("process", "the server's processor time to process a task", "µs"),
            ("kept", "the disk space of a task that was processed, its object and history with it", "bytes"),
            ("logged", "what the database writes to its log for a task", "bytes"),
        ):
            if name in figures:
                yield Row(subject=f"{subject}, {title}", unit=unit, ours=figures[name])


QUESTION = Question(
    name="cost",
    asks="What does a task cost, from the call that logs it to its object?",
    includes=(
        "A task that makes one object: its row, three changes, an attempt, a line of the ledger, the object and its"
        " external id, with all indexes. What a PostgreSQL server needs itself of the processors is not included."
    ),
    measure=_measure,
)
