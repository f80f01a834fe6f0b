"""A stream of tasks without its network: what is stored together, what holds it up, and what a failure leaves."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, aclosing
from pathlib import Path

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock
from support.raw_stream import entry, start
from support.specs import person

from integrationbus.server.errors import ServerDraining, StoreUnavailable, StreamTakenOver
from integrationbus.server.limits import Limits
from integrationbus.server.log_entries import LogEntry, LogReceipt, NotStored
from integrationbus.server.log_streams import StreamRejection
from integrationbus.server.reads import Reads
from integrationbus.server.rpc.intake import check_task
from integrationbus.server.rpc.log_stream import WINDOW, LogStream, StreamAck
from integrationbus.server.rpc.log_streaming import LogStreaming
from integrationbus.server.rpc.open_streams import OpenStreams
from integrationbus.server.storage.sql_store import SqlStore
from integrationbus.server.task import NewTask
from integrationbus.server.task_log import TaskLog
from integrationbus.v1.task_pb2 import TaskSpec
from integrationbus.v1.task_service_pb2 import LogTaskStreamRequest


@pytest.fixture
def bench(tmp_path: Path, clock: ManualClock) -> Iterator[Workbench]:
    with Workbench(f"sqlite:///{tmp_path / 'bus.db'}", clock) as opened:
        yield opened


@pytest.fixture
async def log(bench: Workbench) -> AsyncIterator[TaskLog]:
    started = TaskLog(bench.store, lambda _: None)
    started.start()
    yield started
    await started.stop()


def rejection(number: int) -> StreamRejection:
    return StreamRejection(number=number, code=3, reason="INVALID_FIELD", message="no", field_path="site")


def named(number: int) -> NewTask:
    return new_task({}, external_id=f"p{number}")


def open_streams(bench: Workbench, log: TaskLog) -> OpenStreams:
    return OpenStreams(log, bench.store, Reads(1))


def stored(bench: Workbench) -> list[str]:
    return [task.external_id for task in bench.all_tasks()]


async def settled(stream: LogStream, number: int) -> list[int]:
    """The acknowledgements (positive) and rejections (negative) up to a number."""
    seen: list[int] = []
    async with aclosing(stream.answers()) as answers:
        async for answer in answers:
            seen.append(answer.number if isinstance(answer, StreamAck) else -answer.number)
            if seen[-1] == number:
                break
    return seen


async def test_tasks_that_wait_together_are_stored_and_acknowledged_together(bench: Workbench, log: TaskLog) -> None:
    async with open_streams(bench, log).open("a", "s", 0) as (stream, _):
        with bench.database.write():
            # The writer waits for this transaction with the first task; meanwhile the others come.
            for number in range(1, 101):
                stream.take(number, rejection(number) if number in (50, 60) else named(number))
        assert await settled(stream, 100) == [1, -50, -60, 100]
    assert stored(bench) == [f"p{number}" for number in range(1, 101) if number not in (50, 60)]


async def test_only_a_window_of_tasks_is_read_ahead(bench: Workbench, log: TaskLog) -> None:
    read = 0

    async def requests() -> AsyncIterator[LogTaskStreamRequest]:
        nonlocal read
        yield start()
        for number in range(1, 3 * WINDOW + 1):
            read = number
            yield entry(number, person(f"p{number}"))

    def check(spec: TaskSpec) -> NewTask:
        return check_task(spec, registry=bench.registry, limits=Limits(), creator="a")

    streaming = LogStreaming(open_streams(bench, log), Reads(1), bench.store.store_id)
    async with aclosing(streaming.converse("a", check, requests())) as answers:
        assert (await anext(answers)).opened.window == WINDOW
        with bench.database.write():
            # Nothing can be stored. The requests are there: whoever does not hold back reads one at every turn.
            first = asyncio.create_task(anext(answers))
            await turns(4 * WINDOW)
            assert read == WINDOW
        acknowledged = (await first).ack.number
        while acknowledged < 3 * WINDOW:
            acknowledged = (await anext(answers)).ack.number
    assert read == 3 * WINDOW


async def test_large_tasks_fill_the_window_by_their_bytes(bench: Workbench, log: TaskLog) -> None:
    async with open_streams(bench, log).open("a", "s", 0) as (stream, _):
        with bench.database.write():
            number = 0
            while stream.has_room:
                number += 1
                stream.take(number, new_task({"name": "x" * 1_000_000}))
            assert 8 <= number <= 9
            waiting = asyncio.create_task(stream.room())
            await turns(10)
            assert not waiting.done()
        await settled(stream, number)
        await waiting
        assert stream.has_room


async def test_a_full_log_holds_a_stream_up_and_does_not_end_it(bench: Workbench) -> None:
    log = TaskLog(bench.store, lambda _: None, max_waiting=2)
    log.start()
    async with open_streams(bench, log).open("a", "s", 0) as (stream, _):
        with bench.database.write():
            while not log.is_full:
                log.submit(LogEntry(tasks=[named(0)]))
                await turns(1)
            for number in range(1, 11):
                stream.take(number, named(number))
            waiting = asyncio.create_task(settled(stream, 10))
            await turns(10)
            assert not waiting.done()
        assert await waiting == [10]
    await log.stop()
    assert [name for name in stored(bench) if name != "p0"] == [f"p{number}" for number in range(1, 11)]


class FailingStore:
    """A real store that fails once, when told to."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self.fails = False

    def append(self, entries: Sequence[LogEntry]) -> Sequence[LogReceipt | NotStored]:
        if self.fails:
            self.fails = False
            raise StoreUnavailable("the disk is full")
        return self._store.append(entries)


async def test_after_a_failure_nothing_that_came_behind_is_stored(bench: Workbench) -> None:
    store = FailingStore(bench.store)
    log = TaskLog(store, lambda _: None)  # type: ignore[arg-type] # it is only asked to append
    log.start()
    streams = open_streams(bench, log)
    async with streams.open("a", "s", 0) as (stream, _):
        stream.take(1, named(1))
        await settled(stream, 1)
        store.fails = True
        with bench.database.write():
            for number in range(2, 10):
                stream.take(number, named(number))
        with pytest.raises(StoreUnavailable):
            await settled(stream, 9)
    async with streams.open("a", "s", 1) as (stream, unheard):
        assert (stream.settled_number, unheard) == (1, [])
    assert await go_on(streams) == 1
    await log.stop()
    assert stored(bench) == ["p1", "p2"]


async def test_what_a_broken_connection_left_is_stored_before_the_next_one_goes_on(
    bench: Workbench, log: TaskLog
) -> None:
    streams = open_streams(bench, log)
    with ExitStack() as held:
        async with streams.open("a", "s", 0) as (stream, _):
            held.enter_context(bench.database.write())
            # The first is on its way to the database when the connection breaks, the second is not.
            stream.take(1, named(1))
            stream.take(2, named(2))
    async with streams.open("a", "s", 0) as (stream, unheard):
        assert (stream.settled_number, unheard) == (1, [StreamAck(1, [])])
    assert await go_on(streams) == 1
    assert stored(bench) == ["p1", "p2"]


async def test_a_connection_that_is_taken_over_stores_nothing_more(bench: Workbench, log: TaskLog) -> None:
    streams = open_streams(bench, log)
    async with streams.open("a", "s", 0) as (old, _):
        with bench.database.write():
            for number in (1, 2, 3):
                old.take(number, named(number))
            later = asyncio.create_task(go_on(streams))
            await turns(3)
        with pytest.raises(StreamTakenOver):
            await settled(old, 3)
        assert await later == 1
    assert stored(bench) == ["p1", "p2"]


async def test_streams_that_are_stopped_settle_what_they_took_and_take_no_more(bench: Workbench, log: TaskLog) -> None:
    streams = open_streams(bench, log)
    async with streams.open("a", "s", 0) as (stream, _):
        with bench.database.write():
            for number in range(1, 6):
                stream.take(number, named(number))
            streams.stop()
            stream.take(6, named(6))
        await settled(stream, 5)
        with pytest.raises(ServerDraining):
            await settled(stream, 6)
    with pytest.raises(ServerDraining):
        async with streams.open("a", "s", 0):
            pass
    assert len(stored(bench)) == 5


async def test_a_log_that_has_stopped_ends_a_stream_without_a_false_acknowledgement(
    bench: Workbench, log: TaskLog
) -> None:
    async with open_streams(bench, log).open("a", "s", 0) as (stream, _):
        await log.stop()
        stream.take(1, named(1))
        with pytest.raises(ServerDraining):
            await settled(stream, 1)
    assert stored(bench) == []


async def go_on(streams: OpenStreams) -> int:
    """Send one more task over a connection of its own; returns the number that was settled before."""
    async with streams.open("a", "s", 0) as (stream, _):
        before = stream.settled_number
        stream.take(before + 1, named(before + 1))
        await settled(stream, before + 1)
        return before


async def turns(number: int) -> None:
    """Let everything that can go on do so, so many times."""
    for _ in range(number):
        await asyncio.sleep(0)
