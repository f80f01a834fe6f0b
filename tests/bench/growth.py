"""Whether a deep queue is slower than a shallow one: ``python tests/bench/growth.py``.

Logs a backlog into a connector that nothing starts, on SQLite, and measures at its head. Each backlog is made by a
process of its own, so that their memory can be compared as well: it grows until SQLite has filled its page cache, which
takes less than the second backlog, and not any more from then on. Rates are for the time of the processor as well, of
which neighbours take nothing. Takes some minutes, and 2 GB of disk.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.bench import Workbench, new_task

from integrationbus.server.claims import ClaimRequest, NewRun, Settlement
from integrationbus.server.clock import SystemClock
from integrationbus.server.ids import new_id
from integrationbus.server.run import RunTrigger
from integrationbus.server.task import NewTask

BACKLOGS = (10_000, 100_000, 1_000_000)
DRAINED = 10_000
AT_A_TIME = 1_000
CLAIMS = 50
CONNECTOR = "notified"
FIGURES = (
    "tasks logged per second",
    "ms for a claim at the head",
    "tasks drained per second",
    "tasks drained per second of processor",
    "MB of memory",
)


def main() -> None:
    """Measure each backlog, and show it beside the first."""
    first, *others = (measure_in_a_process(backlog) for backlog in BACKLOGS)
    table = Table("figure", *(f"{backlog:,} tasks" for backlog in BACKLOGS), title="Growth", title_justify="left")
    for name in FIGURES:
        ratios = (f"{other[name]:,.1f} ({other[name] / first[name]:.2f})" for other in others)
        table.add_row(name, f"{first[name]:,.1f}", *ratios)
    Console().print(table)


def measure_in_a_process(backlog: int) -> dict[str, float]:
    """The figures of a backlog."""
    done = subprocess.run([sys.executable, __file__, str(backlog)], check=True, stdout=subprocess.PIPE)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def measure(backlog: int) -> dict[str, float]:
    """Log a backlog, claim at its head, and process the first tasks."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bus.db'}"
        with Workbench(url, SystemClock(), ["support.people:NotifiedConnector"]) as bus:
            logging = seconds(lambda: log(bus, backlog))
            claims = list(claim_times(bus))
            used = time.process_time()
            drain = seconds(lambda: process_some(bus))
            used = time.process_time() - used
            return {
                FIGURES[0]: backlog / logging,
                FIGURES[1]: statistics.median(claims) * 1000,
                FIGURES[2]: DRAINED / drain,
                FIGURES[3]: DRAINED / used,
                FIGURES[4]: psutil.Process().memory_info().rss / 2**20,
            }


def log(bus: Workbench, backlog: int) -> None:
    """Log so many tasks, a batch a transaction."""
    for start in range(0, backlog, AT_A_TIME):
        bus.log(*(person(number) for number in range(start, start + AT_A_TIME)))


def person(number: int) -> NewTask:
    """A task that makes a person."""
    return new_task({"name": f"person {number}"}, connector=CONNECTOR, external_id=str(number))


def claim_times(bus: Workbench) -> list[float]:
    """How long claims of a batch take; what was claimed is put back each time."""
    times: list[float] = []
    lease = bus.store.acquire_lease(CONNECTOR, "growth", "")
    run = NewRun(id=new_id(), trigger=RunTrigger.NOTIFY)
    request = ClaimRequest(run=run, after_sequence=0, max_tasks=100, max_bytes=2**20)
    for _ in range(CLAIMS):
        started = time.perf_counter()
        claim = bus.store.claim(lease, request)
        times.append(time.perf_counter() - started)
        with bus.store.settling(lease, run.id) as transaction:
            transaction.settle([Settlement(task=task) for task in claim.tasks], ())
    return times


def process_some(bus: Workbench) -> None:
    """Process the first tasks of the line, and stop."""
    bus.dispatcher.request_runs([CONNECTOR], clear_halt=False, actor="", reason="")
    bus.wait_until(lambda: bus.store.connector(CONNECTOR).counts.succeeded, lambda number: number >= DRAINED)
    bus.dispatcher.pause(CONNECTOR, actor="", reason="")


def seconds(work: Callable[[], object]) -> float:
    """How long something takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        sys.stdout.write(json.dumps(measure(int(sys.argv[1]))))
