"""How attempts end, at which stage they fail, and what clients are told of both."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock
from support.deadly import DEADLY
from support.served import serve

from integrationbus.client import (
    AsyncClient,
    AttemptOutcome,
    HeadAction,
    MissingKeyAction,
    NewTask,
    ProcessType,
    RunState,
    RunTrigger,
    TaskStage,
    TaskState,
    TaskType,
)
from integrationbus.examples.iso3166.v1.country_pb2 import Country

CREATE = TaskType.CREATE_OBJECT
TESTS = Path(__file__).parents[1]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[AsyncClient]:
    """A client of a server with a connector that works at once, and one that waits for a notify."""
    connectors = ["support.people:PeopleConnector", "support.people:NotifiedConnector"]
    async with (
        serve(f"sqlite:///{tmp_path / 'bus.db'}", connectors) as served,
        AsyncClient(served.address, application="tests") as client,
    ):
        yield client


async def wait_for(client: AsyncClient, task_id: str, state: TaskState) -> None:
    """Return when a task is in a state."""
    async with client.watch(snapshot=True, task_ids=task_id, states=state) as changes:
        await anext(changes)


async def outcomes(client: AsyncClient, task_id: str) -> list[AttemptOutcome | None]:
    """How the attempts at a task ended, the oldest first."""
    return [attempt.outcome for attempt in (await client.task_history(task_id)).attempts]


async def test_a_task_that_waited_and_then_succeeded_says_so(client: AsyncClient) -> None:
    wait = MissingKeyAction.WAIT
    ada = await client.log_task("people", CREATE, {"name": "Ada", "boss_id": 9}, missing_key=wait)
    await wait_for(client, ada.id, TaskState.WAITING)
    [attempt] = (await client.task_history(ada.id)).attempts
    assert attempt.outcome is AttemptOutcome.WAITING
    assert attempt.ended_at is not None
    assert attempt.error is not None
    assert (attempt.error.reason, attempt.error.stage) == ("KEY_NOT_FOUND", TaskStage.TRANSLATE)
    await client.log_task("people", CREATE, {"name": "Bob"}, external_id=9)
    await wait_for(client, ada.id, TaskState.SUCCEEDED)
    [_, second] = (await client.task_history(ada.id)).attempts
    assert (second.number, second.outcome, second.error) == (2, AttemptOutcome.SUCCEEDED, None)
    run = await client.get_run(second.run_id)
    assert run.counts.succeeded >= 1, "an attempt names the run that made it"


async def test_what_was_taken_along_with_a_task_that_halts_is_released_without_blame(client: AsyncClient) -> None:
    # Batches grow: of 1, of 2, and the third has room for the task that fails and those behind it.
    tasks = [NewTask("notified", CREATE, {"name": f"p{number}"}) for number in range(3)]
    bad = NewTask("notified", CREATE, {"do": "raise"})
    behind = [NewTask("notified", CREATE, {"name": f"q{number}"}) for number in range(2)]
    await client.log_tasks([*tasks, bad, *behind])
    ids = [task.id async for task in client.list_tasks(connectors="notified")]
    [ticket] = await client.request_tasks_processing("notified")
    assert ticket.run is not None
    [*_, ended] = [run async for run in client.watch_run(ticket.run.id)]
    assert (ended.state.name, ended.halted_by) == ("HALTED", ids[3])
    for task_id in ids[4:]:
        assert await outcomes(client, task_id) == [AttemptOutcome.RELEASED]
        task = await client.get_task(task_id)
        assert (task.state, task.last_error, task.blocked_by) == (TaskState.PENDING, None, ids[3])
    await client.resume_connector("notified", HeadAction.SKIP)
    await wait_for(client, ids[5], TaskState.SUCCEEDED)
    assert await outcomes(client, ids[3]) == [AttemptOutcome.FAILED]
    assert await outcomes(client, ids[4]) == [AttemptOutcome.RELEASED, AttemptOutcome.SUCCEEDED]


@pytest.mark.parametrize(
    ("stage", "reason", "fields"),
    [
        (TaskStage.PREPARE, "CONNECTOR_FAILED", {"do": "raise"}),
        (TaskStage.TRANSLATE, "KEY_NOT_FOUND", {"name": "Ada", "boss_id": 9}),
        (TaskStage.APPLY, "TARGET_REFUSED", {"name": "x" * 51}),
    ],
    ids=["PREPARE", "TRANSLATE", "APPLY"],
)
async def test_an_error_names_the_stage_that_it_comes_from(
    client: AsyncClient, stage: TaskStage, reason: str, fields: dict[str, object]
) -> None:
    logged = await client.log_task("people", CREATE, fields, process_type=ProcessType.SKIP_ON_ERROR)
    await wait_for(client, logged.id, TaskState.FAILED)
    await check_failure(client, logged.id, stage, reason)


async def check_failure(client: AsyncClient, task_id: str, stage: TaskStage, reason: str) -> None:
    """A task, and its first attempt, say where it failed and why."""
    error = (await client.get_task(task_id)).last_error
    assert error is not None
    assert (error.stage, error.reason) == (stage, reason)
    [first, *_] = (await client.task_history(task_id)).attempts
    assert (first.outcome, first.error and first.error.stage) == (AttemptOutcome.FAILED, stage)


async def test_a_payload_that_the_connector_takes_no_longer_fails_at_the_stage_decode(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bus.db'}"
    earlier, later = "support.shop:ShopConnector", "support.shop:RenewedShopConnector"
    async with serve(url, [earlier]) as served, AsyncClient(served.address, application="tests") as client:
        logged = await client.log_task("shop", CREATE, Country(name="Malta"))
    async with serve(url, [later]) as served, AsyncClient(served.address, application="tests") as client:
        await client.request_tasks_processing("shop")
        await wait_for(client, logged.id, TaskState.FAILED)
        await check_failure(client, logged.id, TaskStage.DECODE, "PAYLOAD_UNDECODABLE")


async def test_an_attempt_during_which_the_process_died_is_crashed(tmp_path: Path) -> None:
    url, connector = f"sqlite:///{tmp_path / 'bus.db'}", "support.deadly:DeadlyConnector"
    with Workbench(url, ManualClock(), [connector]) as bench:
        deadly, other = bench.log(*(new_task({"name": name}, connector="deadly") for name in "ab"))
    environment = {
        **os.environ,
        "INTEGRATIONBUS_DATABASE_URL": url,
        "INTEGRATIONBUS_LISTEN": "127.0.0.1:0",
        "INTEGRATIONBUS_CONNECTORS": connector,
        "INTEGRATIONBUS_USE_ENTRY_POINTS": "false",
        "PYTHONPATH": os.pathsep.join([*sys.path, str(TESTS)]),
        DEADLY: "yes",
    }
    command = [sys.executable, "-m", "integrationbus.server.cli", "serve"]
    died = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, timeout=50)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    async with serve(url, [connector]) as served, AsyncClient(served.address, application="tests") as client:
        await wait_for(client, other, TaskState.SUCCEEDED)
        assert await outcomes(client, deadly) == [AttemptOutcome.CRASHED, AttemptOutcome.SUCCEEDED]
        assert await outcomes(client, other) == [AttemptOutcome.SUCCEEDED]
        [second, first] = [run async for run in client.list_runs("deadly")]
        [*_, ended] = [run async for run in client.watch_run(second.id)]
    assert (first.trigger, first.state) == (RunTrigger.STARTUP, RunState.INTERRUPTED)
    assert (ended.trigger, ended.state) == (RunTrigger.STARTUP, RunState.COMPLETED)
