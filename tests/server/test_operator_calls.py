"""What operators do, through the client of a whole server: every call, rightly and wrongly."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from support.served import serve

from integrationbus.client import (
    AsyncClient,
    AttemptOutcome,
    ConnectorState,
    InvalidRequest,
    MissingKeyAction,
    NewTask,
    NotFound,
    NotifyOutcome,
    PreconditionFailed,
    PreparedObject,
    PreparedPart,
    ProcessType,
    RunState,
    SnapshotHandling,
    Switch,
    TaskChange,
    TaskDataType,
    TaskEffect,
    TaskState,
    TaskType,
)

CREATE = TaskType.CREATE_OBJECT
BAD = {"do": "raise"}


@pytest.fixture
async def client(database_url: str) -> AsyncIterator[AsyncClient]:
    """A client of a server with the connector "people", on each kind of database."""
    connectors = ["support.people:PeopleConnector"]
    async with serve(database_url, connectors) as served, AsyncClient(served.address, application="ops") as client:
        yield client


async def settled(client: AsyncClient, task_id: str) -> TaskState:
    """The state of a task, once it is neither in the line nor in hand."""
    async with client.watch(snapshot=True, task_ids=task_id) as changes:
        async for change in changes:
            if not change.state.is_in_line:
                return change.state
    raise AssertionError("a watch never ends")


async def test_a_task_can_wait_and_says_for_what(client: AsyncClient) -> None:
    wait = MissingKeyAction.WAIT
    logged = await client.log_task(
        "people",
        CREATE,
        {"name": "Ada", "boss_id": 9},
        external_id=1,
        missing_key=wait,
        key_wait_timeout=timedelta(hours=2),
    )
    assert await settled(client, logged.id) is TaskState.WAITING
    [task] = [item async for item in client.list_tasks(waiting_for_external_id=9)]
    assert task.id == logged.id
    assert [(key.object_type, key.external_id, key.attribute) for key in task.waiting_for] == [
        ("test.person", "9", "boss_id")
    ]
    assert task.wait_deadline is not None
    assert task.finished_at is not None
    assert task.wait_deadline - task.finished_at == timedelta(hours=2)
    async with client.watch(task_ids=logged.id, states=TaskState.SUCCEEDED) as changes:
        await client.log_task("people", CREATE, {"name": "Bob"}, external_id=9)
        assert isinstance(await anext(changes), TaskChange)


async def test_a_preview_says_what_would_happen_and_writes_nothing(client: AsyncClient) -> None:
    await client.log_task("people", CREATE, {"name": "Bob"}, external_id=9)
    logged = await client.log_task("people", CREATE, {"name": "Ada", "age": 30}, external_id=1)
    assert await settled(client, logged.id) is TaskState.SUCCEEDED
    preview = await client.preview_task("people", CREATE, {"name": "Ada", "age": 31, "boss_id": 9}, external_id=1)
    assert preview.result is not None
    assert (preview.result.effect, preview.problem) == (TaskEffect.UPDATED, None)
    fields = {item.name: (item.before, item.after, item.changes) for item in preview.fields}
    boss = await client.get_object("test.person", "Bob")
    assert fields == {"name": ("Ada", "Ada", False), "age": (30, 31, True), "boss_id": (None, boss.id, True)}
    assert [(key.attribute, key.external_id, key.internal_id) for key in preview.keys] == [("boss_id", "9", boss.id)]
    assert (await client.get_object("test.person", "Ada")).fields["age"] == 30
    assert len([task async for task in client.list_tasks()]) == 2


async def test_a_preview_of_what_would_fail_says_why(client: AsyncClient) -> None:
    missing = await client.preview_task("people", CREATE, {"name": "Ada", "boss_id": 9})
    assert missing.problem is not None
    assert (missing.problem.reason, missing.result) == ("KEY_NOT_FOUND", None)
    assert [(key.external_id, key.internal_id) for key in missing.keys] == [("9", None)]
    assert {item.name: (item.before, item.after) for item in missing.fields} == {
        "name": (None, "Ada"),
        "boss_id": (None, None),
    }
    broken = await client.preview_task("people", CREATE, BAD)
    assert broken.problem is not None
    assert (broken.problem.reason, broken.object_type, broken.fields) == ("CONNECTOR_FAILED", "", ())
    with pytest.raises(InvalidRequest) as refused:
        await client.preview_task("people", TaskType.CREATE_DOCUMENT, {"name": "Ada"})
    assert refused.value.field_violations[0].path == "task.site"
    with pytest.raises(NotFound):
        await client.preview_task("nobody", CREATE, {})


async def test_a_preview_says_that_the_task_would_wait_behind_another(client: AsyncClient) -> None:
    wait = MissingKeyAction.WAIT
    earlier = await client.log_task("people", CREATE, {"name": "Ada", "boss_id": 9}, external_id=1, missing_key=wait)
    assert await settled(client, earlier.id) is TaskState.WAITING
    preview = await client.preview_task("people", CREATE, {"name": "Ada"}, external_id=1)
    assert (preview.result, preview.problem is not None) == (None, True)
    later = await client.log_task("people", CREATE, {"name": "Ada"}, external_id=1)
    assert await settled(client, later.id) is TaskState.WAITING


async def test_a_snapshot_that_the_caller_prepared(client: AsyncClient) -> None:
    await client.log_task("people", CREATE, {"make": "role", "role_name": "admin"}, external_id="r1")
    roles = PreparedPart(
        "cms.userrole", [PreparedObject("cms.userrole", {"role_id": "r1"})], handling=SnapshotHandling.INCREMENTAL
    )
    user = PreparedObject("cms.user", {"user_name": "ada"}, parts=[roles])
    snapshot = TaskDataType.SNAPSHOT
    logged = await client.log_task("people", CREATE, user, data_type=snapshot)
    assert await settled(client, logged.id) is TaskState.SUCCEEDED
    task = await client.get_task(logged.id, with_payload=True)
    assert task.result is not None
    assert [(item.object_type, item.effect) for item in task.result.touched] == [("cms.userrole", TaskEffect.CREATED)]
    assert isinstance(task.payload, PreparedObject)
    assert task.payload.parts[0].handling is SnapshotHandling.INCREMENTAL


ROLES = PreparedPart("cms.userrole")
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("task", "path"),
    [
        (
            NewTask("people", CREATE, PreparedObject("cms.user", {}, external_id=1), data_type=TaskDataType.SNAPSHOT),
            "payload.object.external_id",
        ),
        (NewTask("people", CREATE, PreparedObject("cms.user", {}, parts=[ROLES])), "payload.object.parts"),
        (
            NewTask("people", TaskType.CREATE_DOCUMENT, {}, data_type=TaskDataType.SNAPSHOT, site="main"),
            "data_type",
        ),
        (NewTask("people", TaskType.ADD_TO_SITE, {}), "site"),
        (NewTask("people", TaskType.ADD_TO_SITE, {}, site="main", object_type="cms.site"), "task_type"),
        (NewTask("people", CREATE, {}, key_wait_timeout=timedelta(0)), "key_wait_timeout"),
        (
            NewTask("people", CREATE, {}, key_wait_timeout=HOUR, missing_key=MissingKeyAction.FAIL),
            "key_wait_timeout",
        ),
    ],
    ids=["main id", "parts", "page snapshot", "no site", "global", "no wait", "wait but fail"],
)
async def test_what_cannot_be_is_refused_by_its_field(client: AsyncClient, task: NewTask, path: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await client.log_tasks([task])
    assert refused.value.field_violations[0].path == f"tasks[0].{path}"


async def test_tasks_are_retried_skipped_and_deleted_with_who_and_why(client: AsyncClient) -> None:
    failed = await client.log_task("people", CREATE, BAD, process_type=ProcessType.SKIP_ON_ERROR)
    assert await settled(client, failed.id) is TaskState.FAILED
    counted = await client.retry_tasks(states=TaskState.FAILED, validate_only=True)
    assert (counted.affected, counted.not_affected) == (1, {})
    retried = await client.retry_tasks(task_ids=failed.id, reason="again")
    assert retried.resume_token is not None
    async with client.watch(since=retried.resume_token, states=TaskState.FAILED) as changes:
        change = await anext(changes)
    assert isinstance(change, TaskChange)
    assert change.attempt == 2
    skipped = await client.skip_tasks(task_ids=failed.id, reason="hopeless")
    assert skipped.affected == 1
    etag = (await client.get_task(failed.id)).etag
    assert (await client.delete_tasks(task_ids=failed.id, etag=etag)).affected == 1
    history = await client.task_history(failed.id)
    assert [attempt.outcome for attempt in history.attempts] == [AttemptOutcome.FAILED] * 2
    assert [(action.state, action.actor, action.reason) for action in history.actions] == [
        (TaskState.PENDING, "ops", "again"),
        (TaskState.SKIPPED, "ops", "hopeless"),
        (TaskState.DELETED, "ops", ""),
    ]


async def test_an_action_that_cannot_be_is_refused(client: AsyncClient) -> None:
    done = await client.log_task("people", CREATE, {"name": "Ada"})
    assert await settled(client, done.id) is TaskState.SUCCEEDED
    with pytest.raises(PreconditionFailed) as final:
        await client.retry_tasks(task_ids=done.id)
    assert final.value.reason == "TASK_FINAL"
    several = await client.skip_tasks(task_ids=[done.id, "unknown"])
    assert several.not_affected == {done.id: "TASK_FINAL", "unknown": "TASK_NOT_FOUND"}
    with pytest.raises(NotFound):
        await client.delete_tasks(task_ids="unknown")
    for wrong in ({}, {"task_ids": [done.id, "x"], "etag": "1"}):
        with pytest.raises(InvalidRequest):
            await client.delete_tasks(**wrong)  # type: ignore[arg-type] # wrong on purpose
    with pytest.raises(NotFound):
        await client.task_history("unknown")


async def test_a_run_is_cancelled(client: AsyncClient) -> None:
    await client.pause_connector("people")
    await client.log_task("people", CREATE, {"name": "Ada"})
    resumed = await client.resume_connector("people")
    assert resumed.run is not None
    ended = [run async for run in client.watch_run(resumed.run.id)][-1]
    with pytest.raises(PreconditionFailed) as refused:
        await client.cancel_run(ended.id, "too late")
    assert (refused.value.reason, ended.state) == ("RUN_ENDED", RunState.COMPLETED)
    with pytest.raises(NotFound):
        await client.cancel_run("unknown")


async def test_a_connector_that_is_switched_off_takes_nothing_and_runs_nothing(client: AsyncClient) -> None:
    await client.pause_connector("people")
    waiting = await client.log_task("people", CREATE, {"name": "Ada"}, request_id="r")
    await client.resume_connector("people")
    assert await settled(client, waiting.id) is TaskState.SUCCEEDED
    off = await client.disable_connector("people", "stocktaking")
    assert (off.state, off.problem, off.paused_by) == (ConnectorState.DISABLED, "stocktaking", "ops")
    with pytest.raises(PreconditionFailed) as refused:
        await client.log_task("people", CREATE, {"name": "Bob"})
    assert refused.value.reason == "CONNECTOR_DISABLED"
    again = await client.log_task("people", CREATE, {"name": "Ada"}, request_id="r")
    assert again.duplicate, "what was acknowledged stays so"
    [ticket] = await client.request_tasks_processing("people")
    assert ticket.outcome is NotifyOutcome.REFUSED_DISABLED
    on = await client.enable_connector("people")
    assert on.state is not ConnectorState.DISABLED
    assert (await client.log_task("people", CREATE, {"name": "Bob"})).sequence == 2


async def test_what_was_logged_before_gets_its_receipt_while_logging_is_off(client: AsyncClient) -> None:
    first = await client.log_task("people", CREATE, {"name": "Ada"}, request_id="r")
    await client.set_switch(Switch.LOGGING, on=False)
    again = await client.log_task("people", CREATE, {"name": "Ada"}, request_id="r")
    assert (again.id, again.duplicate) == (first.id, True)


async def test_a_connector_takes_new_tasks_after_the_one_that_halted_it_was_skipped(client: AsyncClient) -> None:
    bad = await client.log_task("people", CREATE, BAD)
    assert await settled(client, bad.id) is TaskState.FAILED
    await client.skip_tasks(task_ids=bad.id)
    good = await client.log_task("people", CREATE, {"name": "Ada"})
    assert await settled(client, good.id) is TaskState.SUCCEEDED


async def test_a_task_that_waits_no_longer_has_no_deadline(client: AsyncClient) -> None:
    wait, limit = MissingKeyAction.WAIT, timedelta(minutes=1)
    logged = await client.log_task(
        "people", CREATE, {"name": "Ada", "boss_id": 9}, missing_key=wait, key_wait_timeout=limit
    )
    assert await settled(client, logged.id) is TaskState.WAITING
    await client.skip_tasks(task_ids=logged.id)
    task = await client.get_task(logged.id)
    assert (task.wait_deadline, list(task.waiting_for)) == (None, [])


async def test_previews_outlive_a_connector_that_misbehaves(client: AsyncClient) -> None:
    previews = [await client.preview_task("people", CREATE, {"do": do}) for do in ("exit", "none", "wrong")]
    reasons = [preview.problem.reason for preview in previews if preview.problem]
    assert reasons == ["CONNECTOR_FAILED", "WRONG_OBJECT", "WRONG_OBJECT"]


@pytest.mark.parametrize("switch", list(Switch), ids=lambda switch: switch.name)
async def test_the_switches_of_the_bus_stop_what_they_say(client: AsyncClient, switch: Switch) -> None:
    state = await client.set_switch(switch, on=False, reason="a test")
    assert (state.on, state.changed_by, state.reason) == (False, "ops", "a test")
    assert [item.switch for item in await client.list_switches() if not item.on] == [switch]
    if switch is Switch.PROCESSING:
        await client.log_task("people", CREATE, {"name": "Ada"})
    else:
        with pytest.raises(PreconditionFailed) as refused:
            await client.log_task("people", CREATE, {"name": "Ada"})
        assert refused.value.reason == "LOGGING_OFF"
    [ticket] = await client.request_tasks_processing("people")
    expected = NotifyOutcome.STARTED if switch is Switch.LOGGING else NotifyOutcome.REFUSED_DISABLED
    assert ticket.outcome is expected
    await client.set_switch(switch, on=True)
    if switch is not Switch.PROCESSING:
        await client.log_task("people", CREATE, {"name": "Ada"})
    [task] = [task async for task in client.list_tasks()]
    assert await settled(client, task.id) is TaskState.SUCCEEDED, "what waited goes on by itself"
