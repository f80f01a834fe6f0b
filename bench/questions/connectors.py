"""What registered connectors cost that have nothing to do."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from itertools import cycle, islice

from bench.bus import Bus
from bench.lab import Lab
from bench.many import class_paths, name_of
from bench.measuring import Row, value
from bench.question import Question

__all__ = ["QUESTION"]

_FEW, _MANY = (1, 100), 5_000
_AT_WORK = 10
_SETTLE_SECONDS = 20
_IDLE_SECONDS = 60
"""As long as the longest interval of anything that a server does by itself."""


class _Registered:
    """A server with so many connectors."""

    def __init__(self, bus: Bus, count: int) -> None:
        self.bus = bus
        self.count = count
        self._names = map(name_of, cycle(range(count)))

    async def idle_share(self, seconds: float) -> float:
        """How much of a processor the server takes while nobody calls, in percent."""
        used = self.bus.server.cpu_seconds()
        await asyncio.sleep(seconds)
        return (self.bus.server.cpu_seconds() - used) / seconds * 100

    async def threads_besides(self, at_work: int) -> int:
        """How many more threads there are after so many connectors, of those that were idle, had a task each."""
        before = self.bus.server.usage.num_threads()
        for name in islice(self._names, at_work):
            await self.bus.fill(1, name)
            await self.bus.drain(name)
        return self.bus.server.usage.num_threads() - before - at_work


async def _round(servers: Sequence[_Registered], seconds: float) -> Mapping[str, float]:
    """All of them at once: idle servers do not disturb each other."""
    shares = await asyncio.gather(*(server.idle_share(seconds) for server in servers))
    figures = {f"idle {server.count}": share for server, share in zip(servers, shares, strict=True)}
    figures |= {f"memory {server.count}": server.bus.server.memory_bytes() / 1e6 for server in servers}
    return {**figures, "more": await servers[-1].threads_besides(_AT_WORK)}


async def _measure(lab: Lab) -> AsyncIterator[Row]:
    counts = [*_FEW, lab.scaled(_MANY)]
    async with AsyncExitStack() as kept:
        servers = [
            _Registered(await kept.enter_async_context(lab.bus("sqlite", *class_paths(count))), count)
            for count in counts
        ]
        for server in servers:
            await server.threads_besides(1)
        await asyncio.sleep(lab.scaled(_SETTLE_SECONDS))
        figures = await lab.alternate(lambda: _round(servers, lab.scaled(_IDLE_SECONDS)))
    for count in counts:
        registered = f"{count:,} connector{'s' if count > 1 else ''}"
        yield Row(
            subject=f"idle server, {registered}", unit="% CPU", ours=figures[f"idle {count}"], target=value("<=", 2)
        )
        yield Row(subject=f"its memory, {registered}", unit="MB", ours=figures[f"memory {count}"])
    yield Row(
        subject=f"threads besides those of connectors at work, {_AT_WORK} of {counts[-1]:,}",
        unit="more",
        ours=figures["more"],
        target=value("<=", 0),
    )


QUESTION = Question(
    name="connectors",
    asks="What do registered connectors cost that have nothing to do?",
    includes=(
        "SQLite. The processor time of the whole server while nobody calls it, over a minute, some time after its start"
        " and after one connector was at work."
    ),
    measure=_measure,
)
