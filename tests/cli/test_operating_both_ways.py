"""What an operator does in the middle of things, through the Python client and through the command line."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from support.cli import commands_against
from support.people import PeopleConnector
from support.served import Served, serve

from integrationbus.client import AsyncClient, NewTask, PreconditionFailed, Run, RunState, TaskState, TaskType

WAYS = pytest.mark.parametrize("way", ["client", "command"])


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """A server with the connector "people"."""
    async with serve(f"sqlite:///{tmp_path / 'bus.db'}", ["support.people:PeopleConnector"]) as running:
        yield running


@pytest.fixture
async def client(served: Served) -> AsyncIterator[AsyncClient]:
    """A client of that server."""
    async with AsyncClient(served.address, application="ops") as client:
        yield client


async def in_hand(served: Served, client: AsyncClient, go_on: threading.Event) -> Run:
    """A run that is in its first task of many until the event is set."""
    begun = threading.Event()
    people = cast(PeopleConnector, served.app.registry.get("people").connector)
    prepare = people.prepare_internal_object

    def slowly(*arguments: object) -> object:
        begun.set()
        assert go_on.wait(30)
        return prepare(*arguments)  # type: ignore[arg-type] # passed on as they came

    people.prepare_internal_object = slowly  # type: ignore[method-assign,assignment] # one instance
    await client.pause_connector("people")
    await client.log_tasks(NewTask("people", TaskType.CREATE_OBJECT, {"name": f"p{number}"}) for number in range(50))
    run = (await client.resume_connector("people")).run
    assert run is not None
    assert await asyncio.to_thread(begun.wait, 30)
    return run


async def until_on_record(client: AsyncClient, run_id: str) -> Run:
    """The run, once its cancellation is on record."""
    async with asyncio.timeout(30):
        while True:
            run = await client.get_run(run_id)
            if run.cancelled_by:
                return run


@WAYS
async def test_a_run_that_is_going_on_is_cancelled(served: Served, client: AsyncClient, way: str) -> None:
    go_on = threading.Event()
    try:
        run = await in_hand(served, client, go_on)
        cancelling: asyncio.Future[Any]
        if way == "client":
            cancelling = asyncio.ensure_future(client.cancel_run(run.id, "too early"))
        else:
            words = ("runs", "cancel", run.id, "--reason", "too early", "--json")
            cancelling = asyncio.ensure_future(commands_against(served.address)(*words))
        assert (await until_on_record(client, run.id)).state is RunState.RUNNING, "the batch in hand comes first"
        assert not cancelling.done()
    finally:
        go_on.set()
    answer = await cancelling
    ended = await client.get_run(run.id)
    assert (ended.state, ended.cancel_reason) == (RunState.CANCELLED, "too early")
    assert ended.counts.succeeded == 50 - ended.remaining < 50
    if way == "client":
        assert (answer, ended.cancelled_by) == (ended, "ops")
    else:
        told = json.loads(answer.stdout)
        assert (answer.exit_code, told["id"], told["state"]) == (0, run.id, "CANCELLED")
        assert ended.cancelled_by.startswith("cli:")
    [ticket] = await client.request_tasks_processing("people")
    assert ticket.run is not None
    *_, next_run = [each async for each in client.watch_run(ticket.run.id)]
    assert (next_run.state, next_run.remaining) == (RunState.COMPLETED, 0)


@WAYS
@pytest.mark.parametrize("verb", ["retry", "skip", "delete"])
async def test_a_task_that_has_changed_since_it_was_read_is_left_alone(
    served: Served, client: AsyncClient, way: str, verb: str
) -> None:
    run = commands_against(served.address)
    await client.pause_connector("people")
    logged = await client.log_task("people", TaskType.CREATE_OBJECT, {"name": "Ada"})
    old = json.loads((await run("tasks", "show", logged.id, "--json")).stdout)["etag"]
    await client.skip_tasks(task_ids=logged.id, reason="another operator was faster")
    if way == "client":
        methods = {"retry": client.retry_tasks, "skip": client.skip_tasks, "delete": client.delete_tasks}
        with pytest.raises(PreconditionFailed) as refused:
            await methods[verb](task_ids=logged.id, etag=old)
        assert refused.value.reason == "ETAG_MISMATCH"
    else:
        result = await run("tasks", verb, logged.id, "--etag", old)
        assert (result.exit_code, "ETAG_MISMATCH" in result.stderr) == (1, True)
    task = await client.get_task(logged.id)
    assert task.state is TaskState.SKIPPED
    assert (await run("tasks", verb, logged.id, "--etag", task.etag)).exit_code == 0
