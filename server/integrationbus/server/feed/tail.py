"""The newest changes, read once for everybody who watches."""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from operator import attrgetter

from integrationbus.server.errors import StoreUnavailable
from integrationbus.server.feed.audience import Audience
from integrationbus.server.feed.progress import Progress
from integrationbus.server.feed.recent import Recent
from integrationbus.server.reads import Reads
from integrationbus.server.store import Store
from integrationbus.server.task_events import NewEvents, TaskEvent

__all__ = ["Tail"]

_log = logging.getLogger(__name__)

_KEPT = 10_000
_PAGE = 1_000
_RETRY_SECONDS = 1.0


class Tail:
    """Follows the feeds of connectors while anybody watches, and hands what is new to the audience."""

    def __init__(self, store: Store, reads: Reads, audience: Audience) -> None:
        self.progress = Progress()
        self._store = store
        self._reads = reads
        self._audience = audience
        self._recent = Recent(_KEPT)
        self._dirty: set[int] = set()
        self._wake = asyncio.Event()
        self._watchers = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to follow; called on the event loop."""
        self._task = asyncio.create_task(self._follow(), name="feed tail")

    async def stop(self) -> None:
        """Follow no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    def changed(self, connector_ids: Iterable[int], events: NewEvents) -> None:
        """Something was committed for these connectors: these events, or more.

        Events that follow on what is known are handed out at once. What is missing is read.
        """
        if not self._watchers:
            return
        unknown = set(connector_ids)
        missed: set[int] = set()
        for connector_id, group in groupby(events(), attrgetter("connector_id")):
            unknown.discard(connector_id)
            if not self._goes_on(connector_id, list(group)):
                missed.add(connector_id)
        if unknown or missed:
            self._dirty |= unknown | missed
            self._wake.set()

    @contextmanager
    def followed(self) -> Iterator[None]:
        """While this is open, somebody watches."""
        self._watchers += 1
        try:
            yield
        finally:
            self._watchers -= 1
            if not self._watchers:
                self._dirty.clear()
                self.progress.clear()
                self._recent.clear()

    def catch_up(self, positions: Mapping[int, int]) -> None:
        """The feeds are at least this far; those that nobody followed so far are followed from there on."""
        for connector_id, position in positions.items():
            newest = self.progress.get(connector_id)
            if newest is None:
                self.progress.begin(connector_id, position)
            elif newest < position:
                self._dirty.add(connector_id)
        # What was committed while the positions were read has been noted.
        if self._dirty:
            self._wake.set()

    def after(self, connector_id: int, position: int, limit: int) -> Sequence[TaskEvent] | None:
        """Changes behind a position, from memory; None when they are not in memory."""
        complete = self._recent.newest(connector_id) >= self.progress[connector_id]
        return self._recent.after(connector_id, position, limit) if complete else None

    def _goes_on(self, connector_id: int, events: Sequence[TaskEvent]) -> bool:
        """Hand out events if nothing is missing before them. Commits may be told of out of their order."""
        newest = self.progress.get(connector_id)
        if newest is None or events[0].position > newest + 1:
            return False
        fresh = [event for event in events if event.position > newest]
        if fresh:
            self._hand_out(connector_id, fresh)
        return True

    async def _follow(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            # What nobody follows yet stays noted for whoever begins to.
            dirty = [connector_id for connector_id in self._dirty if connector_id in self.progress]
            self._dirty.difference_update(dirty)
            try:
                for connector_id in dirty:
                    await self._read_new(connector_id)
            except Exception as error:  # noqa: BLE001 - whatever the fault is, the watchers must hear of what comes next
                _log.warning("the feed cannot be read, trying again: %s", error, exc_info=_unless_known(error))
                self._dirty.update(dirty)
                await asyncio.sleep(_RETRY_SECONDS)
                self._wake.set()

    async def _read_new(self, connector_id: int) -> None:
        while (after := self.progress.get(connector_id)) is not None:
            page = await self._reads(partial(self._store.events, connector_id, after_position=after, limit=_PAGE))
            # Everybody may have gone meanwhile, and somebody else have come.
            if self.progress.get(connector_id) != after:
                continue
            if page.floor > after:
                self._audience.lose(connector_id, after)
            if page.events:
                self._hand_out(connector_id, page.events)
            elif page.floor > after:
                self._advance(connector_id, page.floor)
            if self.progress[connector_id] >= page.newest_position:
                return

    def _hand_out(self, connector_id: int, events: Sequence[TaskEvent]) -> None:
        """Give the newest events of a connector to the audience."""
        self._recent.add(connector_id, events)
        self._audience.give(events)
        self._advance(connector_id, events[-1].position)

    def _advance(self, connector_id: int, position: int) -> None:
        self.progress.advance(connector_id, position)
        self._audience.call_those_behind()


def _unless_known(error: Exception) -> Exception | None:
    """What to show the traceback of: a database that is away needs none."""
    return None if isinstance(error, StoreUnavailable) else error
