"""The newest changes, read once for everybody who watches."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from integrationbus.server.errors import StoreUnavailable
from integrationbus.server.feed.ring import Ring
from integrationbus.server.reads import Reads
from integrationbus.server.store import Store
from integrationbus.server.task_queries import TaskEvent

__all__ = ["Tail"]

_log = logging.getLogger(__name__)

_RING_SIZE = 10_000
_PAGE = 1_000
_RETRY_SECONDS = 1.0


class Tail:
    """Follows the feeds of all connectors while anybody watches, and says when there is something new."""

    def __init__(self, store: Store, reads: Reads, on_news: Callable[[], None]) -> None:
        self._store = store
        self._reads = reads
        self._on_news = on_news
        self._rings: dict[int, Ring] = {}
        self._newest: dict[int, int] = {}
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

    def changed(self, connector_ids: Iterable[int]) -> None:
        """Something was committed for these connectors."""
        if self._watchers:
            self._dirty.update(connector_ids)
            self._wake.set()

    @contextmanager
    def followed(self) -> Iterator[None]:
        """While this is open, somebody watches."""
        self._watchers += 1
        try:
            yield
        finally:
            self._watchers -= 1

    def catch_up(self, positions: Mapping[int, int]) -> None:
        """The feeds are at least this far; what was committed while nobody watched was not read."""
        for connector_id, position in positions.items():
            self._newest[connector_id] = max(position, self._newest.get(connector_id, 0))
        # What was committed while the positions were read is found by looking once more.
        self.changed(positions)

    def newest(self, connector_id: int) -> int:
        """How far the feed of a connector is known to have come."""
        return self._newest[connector_id]

    def after(self, connector_id: int, position: int, limit: int) -> Sequence[TaskEvent] | None:
        """Changes behind a position, from memory; None when they are not in memory."""
        ring = self._rings.get(connector_id)
        return None if ring is None or ring.newest < self._newest[connector_id] else ring.after(position, limit)

    async def _follow(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            dirty, self._dirty = self._dirty, set()
            try:
                for connector_id in dirty:
                    await self._read_new(connector_id)
            except Exception as error:  # noqa: BLE001 - whatever the fault is, the watchers must hear of what comes next
                _log.warning("the feed cannot be read, trying again: %s", error, exc_info=_unless_known(error))
                self._dirty |= dirty
                await asyncio.sleep(_RETRY_SECONDS)
                self._wake.set()

    async def _read_new(self, connector_id: int) -> None:
        if connector_id not in self._newest:
            return  # nobody has watched this connector yet
        ring = self._rings.setdefault(connector_id, Ring(_RING_SIZE))
        while True:
            after = self._newest[connector_id]
            page = await self._reads(partial(self._store.events, connector_id, after_position=after, limit=_PAGE))
            ring.add(page.events)
            # What is gone already cannot be read any more, and nobody should wait for it.
            newest = page.events[-1].position if page.events else max(after, page.floor)
            self._newest[connector_id] = max(newest, self._newest[connector_id])
            self._on_news()
            if newest >= page.newest_position:
                return


def _unless_known(error: Exception) -> Exception | None:
    """What to show the traceback of: a database that is away needs none."""
    return None if isinstance(error, StoreUnavailable) else error
