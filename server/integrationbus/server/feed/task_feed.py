"""Watching tasks: a start, then every change, from memory or from the table."""

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from functools import partial

from integrationbus.server.clock import Clock
from integrationbus.server.connector import ConnectorRecord
from integrationbus.server.errors import (
    FieldProblem,
    ResumeTokenExpired,
    ResumeTokenInvalid,
    ServerDraining,
    WatcherTooSlow,
)
from integrationbus.server.feed.audience import Audience
from integrationbus.server.feed.matching import matches
from integrationbus.server.feed.tail import Tail
from integrationbus.server.feed.watcher import Watcher
from integrationbus.server.reads import Reads
from integrationbus.server.store import Store
from integrationbus.server.task_events import NewEvents, TaskEvent, no_events
from integrationbus.server.task_queries import TaskPage, TaskQuery
from integrationbus.server.watch import ChangeBatch, CheckpointMark, SnapshotPart, WatchItem, WatchStart

__all__ = ["TaskFeed"]

_BATCH = 500
# With 10,000 quiet watches, one every ten seconds took a tenth of a processor.
_CHECKPOINT_SECONDS = 20.0
_TOO_SLOW_SECONDS = 30.0


class TaskFeed:
    """Delivers the committed changes to any number of watchers.

    The table of events is the truth; the tail reads the newest ones once, however many watch, and the audience knows
    who wants them. Who is behind reads on by itself, from memory or from the table. Everything here runs on one event
    loop.
    """

    def __init__(self, store: Store, reads: Reads, clock: Clock) -> None:
        self._store = store
        self._reads = reads
        self._clock = clock
        self._audience = Audience(clock, _CHECKPOINT_SECONDS)
        self._tail = Tail(store, reads, self._audience)
        self._names: Mapping[int, str] = {}
        self._draining = False

    def start(self) -> None:
        """Begin to follow what is committed; called on the event loop."""
        self._tail.start()

    def changed(self, connector_ids: Iterable[int], events: NewEvents = no_events) -> None:
        """Something was committed for these connectors: these events, or more."""
        self._tail.changed(connector_ids, events)

    async def stop(self) -> None:
        """End every watch with ServerDraining."""
        self._draining = True
        self._audience.call_all()
        await self._tail.stop()

    async def watch(
        self, query: TaskQuery, start: WatchStart, wants: Callable[[TaskEvent], bool] | None = None
    ) -> AsyncGenerator[WatchItem, None]:
        """Deliver what a watch asks for, for ever.

        The first item comes at once. Of the changes that fit the query, ``wants`` chooses if it is given. Raises
        ResumeTokenInvalid, ResumeTokenExpired, WatcherTooSlow or ServerDraining.
        """
        with self._tail.followed():
            watcher = await self._begin(query, start)
            async for item in self._opening(watcher, snapshot=start.snapshot):
                yield item
            self._audience.add(watcher)
            try:
                while True:
                    item = await self._next(watcher, wants)
                    handed_over = self._clock.monotonic()
                    yield item
                    self._audience.delivered(watcher)
                    if watcher.sent_at - handed_over > _TOO_SLOW_SECONDS:
                        raise WatcherTooSlow("the changes are not read fast enough; resume with the newest token")
            finally:
                self._audience.remove(watcher)

    async def _begin(self, query: TaskQuery, start: WatchStart) -> Watcher:
        """A watcher of the connectors that a query is about, behind where it starts in their feeds."""
        records = await self._reads(self._store.connectors)
        records = [record for record in records if not query.connector_ids or record.id in query.connector_ids]
        self._tail.catch_up({record.id: record.position for record in records})
        names = {record.id: record.name for record in records}
        if names != self._names:
            self._names = names
        # Most watches are about the same connectors: one mapping does for all of them.
        return Watcher(query, self._names, _start_positions(records, start), self._tail.progress)

    async def _opening(self, watcher: Watcher, *, snapshot: bool) -> AsyncGenerator[WatchItem, None]:
        """Where a watch starts; with the tasks as they are, but for those that changed since: their changes follow."""
        positions = watcher.take_moved()
        if not snapshot:
            yield CheckpointMark(positions=positions)
            return
        after: tuple[int, int] | None = None
        complete = False
        while not complete:
            page = await self._reads(partial(self._tasks, watcher.query, after))
            after, complete = page.next_after, page.next_after is None
            tasks = [task for task in page.tasks if task.position <= positions[task.connector]]
            if tasks or complete:
                yield SnapshotPart(tasks=tasks, complete=complete, positions=positions if complete else {})

    def _tasks(self, query: TaskQuery, after: tuple[int, int] | None) -> TaskPage:
        return self._store.tasks(query, after=after, limit=_BATCH, with_payload=False, newest_first=False)

    async def _next(self, watcher: Watcher, wants: Callable[[TaskEvent], bool] | None) -> WatchItem:
        """Wait for what is to be delivered next."""
        while not self._draining:
            events = watcher.take()
            if not events and not watcher.is_present:
                events = [event for event in await self._read(watcher) if matches(event, watcher.query)]
                if watcher.has_caught_up():
                    self._audience.seat(watcher)
            if wants is not None:
                events = [event for event in events if wants(event)]
            if events:
                return ChangeBatch(events=events, positions=watcher.take_moved())
            if self._clock.monotonic() - watcher.sent_at > _CHECKPOINT_SECONDS:
                return CheckpointMark(positions=watcher.take_moved())
            if not watcher.is_behind():
                await watcher.wait()
        raise ServerDraining("the server is stopping; resume the watch with the newest token")

    async def _read(self, watcher: Watcher) -> Sequence[TaskEvent]:
        """The next changes of every connector that has some."""
        events: list[TaskEvent] = []
        for connector_id, position in watcher.unread():
            if len(events) >= _BATCH:
                break
            part = self._tail.after(connector_id, position, _BATCH)
            if part is None:
                part = await self._read_table(connector_id, position)
            if part:
                watcher.advance(connector_id, part[-1].position)
                events.extend(part)
        return events

    async def _read_table(self, connector_id: int, position: int) -> Sequence[TaskEvent]:
        page = await self._reads(lambda: self._store.events(connector_id, after_position=position, limit=_BATCH))
        if page.floor > position:
            raise ResumeTokenExpired("the changes after this point are no longer kept; start with a snapshot")
        return page.events


def _start_positions(records: Sequence[ConnectorRecord], start: WatchStart) -> dict[int, int]:
    """Where a watch starts in the feed of each connector. Raises ResumeTokenInvalid or ResumeTokenExpired."""
    if start.positions is None:
        return {record.id: record.position for record in records}
    positions = {record.id: start.positions.get(record.name, 0) for record in records}
    for record in records:
        position = positions[record.id]
        if not 0 <= position <= record.position:
            text = f"the feed has come to {record.position}, the token says {position}"
            raise ResumeTokenInvalid(FieldProblem(f"resume_token.positions[{record.name}]", text))
        if position >= record.feed_floor:
            continue
        if record.name in start.positions:
            raise ResumeTokenExpired(f"the changes of {record.name} after {position} are gone; start with a snapshot")
        raise ResumeTokenExpired(
            f"the token does not name {record.name}, whose first changes are gone: restrict the filter to the"
            " connectors that the token names, or start with a snapshot"
        )
    return positions
