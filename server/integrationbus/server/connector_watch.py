"""Watching connectors: all of them as they are, then those that changed."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence

from integrationbus.server.broadcast import Broadcast, wait
from integrationbus.server.clock import Clock
from integrationbus.server.connector import ConnectorRecord, ConnectorState, ConnectorStatus, TaskCounts
from integrationbus.server.errors import ConnectorNotFound, ServerDraining
from integrationbus.server.reads import Reads

__all__ = ["ConnectorWatch"]


class ConnectorWatch:
    """Delivers the connectors to any number of watchers. Everything here runs on one event loop.

    After a change the connectors are read once, however many watch; while nothing changes, nothing is done.
    """

    def __init__(
        self,
        *,
        connectors: Callable[[], Sequence[ConnectorRecord]],
        reads: Reads,
        clock: Clock,
        state_of: Callable[[ConnectorRecord], tuple[ConnectorState, str]],
    ) -> None:
        self._connectors = connectors
        self._reads = reads
        self._clock = clock
        self._state_of = state_of
        self._news = Broadcast()
        self._end = Broadcast()
        self._draining = False
        self._changes = 0
        self._reading = asyncio.Lock()
        self._reads_begun = 0
        self._read_at = 0
        self._newest: Mapping[str, ConnectorStatus] = {}

    def changed(self) -> None:
        """A connector may have changed."""
        self._changes += 1
        self._news.send()

    def stop(self) -> None:
        """End every watch with ServerDraining."""
        self._draining = True
        self._news.send()
        self._end.send()

    async def watch(
        self, names: Collection[str], interval_seconds: float
    ) -> AsyncGenerator[Sequence[ConnectorStatus], None]:
        """The named connectors, or all of them, by name; then those whose state, problem or counts changed.

        At least ``interval_seconds`` lie between two deliveries; what changes meanwhile comes with the next one. Raises
        ConnectorNotFound before the first, and ServerDraining.
        """
        seen: Mapping[str, ConnectorStatus] | None = None
        rested = 0.0
        while True:
            news = self._news.next()
            statuses = await self._look(afresh=seen is None)
            _check_known(names, statuses)
            wanted = [status for name, status in statuses.items() if not names or name in names]
            changed = [status for status in wanted if seen is None or _has_changed(status, seen)]
            is_first, seen = seen is None, statuses
            if changed or is_first:
                yield changed
                rested = self._clock.monotonic() + interval_seconds
            if self._draining:
                raise ServerDraining("the server is stopping; watch the connectors again in a moment")
            await wait(news)
            await self._rest_until(rested)

    async def _look(self, *, afresh: bool) -> Mapping[str, ConnectorStatus]:
        """The connectors by name; read again if anything was committed since.

        ``afresh`` takes nothing that was read before now: other processes may have changed it. Those who ask together
        share an answer.
        """
        reads = self._reads_begun
        async with self._reading:
            if self._read_at != self._changes or (afresh and self._reads_begun == reads):
                self._reads_begun += 1
                changes = self._changes
                self._newest = await self._reads(self._read)
                self._read_at = changes
            return self._newest

    def _read(self) -> dict[str, ConnectorStatus]:
        found = {}
        for record in self._connectors():
            state, problem = self._state_of(record)
            found[record.name] = ConnectorStatus(record=record, state=state, problem=problem)
        return found

    async def _rest_until(self, moment: float) -> None:
        """Wait for a moment of the monotonic clock, or for the end."""
        seconds = moment - self._clock.monotonic()
        if seconds > 0 and not self._draining:
            await wait(self._end.next(), seconds)


def _check_known(names: Collection[str], statuses: Mapping[str, ConnectorStatus]) -> None:
    for name in names:
        if name not in statuses:
            raise ConnectorNotFound(name)


def _has_changed(status: ConnectorStatus, seen: Mapping[str, ConnectorStatus]) -> bool:
    """Whether a connector is worth another message."""
    before = seen.get(status.record.name)
    return before is None or _shown(status) != _shown(before)


def _shown(status: ConnectorStatus) -> tuple[ConnectorState, str, TaskCounts]:
    return status.state, status.problem, status.record.counts
