"""The command line, against a real server."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.cli import Run, command_line
from typer.testing import CliRunner

from integrationbus.server.cli.commands import app

LOST = "support.nowhere:LostConnector"


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Run]:
    """Runs a command against a server of this test."""
    async with command_line(tmp_path, ["support.people:PeopleConnector", LOST]) as invoke:
        yield invoke


async def test_a_task_is_logged_and_followed_to_its_end(run: Run) -> None:
    result = await run("log", "people", "create-object", "--record", '{"name": "Ada"}', "--external-id", "1", "--wait")
    assert result.exit_code == 0, result.output
    assert "SUCCEEDED" in result.output
    found = await run("objects", "get", "test.person", "1", "--by", "external-id", "--connector", "people", "--json")
    assert json.loads(found.stdout)["fields"]["name"] == "Ada"
    listed = await run("objects", "list", "test.person")
    assert "Ada" in listed.output


async def test_a_task_that_fails_ends_with_its_error_and_one(run: Run) -> None:
    result = await run("log", "people", "create-object", "--record", '{"do": "raise"}', "--wait")
    assert result.exit_code == 1
    assert "CONNECTOR_FAILED" in result.stderr
    assert "no such luck" in result.stderr
    shown = await run("connectors")
    assert "HALTED" in shown.output
    notified = await run("notify", "people")
    assert (notified.exit_code, "REFUSED_HALTED" in notified.output) == (1, True)
    resumed = await run("connectors", "resume", "people", "--head", "delete")
    assert resumed.exit_code == 0
    tasks = await run("tasks", "--json")
    assert [task["state"] for task in json.loads(tasks.stdout)] == ["DELETED"]


async def test_programs_get_a_row_on_a_line_however_wide(run: Run) -> None:
    logged = await run("log", "people", "create-object", "--record", '{"do": "raise"}', "--wait", "--json")
    [task_id] = {json.loads(line)["id"] for line in logged.stdout.splitlines()}
    listed = await run("tasks", env={"COLUMNS": "40"})
    [row] = [line for line in listed.stdout.splitlines() if task_id in line]
    assert "no such luck" in row


async def test_a_file_of_lines_is_logged_and_processed_by_notify(run: Run, tmp_path: Path) -> None:
    lines = tmp_path / "people.jsonl"
    lines.write_text("".join(f'{{"name": "p{number}"}}\n' for number in range(10)))
    await run("connectors", "pause", "people", "--reason", "later")
    logged = await run("log", "people", "create-object", "--lines", str(lines), "--id-field", "name", "--json")
    assert json.loads(logged.stdout)["logged"] == 10
    await run("connectors", "resume", "people")
    result = await run("notify", "people", "--wait", "--json")
    [answer] = json.loads(result.stdout)
    assert answer["run"]["state"] == "COMPLETED"
    watched = await run("watch", "--snapshot", "--state", "succeeded", "--count", "10", "--json")
    seen = [json.loads(line) for line in watched.stdout.splitlines()]
    assert [item["task"]["external_id"] for item in seen] == [f"p{number}" for number in range(10)]
    stats = await run("connectors", "stats", "people", "--json")
    assert json.loads(stats.stdout)["counts"]["succeeded"] == 10


async def test_lines_from_standard_input(run: Run) -> None:
    result = await run("log", "people", "create-object", "--lines", "-", stdin='{"name": "Ada"}\n\n{"name": "Bob"}\n')
    assert (result.exit_code, result.output) == (0, "2 tasks logged\n")


async def test_a_bad_line_says_how_much_was_logged_before_it(run: Run) -> None:
    await run("connectors", "pause", "people")
    lines = "".join(f'{{"name": "p{number}"}}\n' for number in range(600))
    command = ("log", "people", "create-object", "--lines", "-", "--id-field", "name")
    for bad, says in (("{", "line 601 is not JSON"), ("{}", "line 601 has no name")):
        result = await run(*command, stdin=lines + bad)
        assert result.exit_code == 2
        assert says in result.stderr
        assert "500 tasks were stored before" in result.stderr


async def test_lines_go_through_a_stream_and_the_command_goes_on_where_it_was(run: Run, tmp_path: Path) -> None:
    lines = tmp_path / "people.jsonl"
    lines.write_text('{"name": "p1"}\n{"name": "p2"}\n')
    command = ("log", "people", "create-object", "--lines", str(lines), "--id-field", "name", "--stream-id", "people")
    first = await run(*command)
    assert (first.exit_code, first.output) == (0, "2 tasks logged, 0 rejected; 2 lines settled\n")
    with lines.open("a") as more:
        more.write('{"name": "p3"}\n\n')
    again = await run(*command, "--json")
    assert again.exit_code == 0
    assert {**json.loads(again.stdout), "resume_token": ""} == {"logged": 1, "rejected": [], "resume_token": ""}
    tasks = await run("tasks", "--json")
    assert [task["external_id"] for task in json.loads(tasks.stdout)] == ["p3", "p2", "p1"]


async def test_lines_that_cannot_be_stored_are_listed_and_the_others_go_on(run: Run) -> None:
    long = "x" * 300
    stdin = f'{{"name": "p1"}}\n{{"name": "{long}"}}\n{{"name": "p3"}}\n'
    command = ("log", "people", "create-object", "--lines", "-", "--id-field", "name", "--stream-id", "s")
    result = await run(*command, stdin=stdin)
    assert result.exit_code == 1
    assert result.stderr.startswith("line 2: INVALID_FIELD: external_id: is 300 bytes long")
    assert result.stdout == "2 tasks logged, 1 rejected; 3 lines settled\n"
    again = await run(*command, "--json", stdin=stdin)
    assert again.exit_code == 1, "whoever lost the first answer has to hear of it"
    answer = json.loads(again.stdout)
    assert (answer["logged"], [each["number"] for each in answer["rejected"]]) == (0, [2])


@pytest.mark.parametrize(
    ("line", "says"), [("{", "line 3 is not JSON"), ("\n{}", "line 3 is empty; with --stream-id each line is a task")]
)
async def test_a_line_that_is_no_task_ends_a_stream_which_goes_on_there(run: Run, line: str, says: str) -> None:
    command = ("log", "people", "create-object", "--lines", "-", "--stream-id", "s")
    good = '{"name": "p1"}\n{"name": "p2"}\n'
    result = await run(*command, stdin=good + line)
    assert result.exit_code == 2
    assert says in result.stderr
    assert "the stream 's' is settled up to task" in result.stderr
    assert (await run(*command, stdin=good + '{"name": "p3"}\n')).exit_code == 0
    tasks = await run("tasks", "--json")
    assert len(json.loads(tasks.stdout)) == 3


async def test_lines_are_utf_8_whatever_marks_and_ends_them(run: Run, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    words = ("log", "people", "create-object", "--lines", str(pipe))
    _, logged = await asyncio.gather(
        asyncio.to_thread(pipe.write_bytes, '\ufeff{"name": "Žofie"}\r\n{"name": "Ada"}\r\n'.encode()),
        run(*words, env={"LC_ALL": "C"}),
    )
    assert (logged.exit_code, logged.stdout) == (0, "2 tasks logged\n")
    await run("notify", "people", "--wait")
    assert "Žofie" in (await run("objects", "list", "test.person")).output
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(b'{"name": "x"}\n{"name": "\xff"}\n')
    refused = await run(*words[:-1], str(bad))
    assert (refused.exit_code, "line 2 is not UTF-8" in refused.stderr) == (2, True), refused.output


async def test_enumerations_explain_themselves(run: Run) -> None:
    assert "halts the connector" in (await run("enums", "ProcessType")).output
    assert "TaskState" in (await run("enums")).output
    assert (await run("enums", "Colour")).exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["log", "nobody", "create-object", "--record", "{}"], 1, "CONNECTOR_NOT_FOUND"),
        (["log", "people", "paint-object", "--record", "{}"], 2, "create-object"),
        (["log", "people", "create-object", "--record", "{"], 2, "not JSON"),
        (["log", "people", "create-object", "--record", "[]"], 2, "JSON object"),
        (["log", "people", "create-object"], 2, "--record"),
        (["log", "people", "create-object", "--lines", "/nonexistent"], 2, "does not exist"),
        (["log", "people", "create-object", "--lines", "/"], 2, "is a directory"),
        (["log", "people", "create-object", "--lines", "-", "--wait"], 2, "not for --lines"),
        (["log", "people", "create-object", "--lines", "-", "--external-id", "1"], 2, "not for --lines"),
        (["log", "people", "create-object", "--lines", "-", "--request-id", "r"], 2, "not for --lines"),
        (["log", "people", "create-object", "--record", "{}", "--id-field", "x"], 2, "goes with --lines"),
        (["log", "people", "create-object", "--record", "{}", "--stream-id", "x"], 2, "goes with --lines"),
        (["log", "people", "create-object", "--record", "{}", "--content-type", "a/b"], 2, "goes with --file"),
        (["log", "people", "create-object", "--record", "{}", "--label", "x"], 2, "name=value"),
        (["tasks", "show", "nothing"], 1, "TASK_NOT_FOUND"),
        (["objects", "get", "test.person", "x", "--by", "id"], 2, "no id"),
        (["connectors", "resume", LOST], 1, "CONNECTOR_UNHEALTHY"),
        (["watch", "--since", "nonsense"], 1, "resume token"),
    ],
)
async def test_what_cannot_be_done_says_why(run: Run, arguments: list[str], code: int, says: str) -> None:
    result = await run(*arguments)
    assert result.exit_code == code, result.output
    assert says in result.stderr


def test_without_a_server_the_command_says_how_to_start_one() -> None:
    result = CliRunner().invoke(app, ["connectors", "--server", "127.0.0.1:1"])
    assert result.exit_code == 3
    assert "integrationbus serve" in result.stderr


@pytest.mark.parametrize("server", ["", "127.0.0.1", "http://127.0.0.1:1", "127.0.0.1:99999", "::1:1"])
def test_what_is_no_address_of_a_server_is_wrong_usage(server: str) -> None:
    for words in (("tasks",), ("tasks", "show", "t"), ("info",)):
        result = CliRunner().invoke(app, [*words, "--server", server], env={"COLUMNS": "200"})
        assert (result.exit_code, "is not HOST:PORT" in result.stderr) == (2, True), result.output


@pytest.mark.parametrize("server", ["[::1]:1", "localhost:1", "dns:///localhost:1", "unix:/nonexistent"])
def test_every_address_that_grpc_knows_is_asked(server: str) -> None:
    assert CliRunner().invoke(app, ["info", "--server", server]).exit_code == 3


@pytest.mark.parametrize(
    "command", ["", "log", "watch", "notify", "tasks", "connectors", "enums", "objects", "db", "serve"]
)
def test_every_command_has_help(command: str) -> None:
    result = CliRunner().invoke(app, [*command.split(), "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--listen", "0.0.0.0:1"], "loopback"),
        (
            ["--listen", "127.0.0.1:99999"],
            "(INTEGRATIONBUS_LISTEN): must be HOST:PORT with a port from 0 to 65535",
        ),
        (["--listen", "127.0.0.1"], "must be HOST:PORT"),
        (["--listen", "127.0.0.1:http"], "must be HOST:PORT"),
        (["--listen", "::1:50051"], "must be HOST:PORT"),
        (["--listen", "nonsense"], "must be HOST:PORT"),
        (["--database-url", "mysql://x/y"], "sqlite or postgresql"),
        (["--database-url", "nonsense"], "must be a URL"),
    ],
)
def test_a_server_with_impossible_settings_does_not_start(arguments: list[str], says: str, tmp_path: Path) -> None:
    database = ["--database-url", f"sqlite:///{tmp_path / 'bus.db'}"] if "--database-url" not in arguments else []
    result = CliRunner().invoke(app, ["serve", *database, *arguments])
    assert result.exit_code == 1
    assert says in result.stderr
