"""Acting from the command line: tasks, runs, switches, connectors, previews."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.cli import Run, command_line

BAD = ("log", "people", "create-object", "--record", '{"do": "raise"}', "--process-type", "skip-on-error")


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Run]:
    """Runs a command against a server of this test."""
    async with command_line(tmp_path, ["support.people:PeopleConnector"]) as invoke:
        yield invoke


async def logged(run: Run, *arguments: str) -> str:
    """The id of a task that was logged and waited for."""
    result = await run(*arguments, "--wait", "--json")
    return str(json.loads(result.stdout)["id"])


async def test_tasks_are_acted_upon_by_id_and_their_history_is_told(run: Run) -> None:
    task_id = await logged(run, *BAD)
    retried = await run("tasks", "retry", task_id, "--reason", "again")
    assert (retried.exit_code, retried.output) == (0, "1 task called\n")
    await run("watch", "--snapshot", "--task-id", task_id, "--state", "failed", "--count", "1")
    skipped = await run("tasks", "skip", task_id, "--json")
    assert json.loads(skipped.stdout)["affected"] == 1
    history = await run("tasks", "history", task_id)
    for text in ("attempt 1: FAILED", "operator: PENDING", "again", "operator: SKIPPED"):
        assert text in history.output
    told = json.loads((await run("tasks", "history", task_id, "--json")).stdout)
    assert [item["outcome"] for item in told["attempts"]] == ["FAILED", "FAILED"]


async def test_a_selection_is_asked_about_unless_told_not_to(run: Run) -> None:
    for _ in range(3):
        await logged(run, *BAD)
    counted = await run("tasks", "delete", "--state", "failed", "--dry-run")
    assert counted.output == "3 tasks would be deleted\n"
    asked = await run("tasks", "delete", "--state", "failed", stdin="n\n")
    assert (asked.exit_code, "Delete 3 tasks?" in asked.output) == (1, True)
    deaf = await run("tasks", "delete", "--state", "failed")
    assert (deaf.exit_code, "--yes" in deaf.stderr) == (1, True)
    done = await run("tasks", "delete", "--connector", "people", "--state", "failed", "--yes")
    assert done.output == "3 tasks deleted\n"
    nothing = await run("tasks", "delete", "--state", "failed")
    assert (nothing.exit_code, "no task matches" in nothing.stderr) == (1, True)


async def test_what_cannot_be_acted_upon_is_listed(run: Run) -> None:
    done = await logged(run, "log", "people", "create-object", "--record", '{"name": "Ada"}')
    result = await run("tasks", "delete", done, "unknown")
    assert (result.exit_code, f"{done}: TASK_FINAL" in result.stderr) == (1, True)
    assert (await run("tasks", "delete")).exit_code == 2
    assert (await run("tasks", "delete", done, "--connector", "people")).exit_code == 2


async def test_waiting_tasks_say_for_what_they_wait(run: Run) -> None:
    record = '{"name": "Ada", "boss_id": 9}'
    await run("log", "people", "create-object", "--record", record, "--missing-key", "wait")
    await run("notify", "people", "--wait")
    listed = json.loads((await run("tasks", "--waiting-for", "9", "--json")).stdout)
    assert [key["external_id"] for key in listed[0]["waiting_for"]] == ["9"]
    table = await run("connectors", "--json")
    assert json.loads(table.stdout)[0]["counts"]["waiting"] == 1


async def test_a_preview_shows_the_columns_and_what_is_wrong(run: Run) -> None:
    good = await run("preview", "people", "create-object", "--record", '{"name": "Ada", "age": 3}')
    assert good.exit_code == 0
    for text in ("test.person", "CREATED", "name", "Ada", "changes"):
        assert text in good.output
    bad = await run("preview", "people", "create-object", "--record", '{"name": "Ada", "boss_id": 9}')
    assert (bad.exit_code, "KEY_NOT_FOUND" in bad.output) == (1, True)
    assert json.loads((await run("tasks", "--json")).stdout) == []
    assert (await run("preview", "people", "create-object")).exit_code == 2


async def test_runs_are_listed_and_cannot_be_cancelled_twice(run: Run) -> None:
    await logged(run, *BAD)
    [newest, *_] = json.loads((await run("runs", "--connector", "people", "--json")).stdout)
    cancelled = await run("runs", "cancel", newest["id"], "--reason", "no")
    assert (cancelled.exit_code, "RUN_ENDED" in cancelled.stderr) == (1, True)
    assert "people" in (await run("runs")).output


@pytest.mark.parametrize("switch", ["bus", "logging", "processing"])
async def test_switches_are_turned_and_listed(run: Run, switch: str) -> None:
    assert (await run("switches", "off", switch, "--reason", "a test")).output == f"{switch} is off\n"
    states = json.loads((await run("switches", "--json")).stdout)
    assert [state["switch"].lower() for state in states if not state["on"]] == [switch]
    assert "a test" in (await run("switches")).output
    assert (await run("switches", "on", switch)).output == f"{switch} is on\n"


async def test_a_connector_is_switched_off_and_on(run: Run) -> None:
    assert (await run("connectors", "disable", "people", "--reason", "x")).output == "people is DISABLED\n"
    refused = await run("log", "people", "create-object", "--record", "{}")
    assert (refused.exit_code, "CONNECTOR_DISABLED" in refused.stderr) == (1, True)
    enabled = await run("connectors", "enable", "people")
    assert (enabled.exit_code, enabled.output.startswith("people is "), "DISABLED" in enabled.output) == (
        0,
        True,
        False,
    )
