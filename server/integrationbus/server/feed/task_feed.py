"""Watching tasks: a start, then every change, from memory or from the table."""

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence

from integrationbus.server.broadcast import Broadcast, wait
from integrationbus.server.clock import Clock
from integrationbus.server.connector import ConnectorRecord
from integrationbus.server.errors import (
    FieldProblem,
    ResumeTokenExpired,
    ResumeTokenInvalid,
    ServerDraining,
    WatcherTooSlow,
)
from integrationbus.server.feed.matching import matches
from integrationbus.server.feed.tail import Tail
from integrationbus.server.reads import Reads
from integrationbus.server.store import Store
from integrationbus.server.task_queries import TaskEvent, TaskQuery
from integrationbus.server.watch import ChangeBatch, CheckpointMark, SnapshotPart, WatchItem, WatchStart

__all__ = ["TaskFeed"]

_BATCH = 500
_CHECKPOINT_SECONDS = 10.0
_TOO_SLOW_SECONDS = 30.0


class _Watcher:
    """How far one watch has come in the feed of each connector."""

    def __init__(
        self, wants: Callable[[TaskEvent], bool], positions: Mapping[str, int], ids: Mapping[str, int]
    ) -> None:
        self.wants = wants
        self.positions = {ids[name]: position for name, position in positions.items()}
        self._names = {ids[name]: name for name in positions}
        self._moved: set[int] = set()

    def advance(self, connector_id: int, position: int) -> None:
        """The changes of a connector were seen up to a position."""
        self.positions[connector_id] = position
        self._moved.add(connector_id)

    def take_moved(self) -> dict[str, int]:
        """The positions that changed since this was asked last."""
        moved = {self._names[connector_id]: self.positions[connector_id] for connector_id in self._moved}
        self._moved.clear()
        return moved


class TaskFeed:
    """Delivers the committed changes to any number of watchers.

    The table of events is the truth; the tail keeps the newest ones in memory, so that a commit is read once however
    many watch. A watcher holds nothing but its positions. Everything here runs on one event loop.
    """

    def __init__(self, store: Store, reads: Reads, clock: Clock) -> None:
        self._store = store
        self._reads = reads
        self._clock = clock
        self._news = Broadcast()
        self._tail = Tail(store, reads, self._news.send)
        self._draining = False

    def start(self) -> None:
        """Begin to follow what is committed; called on the event loop."""
        self._tail.start()

    def changed(self, connector_ids: Iterable[int]) -> None:
        """Something was committed for these connectors."""
        self._tail.changed(connector_ids)

    async def stop(self) -> None:
        """End every watch with ServerDraining."""
        self._draining = True
        self._news.send()
        await self._tail.stop()

    async def watch(
        self, query: TaskQuery, start: WatchStart, wants: Callable[[TaskEvent], bool] | None = None
    ) -> AsyncGenerator[WatchItem, None]:
        """Deliver what a watch asks for, for ever.

        The first item comes at once. Of the changes that fit the query, ``wants`` chooses if it is given. Raises
        ResumeTokenInvalid, ResumeTokenExpired, WatcherTooSlow or ServerDraining.
        """
        with self._tail.followed():
            records = await self._records(query)
            self._tail.catch_up({record.id: record.position for record in records})
            positions = _start_positions(records, start)
            if start.snapshot:
                async for part in self._snapshot(query, positions, records):
                    yield part
            else:
                yield CheckpointMark(positions=positions)
            watcher = _Watcher(
                lambda event: matches(event, query) and (wants is None or wants(event)),
                positions,
                {record.name: record.id for record in records},
            )
            async for item in self._follow(watcher):
                handed_over = self._clock.monotonic()
                yield item
                if self._clock.monotonic() - handed_over > _TOO_SLOW_SECONDS:
                    raise WatcherTooSlow("the changes are not read fast enough; resume with the newest token")

    async def _records(self, query: TaskQuery) -> list[ConnectorRecord]:
        """The connectors that a query is about."""
        records = await self._reads(self._store.connectors)
        return [record for record in records if not query.connector_ids or record.id in query.connector_ids]

    async def _snapshot(
        self, query: TaskQuery, positions: Mapping[str, int], records: Sequence[ConnectorRecord]
    ) -> AsyncGenerator[SnapshotPart, None]:
        """The tasks as they are, but for those that changed after the positions: their changes follow."""
        after: tuple[int, int] | None = None
        complete = False
        while not complete:
            place = after
            page = await self._reads(
                lambda place=place: self._store.tasks(  # type: ignore[misc] # mypy cannot infer a default of a lambda
                    query, after=place, limit=_BATCH, with_payload=False, newest_first=False
                )
            )
            after, complete = page.next_after, page.next_after is None
            tasks = [task for task in page.tasks if task.position <= positions[task.connector]]
            if tasks or complete:
                yield SnapshotPart(tasks=tasks, complete=complete, positions=positions if complete else {})

    async def _follow(self, watcher: _Watcher) -> AsyncGenerator[WatchItem, None]:
        sent = self._clock.monotonic()
        while True:
            news = self._news.next()
            if self._draining:
                raise ServerDraining("the server is stopping; resume the watch with the newest token")
            wanted = [event for event in await self._read(watcher) if watcher.wants(event)]
            idle = not wanted and not self._is_behind(watcher) and not await wait(news, _CHECKPOINT_SECONDS)
            overdue = self._clock.monotonic() - sent > _CHECKPOINT_SECONDS
            if wanted:
                yield ChangeBatch(events=wanted, positions=watcher.take_moved())
            elif idle or overdue:
                yield CheckpointMark(positions=watcher.take_moved())
            else:
                continue
            sent = self._clock.monotonic()

    def _is_behind(self, watcher: _Watcher) -> bool:
        return any(self._tail.newest(each) > position for each, position in watcher.positions.items())

    async def _read(self, watcher: _Watcher) -> Sequence[TaskEvent]:
        """The next changes of every connector that has some."""
        events: list[TaskEvent] = []
        for connector_id, position in list(watcher.positions.items()):
            if self._tail.newest(connector_id) <= position or len(events) >= _BATCH:
                continue
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


def _start_positions(records: Sequence[ConnectorRecord], start: WatchStart) -> dict[str, int]:
    """Where a watch starts. Raises ResumeTokenInvalid or ResumeTokenExpired."""
    if start.positions is None:
        return {record.name: record.position for record in records}
    positions = {record.name: start.positions.get(record.name, 0) for record in records}
    for record in records:
        position = positions[record.name]
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
