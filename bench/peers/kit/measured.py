"""What is the same for every peer: how its figures are taken."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from bench.peers.kit.consumer import Stamp, running_consumer

__all__ = ["Line", "MeasuredPeer", "Record"]

Record = dict[str, Any]
"""What a task carries: the place that it has in the line, and fields; about 300 bytes as JSON."""

_A_CALL = 500
_WARM_UP = 50


@dataclass(frozen=True)
class Line:
    """A queue that is empty, with every connection open.

    ``log`` and ``log_many`` return once it has acknowledged. ``consumer`` is the module whose ``consume`` does its
    tasks, given its ``address``.
    """

    log: Callable[[Record], Awaitable[object]]
    consumer: str
    address: str
    log_many: Callable[[Sequence[Record]], Awaitable[object]] | None = None


class MeasuredPeer(ABC):
    """A peer that only says how its line is opened."""

    name: str
    durable: bool
    remark: str

    @abstractmethod
    def opened(self) -> AbstractAsyncContextManager[Line]:
        """A line of its own, that nothing is left of afterwards."""

    def one_by_one(self, tasks: int) -> float:
        """Tasks per second, each acknowledged before the next is logged."""
        return asyncio.run(self._one_by_one(tasks))

    def bulk(self, tasks: int) -> float | None:
        """Tasks per second by its own call for batches; None when it has none."""
        return asyncio.run(self._bulk(tasks))

    def drain(self, tasks: int) -> float:
        """Tasks per second that one consumer takes, from the first to the last."""
        return asyncio.run(self._drain(tasks))

    def latency(self, per_second: int, tasks: int) -> list[float]:
        """Seconds from logging until it is done, of each of so many tasks that come at a steady rate."""
        return asyncio.run(self._latency(per_second, tasks))

    async def _one_by_one(self, tasks: int) -> float:
        async with self.opened() as line:
            await _log_each(line, _WARM_UP)
            started = time.monotonic()
            await _log_each(line, tasks)
            return tasks / (time.monotonic() - started)

    async def _bulk(self, tasks: int) -> float | None:
        async with self.opened() as line:
            if line.log_many is None:
                return None
            await _log_all(line, _WARM_UP)
            started = time.monotonic()
            await _log_all(line, tasks)
            return tasks / (time.monotonic() - started)

    async def _drain(self, tasks: int) -> float:
        async with self.opened() as line:
            await _log_all(line, tasks)
            async with running_consumer(line.consumer, line.address, reports=[tasks]) as consumer:
                stamps = await consumer.report()
            self._check_order(stamps)
            return (tasks - 1) / (stamps[-1].done - stamps[0].done)

    async def _latency(self, per_second: int, tasks: int) -> list[float]:
        async with self.opened() as line:
            async with running_consumer(line.consumer, line.address, reports=[_WARM_UP, tasks]) as consumer:
                await _log_each(line, _WARM_UP)
                await consumer.report()
                logged = [began async for began in _log_steadily(line, per_second, tasks)]
                stamps = await consumer.report()
            self._check_order(stamps)
            return [stamp.done - began for stamp, began in zip(stamps, logged, strict=True)]

    def _check_order(self, stamps: Sequence[Stamp]) -> None:
        if [stamp.place for stamp in stamps] != list(range(len(stamps))):
            raise RuntimeError(f"{self.name} did not keep the order: its figures say nothing here.")


def _record(place: int) -> Record:
    return {
        "place": place,
        "code_name": f"person-{place:08}",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "email": f"ada.lovelace.{place:08}@example.org",
        "note": "The Analytical Engine weaves algebraical patterns as the Jacquard loom weaves flowers and leaves.",
        "boss_id": f"person-{place // 100:08}",
        "active": True,
    }


async def _log_each(line: Line, tasks: int) -> None:
    for place in range(tasks):
        await line.log(_record(place))


async def _log_all(line: Line, tasks: int) -> None:
    if line.log_many is None:
        await _log_each(line, tasks)
        return
    for first in range(0, tasks, _A_CALL):
        await line.log_many([_record(place) for place in range(first, min(first + _A_CALL, tasks))])


async def _log_steadily(line: Line, per_second: int, tasks: int) -> AsyncIterator[float]:
    """Yields when each task was begun to be logged; those that a slow call has held up follow at once."""
    started = time.monotonic()
    for place in range(tasks):
        await asyncio.sleep(started + place / per_second - time.monotonic())
        began = time.monotonic()
        await line.log(_record(place))
        yield began
