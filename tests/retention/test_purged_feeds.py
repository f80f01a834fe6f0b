"""Watches that stand when what they would see next is purged."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock

from integrationbus.server.errors import ResumeTokenExpired
from integrationbus.server.feed.task_feed import TaskFeed
from integrationbus.server.purger import Purger
from integrationbus.server.reads import Reads
from integrationbus.server.retention import Retention
from integrationbus.server.task_queries import TaskQuery
from integrationbus.server.watch import ChangeBatch, WatchStart

DAY = timedelta(days=1)
KEPT = Retention(succeeded=DAY, failed=DAY, deleted=DAY, events=DAY, request_ids=DAY, runs=DAY)


async def read_on(items: AsyncIterator[object]) -> None:
    async for _ in items:
        pass


async def test_a_watch_that_was_left_behind_ends_and_a_new_one_sees_what_follows(
    tmp_path: Path, clock: ManualClock
) -> None:
    """All that was committed is gone before it was read: nobody may wait for it, and nobody may miss it unknowingly."""
    with Workbench(f"sqlite:///{tmp_path / 'bus.db'}", clock) as bus:
        connector_id = bus.store.connector("people").id
        reads = Reads(2)
        feed = TaskFeed(bus.store, reads, clock)
        feed.start()
        async with asyncio.timeout(20), aclosing(feed.watch(TaskQuery(), WatchStart())) as items:
            await anext(items)
            bus.log(new_task({}), new_task({}))
            clock.advance(2 * DAY)
            assert Purger(bus.store, KEPT).sweep().events == 2
            feed.changed([connector_id])
            with pytest.raises(ResumeTokenExpired):
                await read_on(items)
        async with asyncio.timeout(20), aclosing(feed.watch(TaskQuery(), WatchStart(positions={"people": 2}))) as items:
            await anext(items)
            bus.log(new_task({}))
            feed.changed([connector_id])
            batch = await anext(items)
            assert isinstance(batch, ChangeBatch)
            assert [event.position for event in batch.events] == [3]
        await feed.stop()
        reads.stop()
