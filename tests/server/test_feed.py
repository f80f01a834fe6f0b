"""The feed: from memory or from the table, the same changes."""

from collections.abc import Sequence
from contextlib import aclosing
from datetime import timedelta

import pytest
from sqlalchemy import text
from support.bench import Workbench, new_task
from support.clocks import ManualClock

from integrationbus.server.claims import ClaimRequest, NewRun
from integrationbus.server.errors import ResumeTokenExpired, ServerDraining, WatcherTooSlow
from integrationbus.server.feed.recent import Recent
from integrationbus.server.feed.task_feed import TaskFeed
from integrationbus.server.run import RunTrigger
from integrationbus.server.task_events import TaskEvent
from integrationbus.server.task_queries import TaskQuery
from integrationbus.server.watch import ChangeBatch, CheckpointMark, SnapshotPart, WatchStart

FROM_THE_BEGINNING = WatchStart(positions={"people": 0})


async def test_what_was_committed_before_the_watch_comes_from_the_table(bench: Workbench, feed: TaskFeed) -> None:
    bench.log(*(new_task({}) for _ in range(1200)))
    positions: list[int] = []
    async with aclosing(feed.watch(TaskQuery(), FROM_THE_BEGINNING)) as items:
        assert await anext(items) == CheckpointMark(positions={"people": 0})
        while len(positions) < 1200:
            batch = await anext(items)
            assert isinstance(batch, ChangeBatch)
            positions += [event.position for event in batch.events]
            assert batch.positions == {"people": positions[-1]}
    assert positions == list(range(1, 1201))


async def test_what_is_committed_during_the_watch_is_read_once_for_all(bench: Workbench, feed: TaskFeed) -> None:
    connector_id = bench.store.connector("people").id
    async with (
        aclosing(feed.watch(TaskQuery(), WatchStart())) as first,
        aclosing(feed.watch(TaskQuery(), WatchStart())) as second,
    ):
        await anext(first)
        await anext(second)
        bench.log(new_task({}))
        feed.changed([connector_id])
        assert await anext(first) == await anext(second)


async def test_what_follows_on_what_is_known_is_not_read(
    bench: Workbench, feed: TaskFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector_id = bench.store.connector("people").id
    async with aclosing(feed.watch(TaskQuery(), WatchStart())) as items:
        await anext(items)
        bench.log(new_task({}), new_task({}))
        monkeypatch.setattr(bench.store, "events", None)
        feed.changed([connector_id], lambda: bench.told)
        assert await anext(items) == ChangeBatch(events=bench.told, positions={"people": 2})


async def test_commits_that_are_told_out_of_their_order_are_seen_in_order_and_once(
    bench: Workbench, feed: TaskFeed
) -> None:
    connector_id = bench.store.connector("people").id
    async with aclosing(feed.watch(TaskQuery(), WatchStart())) as items:
        await anext(items)
        bench.log(new_task({}))
        bench.log(new_task({}))
        first, second = ([event] for event in bench.told)
        feed.changed([connector_id], lambda: second)
        batch = await anext(items)
        assert batch == ChangeBatch(events=bench.told, positions={"people": 2})
        feed.changed([connector_id], lambda: first)
        bench.log(new_task({}))
        feed.changed([connector_id], lambda: bench.told[1:])
        assert await anext(items) == ChangeBatch(events=bench.told[2:], positions={"people": 3})


async def test_a_reader_that_takes_too_long_is_ended(bench: Workbench, feed: TaskFeed, clock: ManualClock) -> None:
    bench.log(new_task({}))
    async with aclosing(feed.watch(TaskQuery(), FROM_THE_BEGINNING)) as items:
        await anext(items)
        await anext(items)
        clock.advance(timedelta(seconds=31))
        with pytest.raises(WatcherTooSlow):
            await anext(items)


async def test_a_token_from_before_the_floor_has_expired(bench: Workbench, feed: TaskFeed) -> None:
    bench.log(new_task({}), new_task({}))
    with bench.database.write() as connection:
        connection.execute(text("UPDATE connector_head SET feed_floor = 1"))
    async with aclosing(feed.watch(TaskQuery(), FROM_THE_BEGINNING)) as items:
        with pytest.raises(ResumeTokenExpired):
            await anext(items)


async def test_a_feed_that_cannot_be_read_for_a_while_goes_on(
    bench: Workbench, feed: TaskFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = bench.store.events

    def failing_once(*_: object, **__: object) -> object:
        monkeypatch.setattr(bench.store, "events", events)
        raise RuntimeError("a fault that nobody thought of")

    async with aclosing(feed.watch(TaskQuery(), WatchStart())) as items:
        await anext(items)
        monkeypatch.setattr(bench.store, "events", failing_once)
        bench.log(new_task({}))
        feed.changed([bench.store.connector("people").id])
        assert isinstance(await anext(items), ChangeBatch)


async def test_a_feed_that_stops_ends_its_watches(feed: TaskFeed) -> None:
    async with aclosing(feed.watch(TaskQuery(), WatchStart())) as items:
        await anext(items)
        await feed.stop()
        with pytest.raises(ServerDraining):
            await anext(items)


async def test_a_task_that_changes_while_a_snapshot_is_read_is_seen_once(bench: Workbench, feed: TaskFeed) -> None:
    bench.log(*(new_task({}) for _ in range(600)))
    connector_id = bench.store.connector("people").id
    async with aclosing(feed.watch(TaskQuery(), WatchStart(snapshot=True))) as items:
        first = await anext(items)
        lease = bench.store.acquire_lease("people", "me", "")
        run = NewRun(id="r", trigger=RunTrigger.NOTIFY)
        bench.store.claim(lease, ClaimRequest(run=run, after_sequence=549, max_tasks=1, max_bytes=100))
        feed.changed([connector_id])
        second, change = await anext(items), await anext(items)
    assert isinstance(first, SnapshotPart)
    assert isinstance(second, SnapshotPart)
    assert isinstance(change, ChangeBatch)
    seen = [task.sequence for task in [*first.tasks, *second.tasks]]
    assert seen == [*range(1, 550), *range(551, 601)]
    assert [(event.sequence, event.state.name) for event in change.events] == [(550, "RUNNING")]


def test_the_newest_are_kept_and_what_is_lacking_is_known(bench: Workbench) -> None:
    bench.log(*(new_task({}) for _ in range(10)))
    events = bench.store.events(bench.store.connector("people").id, after_position=0, limit=10).events
    bench.__exit__(None, None, None)
    recent = Recent(4)
    assert recent.after(1, 0, 10) is None
    recent.add(1, events[:6])
    assert recent.after(1, 1, 10) is None, "position 2 has fallen out"
    assert positions(recent.after(1, 2, 10)) == [3, 4, 5, 6]
    recent.add(1, events[4:7])
    assert recent.newest(1) == 7, "what it holds already is not added again"
    recent.add(1, events[8:])
    assert positions(recent.after(1, 8, 10)) == [9, 10], "a hole makes it start afresh"
    assert recent.after(1, 7, 10) is None
    recent.add(2, events[:3])
    assert positions(recent.after(1, 9, 10)) == [10], "connectors share the room, and the oldest goes first"
    assert positions(recent.after(2, 0, 10)) == [1, 2, 3]
    recent.add(2, events[3:4])
    assert recent.after(1, 9, 10) is None
    assert recent.newest(1) == 0


def positions(events: Sequence[TaskEvent] | None) -> list[int]:
    assert events is not None
    return [event.position for event in events]
