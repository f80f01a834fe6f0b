"""How many tasks a second go through the door, one after the other."""

import time
from collections.abc import AsyncIterator, Mapping

from bench import workload
from bench.bus import CONNECTORS, HELD
from bench.client_tasks import new_tasks
from bench.lab import Lab
from bench.measuring import Row, ratio
from bench.question import Question
from bench.raw_queue import RawQueue, raw_queue
from integrationbus.server.door import Door

__all__ = ["QUESTION"]

_TASKS = 3_000


async def _door(url: str, tasks: int) -> Mapping[str, float]:
    prepared = new_tasks(range(tasks), HELD)
    with Door(url, application=workload.APPLICATION, connectors=CONNECTORS, use_entry_points=False) as door:
        started = time.perf_counter()
        for task in prepared:
            door.log_tasks([task])
        return {"door": tasks / (time.perf_counter() - started)}


async def _driver(queue: RawQueue, tasks: int) -> Mapping[str, float]:
    rows, _ = queue.next_rows(tasks)
    started = time.perf_counter()
    for row in rows:
        queue.insert_one(row)
    return {"driver": tasks / (time.perf_counter() - started)}


async def _measure(lab: Lab) -> AsyncIterator[Row]:
    tasks = lab.scaled(_TASKS)
    async with lab.database("sqlite") as url, lab.database("sqlite") as raw_url:
        with raw_queue(raw_url) as queue:
            await _door(url, tasks // 10)
            await _driver(queue, tasks // 10)
            figures = await lab.alternate(lambda: _door(url, tasks), lambda: _driver(queue, tasks))
    yield Row(
        subject="Door.log_tasks with one task, SQLite",
        unit="tasks/s",
        ours=figures["door"],
        limit=figures["driver"],
        limit_name="one synced commit of the row by sqlite3",
        target=ratio(">=", 0.80),
    )


QUESTION = Question(
    name="door",
    asks="How many tasks a second go through the in-process door, one durable task at a time?",
    includes=(
        "All that the door does for a task that is made already: checks, encoding, the row of the line, that of the"
        " feed, the counters. The limit inserts a ready-made row of the line, and nothing else."
    ),
    measure=_measure,
    explanation=(
        "Not reached. The limit is one INSERT by the driver. The door checks the task as the server does, and stores"
        " it, its change and the counters of its connector in four statements, of which SQLite's own part is nearly"
        " half, beside the commit that both wait for. Profile: commit 0.38, statements 0.18, checks and encoding"
        " 0.19, the rest of storing 0.22. If all but the commit and the statements cost nothing, the ratio would be"
        " 0.6."
    ),
)
