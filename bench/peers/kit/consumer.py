"""The process of a consumer, from both sides: ``python -m bench.peers.kit.consumer MODULE ADDRESS REPORT...``."""

import asyncio
import importlib
import json
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

__all__ = ["Consumer", "Stamp", "Tally", "running_consumer"]

_LONGEST_LINE = 2**26
_PATIENCE_SECONDS = 300


class Stamp(NamedTuple):
    """When a task was done, in seconds of the monotonic clock, which all processes share."""

    place: int
    done: float


class Tally:
    """In the process of a consumer: notes when tasks are done, and writes nothing until a report is full."""

    def __init__(self, reports: Sequence[int]) -> None:
        self._reports = list(reports)
        self._stamps: list[Stamp] = []

    def done(self, place: int) -> None:
        """A task is done."""
        self._stamps.append(Stamp(place, time.monotonic()))
        if self._reports and len(self._stamps) == self._reports[0]:
            print(json.dumps(self._stamps), file=sys.__stdout__, flush=True)
            del self._reports[0]
            self._stamps = []


class Consumer:
    """A process that does tasks."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def report(self) -> list[Stamp]:
        """Wait for the next report. Raises an error when it does not come."""
        assert self._process.stdout
        async with asyncio.timeout(_PATIENCE_SECONDS):
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("The consumer ended early: see what it wrote above.")
        return [Stamp(*item) for item in json.loads(line)]


@asynccontextmanager
async def running_consumer(module: str, address: str, reports: Sequence[int]) -> AsyncIterator[Consumer]:
    """Runs ``consume`` of a module until the context ends. Each report tells of so many more tasks."""
    command = (sys.executable, "-m", __name__, module, address, *map(str, reports))
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, limit=_LONGEST_LINE)
    try:
        yield Consumer(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


if __name__ == "__main__":
    importlib.import_module(sys.argv[1]).consume(sys.argv[2], Tally([int(size) for size in sys.argv[3:]]))
