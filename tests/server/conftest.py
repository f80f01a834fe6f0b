"""A feed on a database that tests fill themselves."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from support.bench import Workbench
from support.clocks import ManualClock

from integrationbus.server.feed.task_feed import TaskFeed
from integrationbus.server.reads import Reads


@pytest.fixture
def bench(tmp_path: Path, clock: ManualClock) -> Iterator[Workbench]:
    """A bus that does nothing by itself."""
    with Workbench(f"sqlite:///{tmp_path / 'bus.db'}", clock) as bus:
        yield bus


@pytest.fixture
async def feed(bench: Workbench, clock: ManualClock) -> AsyncIterator[TaskFeed]:
    """The feed of that bus; a test says itself what has changed."""
    reads = Reads(2)
    feed = TaskFeed(bench.store, reads, clock)
    feed.start()
    yield feed
    await feed.stop()
    reads.stop()
