"""Group commit: who waits for whom, and who does not suffer for whom."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError
from support.bench import Workbench, new_task
from support.clocks import ManualClock

from integrationbus.server.errors import LogQueueFull, RequestIdReused, ServerDraining, StoreUnavailable
from integrationbus.server.ids import new_id
from integrationbus.server.log_entries import LogEntry, LogReceipt, RequestKey
from integrationbus.server.task_log import TaskLog


@pytest.fixture
def bench(tmp_path: Path, clock: ManualClock) -> Workbench:
    return Workbench(f"sqlite:///{tmp_path / 'bus.db'}", clock)


def entry(name: str, request_id: str = "") -> LogEntry:
    request = RequestKey(creator="", request_id=request_id, body_digest=name.encode()) if request_id else None
    return LogEntry(tasks=[new_task({"name": name})], request=request)


async def test_calls_that_wait_together_are_committed_together(bench: Workbench) -> None:
    with bench:
        groups: list[int] = []
        log = TaskLog(bench.store, lambda receipts: groups.append(len(receipts)))
        log.start()
        with bench.database.write():
            # The writer waits for this transaction; meanwhile the others queue up behind it.
            first = asyncio.create_task(log.append(entry("first")))
            rest = [asyncio.create_task(log.append(entry(f"p{i}"))) for i in range(50)]
            await asyncio.wait([first, *rest], timeout=0)
        await asyncio.gather(first, *rest)
        await log.stop()
        assert sum(groups) == 51
        assert max(groups) >= 50


async def test_an_entry_whose_caller_has_gone_is_not_stored_any_more(bench: Workbench) -> None:
    with bench:
        log = TaskLog(bench.store, lambda _: None, max_waiting=1)
        log.start()
        with bench.database.write():
            first = asyncio.create_task(log.append(entry("first")))
            await asyncio.wait([first], timeout=0)
            while log.is_full:  # noqa: ASYNC110 - until the writer has it in hand, and waits for this transaction
                await asyncio.sleep(0)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(log.append(entry("second")), timeout=0.01)
        await first
        await log.room()
        await log.append(entry("third"))
        await log.stop()
        assert len(bench.all_tasks()) == 2


async def test_an_entry_that_cannot_be_stored_fails_alone(bench: Workbench) -> None:
    with bench:
        twin = entry("Ada")
        log = TaskLog(bench.store, lambda _: None)
        log.start()
        with bench.database.write():
            calls = [asyncio.create_task(log.append(each)) for each in (entry("a"), twin, twin, entry("b"))]
            await asyncio.wait(calls, timeout=0)
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        await log.stop()
        assert [type(outcome) for outcome in outcomes] == [LogReceipt, LogReceipt, IntegrityError, LogReceipt]
        assert len(bench.all_tasks()) == 3


async def test_a_reused_request_id_is_refused_and_its_twin_answered(bench: Workbench) -> None:
    with bench:
        log = TaskLog(bench.store, lambda _: None)
        log.start()
        first, twin = await asyncio.gather(log.append(entry("a", "r")), log.append(entry("a", "r")))
        assert first.tasks == twin.tasks
        with pytest.raises(RequestIdReused):
            await log.append(entry("b", "r"))
        await log.stop()


async def test_a_log_that_stops_stores_what_waits_and_refuses_the_rest(bench: Workbench) -> None:
    with bench:
        log = TaskLog(bench.store, lambda _: None)
        log.start()
        waiting = [asyncio.create_task(log.append(entry(f"p{i}"))) for i in range(20)]
        await asyncio.wait(waiting, timeout=0)
        await log.stop()
        assert len([await call for call in waiting]) == 20
        with pytest.raises(ServerDraining):
            await log.append(entry("late"))
        await log.stop()


class BrokenStore:
    """A store whose database is away."""

    def append(self, entries: Sequence[LogEntry]) -> Sequence[LogReceipt]:
        raise StoreUnavailable("the disk is full")


async def test_when_the_database_is_away_every_caller_hears_of_it() -> None:
    log = TaskLog(BrokenStore(), lambda _: None)  # type: ignore[arg-type] # it is only asked to append
    log.start()
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match="disk is full"):
            await log.append(entry("a"))
    await log.stop()


async def test_a_full_queue_refuses_with_a_delay(bench: Workbench) -> None:
    with bench:
        log = TaskLog(bench.store, lambda _: None, max_waiting=2)
        log.start()
        with bench.database.write():
            calls = [asyncio.create_task(log.append(entry(new_id()))) for _ in range(10)]
            await asyncio.wait(calls, timeout=0)
            full = [call for call in calls if call.done()]
            assert full
            for call in full:
                with pytest.raises(LogQueueFull) as caught:
                    await call
                assert caught.value.retry_delay.total_seconds() > 0
        await asyncio.gather(*(call for call in calls if call not in full))
        await log.stop()
