"""The watch of connectors below the API: what it costs, and who wakes whom."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock

from integrationbus.server.connector import ConnectorRecord
from integrationbus.server.connector_watch import ConnectorWatch
from integrationbus.server.reads import Reads


@pytest.fixture
def bench(tmp_path: Path, clock: ManualClock) -> Workbench:
    return Workbench(f"sqlite:///{tmp_path / 'bus.db'}", clock)


@pytest.fixture
async def watch(bench: Workbench, clock: ManualClock) -> AsyncIterator[ConnectorWatch]:
    reads = Reads(2)
    yield ConnectorWatch(
        connectors=bench.dispatcher.connectors,
        reads=reads,
        clock=clock,
        state_of=bench.dispatcher.state_of,
    )
    reads.stop()
    bench.__exit__(None, None, None)


async def test_however_many_watch_a_change_is_read_once(
    bench: Workbench, watch: ConnectorWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Sequence[ConnectorRecord]] = []
    connectors = bench.store.connectors

    def counted() -> Sequence[ConnectorRecord]:
        read.append(connectors())
        return read[-1]

    monkeypatch.setattr(bench.store, "connectors", counted)
    watchers = [watch.watch([], 0) for _ in range(200)]
    await asyncio.gather(*(anext(watcher) for watcher in watchers))
    assert len(read) == 2, "all but the first ask while the first is answered"
    bench.log(new_task({}))
    waiting = [asyncio.create_task(anext(watcher)) for watcher in watchers]
    watch.changed()
    for [status] in await asyncio.gather(*waiting):
        assert status.record.counts.pending == 1
    assert len(read) == 3
    await asyncio.gather(*(watcher.aclose() for watcher in watchers))


async def test_a_watch_begins_with_what_is_there_also_if_nobody_was_woken(
    bench: Workbench, watch: ConnectorWatch
) -> None:
    async with aclosing(watch.watch([], 0)) as earlier:
        await anext(earlier)
    bench.store.set_paused("people", paused=True, actor="another process", reason="audit")
    async with aclosing(watch.watch([], 0)) as items:
        [status] = await anext(items)
    assert status.problem == "audit"


async def test_a_change_that_nobody_sees_is_not_delivered(bench: Workbench, watch: ConnectorWatch) -> None:
    async with aclosing(watch.watch(["people"], 0)) as items:
        await anext(items)
        waiting = asyncio.create_task(anext(items))
        watch.changed()
        bench.store.set_paused("people", paused=True, actor="ops", reason="audit")
        watch.changed()
        [status] = await waiting
        assert status.problem == "audit"


async def test_a_watcher_that_goes_away_leaves_the_others_alone(bench: Workbench, watch: ConnectorWatch) -> None:
    """All wait for one wake-up call: who is cancelled must not take it along."""
    async with aclosing(watch.watch([], 0)) as leaving, aclosing(watch.watch([], 0)) as staying:
        await anext(leaving)
        await anext(staying)
        gone, waits = asyncio.create_task(anext(leaving)), asyncio.create_task(anext(staying))
        asyncio.get_running_loop().call_soon(gone.cancel)
        with pytest.raises(asyncio.CancelledError):
            await gone
        bench.log(new_task({}))
        watch.changed()
        [status] = await waits
        assert status.record.counts.pending == 1
