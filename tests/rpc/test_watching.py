"""WatchTasks: nothing missing, nothing twice, whatever the start."""

import asyncio

import grpc
import pytest
from support.served import Refusal, Served
from support.specs import log_request, person

from integrationbus.v1 import enums_pb2, task_pb2
from integrationbus.v1.connector_service_pb2 import PauseConnectorRequest
from integrationbus.v1.task_service_pb2 import (
    DeleteTasksRequest,
    LogTaskRequest,
    LogTasksRequest,
    SkipTasksRequest,
    TaskChange,
    TaskSelection,
    WatchTasksRequest,
    WatchTasksResponse,
)

DONE = enums_pb2.TASK_STATE_SUCCEEDED


class Watch:
    """A watch that keeps its token as clients should."""

    def __init__(self, served: Served, request: WatchTasksRequest | None = None) -> None:
        self.token = task_pb2.ResumeToken()
        self._call = served.tasks.WatchTasks(request or WatchTasksRequest())
        self._messages = aiter(self._call)

    async def next(self) -> WatchTasksResponse:
        message = await anext(self._messages)
        self.token.MergeFrom(message.resume_token)
        return message

    async def changes_until_done(self, number: int) -> list[TaskChange]:
        """The changes up to the one that lets so many tasks have succeeded."""
        changes: list[TaskChange] = []
        while sum(change.state == DONE for change in changes) < number:
            changes += (await self.next()).changes.changes
        return changes

    async def states(self, number: int) -> list[enums_pb2.TaskState.ValueType]:
        """The states that tasks went to by the next changes."""
        states: list[enums_pb2.TaskState.ValueType] = []
        async with asyncio.timeout(10):
            while len(states) < number:
                states += [change.state for change in (await self.next()).changes.changes]
        return states

    def cancel(self) -> None:
        self._call.cancel()


async def test_a_watch_from_a_receipt_sees_all_that_follows(served: Served) -> None:
    answer = await served.tasks.LogTask(log_request("Ada"))
    watch = Watch(served, WatchTasksRequest(resume_token=answer.resume_token))
    states = [change.state for change in await watch.changes_until_done(1)]
    assert states == [enums_pb2.TASK_STATE_RUNNING, DONE]


async def test_positions_have_no_holes_and_a_resumed_watch_repeats_nothing(served: Served) -> None:
    watch = Watch(served)
    await watch.next()
    await served.tasks.LogTasks(LogTasksRequest(tasks=[person(f"p{i}") for i in range(50)]))
    seen = await watch.changes_until_done(20)
    watch.cancel()
    resumed = Watch(served, WatchTasksRequest(resume_token=watch.token))
    seen += await resumed.changes_until_done(50 - sum(change.state == DONE for change in seen))
    assert [change.position for change in seen] == list(range(1, 151))
    assert [change.sequence for change in seen if change.state == DONE] == list(range(1, 51))


async def test_a_snapshot_shows_each_task_once_and_changes_follow(served: Served) -> None:
    for part in (range(800), range(800, 1200)):
        await served.tasks.LogTasks(LogTasksRequest(tasks=[person(f"p{i}", "notified") for i in part]))
    watch = Watch(served, WatchTasksRequest(snapshot=True))
    tasks: list[task_pb2.Task] = []
    complete = False
    while not complete:
        message = await watch.next()
        assert bool(message.resume_token.positions) == message.snapshot.complete, "half a snapshot has no token"
        tasks += message.snapshot.tasks
        complete = message.snapshot.complete
    assert [task.sequence for task in tasks] == list(range(1, 1201))
    await served.tasks.LogTask(log_request("Bob"))
    assert (await watch.changes_until_done(1))[0].external_id == "Bob"


async def test_a_filter_lets_through_what_it_names(served: Served) -> None:
    task_filter = task_pb2.TaskFilter(states=[DONE], external_ids=["Bob"], connectors=["people"])
    watch = Watch(served, WatchTasksRequest(filter=task_filter))
    await watch.next()
    await served.tasks.LogTasks(LogTasksRequest(tasks=[person("Ada"), person("Bob"), person("Cy", "notified")]))
    changes = await watch.changes_until_done(1)
    assert [(change.external_id, change.state) for change in changes] == [("Bob", DONE)]


async def test_many_watchers_see_the_same(served: Served) -> None:
    watches = [Watch(served) for _ in range(20)]
    for watch in watches:
        await watch.next()
    await served.tasks.LogTasks(LogTasksRequest(tasks=[person(f"p{i}") for i in range(30)]))
    seen = await asyncio.gather(*(watch.changes_until_done(30) for watch in watches))
    assert all(changes == seen[0] for changes in seen)


@pytest.mark.parametrize(
    ("token", "path"),
    [
        (task_pb2.ResumeToken(store_id="other"), "resume_token.store_id"),
        (task_pb2.ResumeToken(positions={"people": 99}), "resume_token.positions[people]"),
        (task_pb2.ResumeToken(positions={"people": -1}), "resume_token.positions[people]"),
        (task_pb2.ResumeToken(positions={"nobody": 1}), "resume_token.positions[nobody]"),
    ],
)
async def test_a_token_that_cannot_be_is_refused(served: Served, token: task_pb2.ResumeToken, path: str) -> None:
    if not token.store_id:
        token.store_id = (await served.tasks.LogTask(log_request("Ada"))).resume_token.store_id
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await Watch(served, WatchTasksRequest(resume_token=token)).next()
    refusal = Refusal(caught.value)
    assert (refusal.code, refusal.reason, refusal.path) == ("INVALID_ARGUMENT", "RESUME_TOKEN_INVALID", path)


async def test_a_server_that_stops_ends_its_watches_with_a_reason(served: Served) -> None:
    watch = Watch(served)
    await watch.next()
    stopping = asyncio.create_task(served.app.stop())
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await watch.next()
    assert (Refusal(caught.value).code, Refusal(caught.value).reason) == ("UNAVAILABLE", "SERVER_DRAINING")
    await stopping


async def test_what_is_skipped_is_seen_although_nothing_else_happens(served: Served) -> None:
    """By a run that passes over it, and by an operator while no run is in progress."""
    watch = Watch(served)
    await watch.next()
    once = person("Ada")
    once.process_type = enums_pb2.PROCESS_TYPE_SKIP_ONCE
    await served.tasks.LogTask(LogTaskRequest(task=once))
    assert await watch.states(2) == [enums_pb2.TASK_STATE_PENDING, enums_pb2.TASK_STATE_SKIPPED]
    await served.connectors.PauseConnector(PauseConnectorRequest(name="people"))
    logged = await served.tasks.LogTask(log_request("Bob"))
    only = TaskSelection(task_ids=[logged.task.id])
    await served.tasks.SkipTasks(SkipTasksRequest(selection=only))
    assert await watch.states(2) == [enums_pb2.TASK_STATE_PENDING, enums_pb2.TASK_STATE_SKIPPED]
    await served.tasks.DeleteTasks(DeleteTasksRequest(selection=only))
    assert await watch.states(1) == [enums_pb2.TASK_STATE_DELETED]
