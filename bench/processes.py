"""Processes that a measurement needs: they say one line of JSON when they are ready, and end with the context."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

__all__ = ["Helper", "HelperEnded", "environment", "helper"]

_ROOT = Path(__file__).parents[1]
_OURS = "INTEGRATIONBUS_"
_START_SECONDS = 300
_END_SECONDS = 30
_LONGEST_LINE = 2**24


class HelperEnded(Exception):
    """The process ended before its time; the message is the end of what it wrote to its standard error."""


@dataclass(frozen=True, slots=True)
class Helper:
    """A running process. ``ready`` is the line that it began with."""

    ready: Mapping[str, Any]
    process: Process
    usage: psutil.Process
    log: Path

    def cpu_seconds(self) -> float:
        """The time that it has kept processors busy."""
        times = self.usage.cpu_times()
        return times.user + times.system

    def memory_bytes(self) -> int:
        """The memory that it has in use, as the system sees it (RSS)."""
        return int(self.usage.memory_info().rss)

    async def ask(self, question: object) -> Any:  # noqa: ANN401 - whatever the process answers
        """Send a line of JSON, and return the line that comes back. Raises HelperEnded."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(question).encode() + b"\n")
        await self.process.stdin.drain()
        return await _said(self.process, self.log)


def environment(**settings: str) -> dict[str, str]:
    """That of this process without settings of the bus, and with these; modules of the project can be imported."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**inherited, "PYTHONPATH": os.pathsep.join(paths), **settings}


@asynccontextmanager
async def helper(
    module: str, arguments: Sequence[str] = (), *, log: Path, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Helper]:
    """Run a module until the context ends: its input is closed then, and it is told to stop. Raises HelperEnded.

    It has a session of its own, so that Ctrl-C reaches it through this process only, in order.
    """
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, *arguments),
            env=environment(**settings or {}),
            stdin=PIPE,
            stdout=PIPE,
            stderr=errors,
            limit=_LONGEST_LINE,
            start_new_session=True,
        )
    try:
        ready = await asyncio.wait_for(_said(process, log), _START_SECONDS)
        yield Helper(ready, process, psutil.Process(process.pid), log)
    finally:
        await asyncio.shield(_end(process))


async def _said(process: Process, log: Path) -> Any:  # noqa: ANN401 - whatever the process says
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        raise HelperEnded(_end_of(log))
    return json.loads(line)


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


async def _end(process: Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _END_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
