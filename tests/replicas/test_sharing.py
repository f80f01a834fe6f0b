"""Several whole servers on one PostgreSQL: whoever is asked, the bus answers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import pytest
from support.crowd import CROWD, NAMES
from support.served import serve

from integrationbus.client import (
    AsyncClient,
    ConnectorState,
    HeadAction,
    NewTask,
    NotifyOutcome,
    ProcessType,
    Run,
    RunState,
    Task,
    TaskChange,
    TaskState,
    TaskType,
)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two replicas, each with a client of its own."""

    one: AsyncClient
    two: AsyncClient

    async def processed_by(self, client: AsyncClient) -> set[str]:
        """The connectors that the server of a client processes."""
        return {name for item in await client.list_replicas() if item.answers for name in item.processes}


async def until(look: Callable[[], Awaitable[_T]], fits: Callable[[_T], bool]) -> _T:
    """Look until what one sees fits."""
    async with asyncio.timeout(20):
        while not fits(seen := await look()):  # noqa: ASYNC110 - there is no event for what is looked at
            await asyncio.sleep(0.02)
    return seen


async def runs_in_progress(client: AsyncClient, connector: str) -> list[Run]:
    """The runs of a connector that have not ended, as they are on record."""
    return [run async for run in client.list_runs(connector) if run.state is RunState.RUNNING]


async def reaches(client: AsyncClient, task_id: str, state: TaskState) -> Task:
    """Watch a task until it is in a state."""
    async with asyncio.timeout(20), client.watch(snapshot=True, task_ids=[task_id]) as seen:
        async for item in seen:
            if isinstance(item, Task | TaskChange) and item.state is state:
                break
    return await client.get_task(task_id)


@asynccontextmanager
async def pair(url: str, **settings: Any) -> AsyncIterator[Pair]:
    """Two servers that know each other."""
    async with AsyncExitStack() as stack:
        clients = []
        for _ in range(2):
            served = await stack.enter_async_context(serve(url, CROWD, **settings))
            clients.append(await stack.enter_async_context(AsyncClient(served.address, application="tests")))
        await until(clients[0].list_replicas, lambda replicas: len(replicas) == 2)
        yield Pair(*clients)


def person(connector: str, number: int) -> NewTask:
    return NewTask(connector, TaskType.CREATE_OBJECT, {"name": f"{connector}{number}"}, external_id=number)


@pytest.mark.parametrize("signals", [True, False], ids=["signals", "by looking"])
async def test_tasks_are_processed_in_order_and_watched_whoever_takes_them(postgres_url: str, *, signals: bool) -> None:
    async with pair(postgres_url, signals=signals, poll_seconds=0.2) as both:
        names = NAMES[:4]
        done: dict[str, list[int]] = {name: [] for name in names}
        # The watch is at one server, the tasks at the other, and each server processes some of them.
        async with both.two.watch(states=TaskState.SUCCEEDED) as changes:
            for number in range(1, 11):
                await both.one.log_tasks([person(name, number) for name in names])
            async for change in changes:
                assert isinstance(change, TaskChange)
                done[change.connector].append(change.sequence)
                if all(len(each) == 10 for each in done.values()):
                    break
        assert set(map(tuple, done.values())) == {tuple(range(1, 11))}
        one, two = await both.processed_by(both.one), await both.processed_by(both.two)
        assert not one & two
        assert one | two == set(names)
        await until(lambda: both.processed_by(both.one), lambda names: 0 < len(names) < 4)


async def test_a_notify_reaches_the_replica_that_processes_the_connector(postgres_url: str) -> None:
    async with pair(postgres_url) as both:
        await both.one.log_tasks([person(name, number) for name in ("fifth", "sixth") for number in range(3)])
        for asked, other in ((both.one, both.two), (both.two, both.one)):
            tickets = await asked.request_tasks_processing("fifth", "sixth")
            for ticket in tickets:
                assert ticket.outcome in (NotifyOutcome.STARTED, NotifyOutcome.COALESCED)
                assert ticket.run
                # The run can be watched at the server that was not asked.
                ends = [run async for run in other.watch_run(ticket.run.id)]
                assert (ends[-1].state, ends[-1].requested_by) == (RunState.COMPLETED, "tests")
            if asked is both.one:
                assert (
                    sum(run.counts.succeeded for run in [(await asked.get_run(t.run.id)) for t in tickets if t.run])
                    == 6
                )


async def failing(client: AsyncClient, name: str) -> Task:
    """A task that halts its connector."""
    logged = await client.log_task(name, TaskType.CREATE_OBJECT, {"do": "raise"}, process_type=ProcessType.DEFAULT)
    return await reaches(client, logged.id, TaskState.FAILED)


async def test_every_connector_can_be_operated_from_every_replica(postgres_url: str) -> None:
    async with pair(postgres_url) as both:
        for name in NAMES[:3]:
            head = await failing(both.one, name)
            behind = await both.two.log_task(name, TaskType.CREATE_OBJECT, {"name": f"{name} behind"})
            for client in (both.one, both.two):
                assert (await client.get_connector(name)).state is ConnectorState.HALTED
            resumed = await both.two.resume_connector(name, HeadAction.SKIP, "a test")
            assert resumed.run
            [*_, end] = [run async for run in both.one.watch_run(resumed.run.id)]
            assert end.state is RunState.COMPLETED
            assert (await both.one.get_task(head.id)).state is TaskState.SKIPPED
            await reaches(both.one, behind.id, TaskState.SUCCEEDED)
            await both.one.pause_connector(name, "a break")
            paused = await both.two.log_task(name, TaskType.CREATE_OBJECT, {"name": f"{name} paused"})
            assert (await both.two.get_connector(name)).problem == "a break"
            assert (await both.two.get_task(paused.id)).state is TaskState.PENDING
            await both.two.resume_connector(name)
            await reaches(both.two, paused.id, TaskState.SUCCEEDED)


def has_tried(run: Run) -> bool:
    """Whether a run has a task that is to be tried again."""
    return run.counts.retried > 0


async def test_a_run_that_waits_to_retry_is_ended_from_every_replica(postgres_url: str) -> None:
    async with pair(postgres_url) as both:
        for client in (both.one, both.two):
            logged = await client.log_task("first", TaskType.CREATE_OBJECT, {"do": "later"})
            await reaches(client, logged.id, TaskState.RETRY_WAIT)
            assert (await client.get_connector("first")).state is ConnectorState.RUNNING
            # Another one may follow it, which was left just before this one was on record.
            runs = await until(partial(runs_in_progress, client, "first"), lambda runs: any(map(has_tried, runs)))
            [run] = filter(has_tried, runs)
            ended = await client.cancel_run(run.id)
            assert (ended.state, ended.cancelled_by) == (RunState.CANCELLED, "tests")
            await client.delete_tasks(task_ids=[logged.id])


async def test_a_waiting_task_is_called_by_an_object_that_another_replica_made(postgres_url: str) -> None:
    async with pair(postgres_url) as both:
        waiting = await both.one.log_task("fourth", TaskType.CREATE_OBJECT, {"name": "child", "boss_id": "7"})
        await reaches(both.two, waiting.id, TaskState.WAITING)
        await both.two.log_task("fourth", TaskType.CREATE_OBJECT, {"name": "boss"}, external_id=7)
        await reaches(both.one, waiting.id, TaskState.SUCCEEDED)


async def test_a_replica_that_stops_in_order_is_succeeded_at_once(postgres_url: str) -> None:
    """A lease of a minute: nobody could have waited for it to expire."""
    async with AsyncExitStack() as outer:
        stays = await outer.enter_async_context(serve(postgres_url, CROWD, lease_seconds=60))
        client = await outer.enter_async_context(AsyncClient(stays.address, application="tests"))
        async with serve(postgres_url, CROWD, lease_seconds=60):
            await until(client.list_replicas, lambda replicas: len(replicas) == 2)
            await client.log_tasks([person(name, 1) for name in NAMES[:4]])
            await until(client.list_replicas, lambda all_: sum(len(each.processes) for each in all_) == 4)
        logged = await client.log_tasks([person(name, 2) for name in NAMES[:4]])
        assert len(logged.logged) == 4
        changed = await until(client.list_connectors, lambda all_: sum(each.counts.succeeded for each in all_) == 8)
        assert {each.name for each in changed if each.counts.succeeded} == set(NAMES[:4])
        [left] = await client.list_replicas()
        assert set(left.processes) == set(NAMES[:4])
