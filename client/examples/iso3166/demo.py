"""Start a server, synchronise ISO 3166 through it from another process, and verify every object.

Run it again and the same objects are updated; with ``--fresh`` it begins with an empty database.
"""

import argparse
import asyncio
import sys
import time
from pathlib import Path

from progress import TaskProgress
from report import show_objects, show_problems, show_tasks
from rich.console import Console
from server_process import ServerFailed, ServerProcess
from synchronise import ProducerFailed, Stalled, synchronise
from tally import Tally
from verify import EXPECTED, read_back

from integrationbus.client import AsyncClient, BusError

__all__ = ["main"]

_INTERRUPTED = 130


def main() -> int:
    """Run the demo and return its exit code: 0 when every figure is right."""
    options = _options()
    console = Console(highlight=False)
    if options.fresh:
        _delete_database(options.folder)
    try:
        return asyncio.run(_demo(console, options.folder))
    except KeyboardInterrupt:
        console.print("Interrupted; what is logged is kept for the next run.")
        return _INTERRUPTED


async def _demo(console: Console, folder: Path) -> int:
    began = time.monotonic()
    problems: list[str] = []
    try:
        async with ServerProcess(folder) as server:
            console.print(f"A server listens on {server.address}, its database is {folder / 'bus.db'}.", soft_wrap=True)
            async with asyncio.TaskGroup() as group:
                guard = group.create_task(server.fail_when_it_ends())
                problems = await _synchronise_and_verify(console, server.address)
                guard.cancel()
    except* (BusError, OSError, ProducerFailed, ServerFailed, Stalled) as failed:
        problems = [str(error) for error in _leaves(failed)]
    show_problems(console, problems)
    verdict = "[red]Not everything is right[/red]" if problems else "[green]Everything is right[/green]"
    console.print(f"{verdict}, after {time.monotonic() - began:.1f} seconds.")
    return 1 if problems else 0


async def _synchronise_and_verify(console: Console, address: str) -> list[str]:
    """Run the producer against a server, show what came of it, and return what is wrong with it."""
    tally = Tally(expected=EXPECTED.countries + EXPECTED.subdivisions)
    async with AsyncClient(address, application="iso3166-demo") as client:
        with TaskProgress(console, tally.expected) as progress:
            await synchronise(client, address, tally, on_change=progress.show)
        objects = await read_back(client)
    show_tasks(console, tally)
    show_objects(console, objects)
    return [*tally.problems(), *objects.problems()]


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    """The errors in a group, and in the groups within it."""
    leaves: list[BaseException] = []
    for error in group.exceptions:
        leaves += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return leaves


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fresh", action="store_true", help="delete the database first")
    parser.add_argument("--folder", type=Path, default=Path(".demo"), help="where the database is kept (%(default)s)")
    return parser.parse_args()


def _delete_database(folder: Path) -> None:
    """Delete the database; its lock stays, since another server might hold it."""
    for name in ("bus.db", "bus.db-wal", "bus.db-shm", "server.log"):
        (folder / name).unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
