"""Who hears of a change: those who want it, wherever they are in the feed."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock

from integrationbus.server.feed.task_feed import TaskFeed
from integrationbus.server.task_queries import TaskQuery
from integrationbus.server.watch import ChangeBatch, CheckpointMark, WatchItem, WatchStart

NOW = WatchStart()


def log(bench: Workbench, feed: TaskFeed, *external_ids: str) -> None:
    bench.log(*(new_task({}, external_id=each) for each in external_ids))
    feed.changed([bench.store.connector("people").id])


async def heard(items: AsyncGenerator[WatchItem, None], number: int) -> list[tuple[int, str]]:
    """The positions and external ids of the next changes, which must lead as far as their batches say."""
    found: list[tuple[int, str]] = []
    while len(found) < number:
        batch = await anext(items)
        assert isinstance(batch, ChangeBatch)
        found += [(event.position, event.task.external_id) for event in batch.events]
        assert batch.positions["people"] >= found[-1][0]
    return found


async def test_what_a_watcher_does_not_want_is_behind_it_all_the_same(bench: Workbench, feed: TaskFeed) -> None:
    async with (
        aclosing(feed.watch(TaskQuery(external_ids=["x"]), NOW)) as picky,
        aclosing(feed.watch(TaskQuery(), NOW)) as curious,
    ):
        await anext(picky)
        await anext(curious)
        log(bench, feed, "x")
        assert await heard(picky, 1) == [(1, "x")]
        log(bench, feed, "a", "b", "c")
        assert len(await heard(curious, 4)) == 4
        log(bench, feed, "x", "d")
        batch = await anext(picky)
    assert isinstance(batch, ChangeBatch)
    assert [event.position for event in batch.events] == [5]
    assert batch.positions == {"people": 6}, "the token leads over what nobody had to tell"


async def test_a_quiet_watcher_is_told_how_far_it_has_come(
    bench: Workbench, feed: TaskFeed, clock: ManualClock
) -> None:
    async with (
        aclosing(feed.watch(TaskQuery(external_ids=["x"]), NOW)) as picky,
        aclosing(feed.watch(TaskQuery(), NOW)) as curious,
    ):
        await anext(picky)
        await anext(curious)
        log(bench, feed, "x")
        await heard(picky, 1)
        await heard(curious, 1)
        for positions, external_ids in (({"people": 3}, ["a", "b"]), ({"people": 4}, ["c"])):
            quiet = asyncio.ensure_future(anext(picky))
            log(bench, feed, *external_ids)
            await heard(curious, len(external_ids))
            clock.advance(timedelta(seconds=21))
            assert await quiet == CheckpointMark(positions=positions)


async def test_who_gets_too_much_at_once_reads_it_later(bench: Workbench, feed: TaskFeed) -> None:
    async with (
        aclosing(feed.watch(TaskQuery(creator="tests"), NOW)) as slow,
        aclosing(feed.watch(TaskQuery(), NOW)) as quick,
    ):
        await anext(slow)
        await anext(quick)
        log(bench, feed, "first")
        assert await heard(slow, 1) == [(1, "first")]
        await heard(quick, 1)
        for start in range(0, 1_800, 200):
            log(bench, feed, *(str(number) for number in range(start, start + 200)))
            await heard(quick, 200)
        assert await heard(slow, 1_800) == [(number + 2, str(number)) for number in range(1_800)]
        log(bench, feed, "last")
        assert await heard(slow, 1) == [(1_802, "last")]


async def test_who_starts_ahead_of_what_others_have_seen_hears_nothing_twice(bench: Workbench, feed: TaskFeed) -> None:
    async with (
        aclosing(feed.watch(TaskQuery(), NOW)) as early,
        aclosing(feed.watch(TaskQuery(), NOW)) as late,
    ):
        await anext(early)
        # Nobody has told the feed of this one when the second watch starts behind it.
        bench.log(new_task({}, external_id="before"))
        assert await anext(late) == CheckpointMark(positions={"people": 1})
        log(bench, feed, "after")
        assert await heard(late, 1) == [(2, "after")]
        assert await heard(early, 2) == [(1, "before"), (2, "after")]


async def test_a_watch_that_starts_when_everybody_had_gone_starts_where_the_feed_is(
    bench: Workbench, feed: TaskFeed
) -> None:
    async with aclosing(feed.watch(TaskQuery(), NOW)) as first:
        await anext(first)
        log(bench, feed, "a")
        await heard(first, 1)
    log(bench, feed, "b")
    async with aclosing(feed.watch(TaskQuery(), NOW)) as second:
        assert await anext(second) == CheckpointMark(positions={"people": 2})
        log(bench, feed, "c")
        assert await heard(second, 1) == [(3, "c")]


@pytest.mark.parametrize(
    "query",
    [
        TaskQuery(external_ids=["x", "y", "x"]),
        TaskQuery(labels={"order": "7", "colour": "red"}),
        TaskQuery(creator="tests", external_ids=["x"]),
        TaskQuery(object_type="test.person"),
        TaskQuery(site="Prague"),
        TaskQuery(task_ids=["the-one"]),
    ],
)
async def test_each_filter_finds_its_changes_and_no_others(bench: Workbench, feed: TaskFeed, query: TaskQuery) -> None:
    fitting = replace(
        new_task({}, external_id="x", site="Prague"),
        id="the-one",
        object_type="test.person",
        labels={"colour": "red", "order": "7", "size": "1"},
    )
    other = replace(new_task({}, external_id="z"), labels={"order": "7", "colour": "blue"}, creator="someone")
    people = bench.store.connector("people").id
    async with aclosing(feed.watch(replace(query, connector_ids=[people]), NOW)) as items:
        await anext(items)
        bench.log(replace(fitting, id="the-first", site="Brno", external_id="-", labels={}, object_type=""), fitting)
        bench.log(other)
        feed.changed([people])
        batch = await anext(items)
    assert isinstance(batch, ChangeBatch)
    assert [event.task.id for event in batch.events] == ["the-one"]
