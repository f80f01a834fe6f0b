"""What people see on a terminal: what fits, what is shown as it is, and what is said at the end."""

import asyncio
import os
import re
import shlex
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from enum import IntEnum
from pathlib import Path

import grpc
import pytest
import typer
from support.cli import Run, commands_against
from support.scripted_bus import Refuse, ScriptedBus
from support.served import Served, serve
from typer.testing import CliRunner

from integrationbus.client import Client, ResumeToken, TaskDataType, Unavailable
from integrationbus.server.cli.commands import app
from integrationbus.server.cli.go_on import saying_how_to_go_on
from integrationbus.v1 import task_pb2
from integrationbus.v1.task_service_pb2 import Checkpoint, WatchTasksResponse

NARROW = {"TTY_COMPATIBLE": "1", "TTY_INTERACTIVE": "0", "COLUMNS": "80", "NO_COLOR": "1", "TERM": "xterm"}


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """A server with the connector "people"."""
    async with serve(f"sqlite:///{tmp_path / 'bus.db'}", ["support.people:PeopleConnector"]) as running:
        yield running


@pytest.fixture
def run(served: Served) -> Run:
    """Runs a command against that server."""
    return commands_against(served.address)


async def log(run: Run, record: str, *options: str) -> None:
    result = await run("log", "people", "create-object", "--record", record, *options)
    assert result.exit_code in (0, 1), result.output


async def test_a_row_of_tasks_is_a_few_lines_on_a_narrow_terminal(run: Run) -> None:
    await log(run, '{"do": "raise"}', "--external-id", "customer-1", "--wait")
    await log(run, '{"name": "Bob"}', "--external-id", "customer-2")
    listed = await run("tasks", env=NARROW)
    rows = re.split(r"│ people", listed.output)[1:]
    assert len(rows) == 2, listed.output
    assert max(row.count("\n") for row in rows) <= 4, listed.output
    assert max(map(len, listed.output.splitlines())) <= 80
    assert "no such luck" not in listed.output, "the reason is enough here, `tasks show` has the rest"
    assert "FAILED" in listed.output
    wide = await run("tasks", env={**NARROW, "COLUMNS": "180"})
    assert "CONNECTOR_FAILED" in wide.output
    assert "waits behind a halt" in wide.output
    assert "attempts" in wide.output


async def test_brackets_in_what_others_wrote_are_shown_as_they_are(run: Run) -> None:
    odd = "[/x][red]a[/]"
    await log(run, f'{{"name": "{odd}"}}', "--external-id", odd, "--wait")
    for words in (
        ("tasks",),
        ("watch", "--snapshot", "--count", "1"),
        ("objects", "list", "test.person"),
        ("preview", "people", "update-object", "--record", f'{{"name": "{odd}"}}'),
        ("log", "people", "create-object", "--record", '{"name": "b"}', "--title", odd, "--wait"),
    ):
        result = await run(*words)
        assert (result.exit_code, odd in result.output) == (0, True), (words, result.output, result.exception)
    assert (await run("connectors", "pause", "people", "--reason", odd)).exit_code == 0
    assert (await run("switches", "off", "logging", "--reason", odd)).exit_code == 0
    assert odd in (await run("connectors")).output
    assert odd in (await run("switches")).output


async def test_a_deletion_without_a_payload_says_what_it_needs(run: Run) -> None:
    for command in ("log", "preview"):
        result = await run(command, "people", "delete-object", "--external-id", "1")
        assert (result.exit_code, "for a deletion too" in result.stderr) == (2, True), result.output


async def test_a_resume_says_that_there_was_no_head_to_act_on(run: Run) -> None:
    for head in ("skip", "delete"):
        result = await run("connectors", "resume", "people", "--head", head)
        assert (result.exit_code, result.stderr) == (0, f"people was not halted, so that there was no task to {head}\n")
    assert (await run("connectors", "resume", "people")).stderr == ""


async def test_one_run_and_the_server_are_shown(run: Run) -> None:
    await log(run, '{"name": "Ada"}', "--wait")
    run_id = re.findall(r"[0-9a-f-]{36}", (await run("runs")).output)[0]
    shown = await run("runs", "show", run_id)
    assert (shown.exit_code, '"succeeded": 1' in shown.output) == (0, True), shown.output
    assert (await run("runs", "show", "nothing")).exit_code == 1
    info = await run("info")
    assert (info.exit_code, '"database": "sqlite"' in info.output) == (0, True), info.output


async def test_tasks_are_listed_by_data_type(run: Run) -> None:
    for name, data_type in (("a", TaskDataType.SIMPLE), ("b", TaskDataType.SNAPSHOT)):
        await log(run, f'{{"name": "{name}"}}', "--data-type", data_type.name.lower(), "--external-id", f"x-{name}")
    listed = await run("tasks", "--data-type", "simple", "--data-type", "simple-snapshot")
    assert ("x-a" in listed.output, "x-b" in listed.output) == (True, False), listed.output


async def suggested(served: Served, *words: str) -> list[str]:
    """What a watch suggests that is ended with Ctrl-C after its first line."""
    program = [sys.executable, "-m", "integrationbus.server.cli", *words, "--server", served.address]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}
    process = await asyncio.create_subprocess_exec(
        *program, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment
    )
    assert process.stdout
    assert process.stderr
    async with asyncio.timeout(60):
        await process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest = (await process.stderr.read()).decode()
        assert await process.wait() == 0, rest
    command = rest.rpartition("go on with: ")[2]
    return shlex.split(command)


async def started(served: Served, *words: str) -> asyncio.subprocess.Process:
    """A command as a process of its own."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "integrationbus.server.cli", *words, "--server", served.address),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_whoever_waits_hears_what_holds_the_connector(served: Served, run: Run) -> None:
    await run("connectors", "pause", "people", "--reason", "a break")
    words = ("log", "people", "create-object", "--record", '{"name": "Ada"}', "--wait")
    one, two = [await started(served, *words) for _ in range(2)]
    assert one.stderr
    assert two.stderr
    async with asyncio.timeout(60):
        for process in (one.stderr, two.stderr):
            assert (await process.readline()).decode() == "people is PAUSED: a break\n"
        one.send_signal(signal.SIGINT)
        logged, said = await one.communicate()
        [number] = re.findall(r"task (\S+) is number", logged.decode())
        end = f"integrationbus: interrupted; the task goes on: integrationbus tasks show {number}\n"
        assert (one.returncode, said.decode()) == (130, end)
        await run("connectors", "resume", "people")
        logged, said = await two.communicate()
        assert (two.returncode, said) == (0, b"")
    assert logged.decode().splitlines()[1:] == ["Create object: RUNNING", "Create object: SUCCEEDED"]


def test_a_watch_that_breaks_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    bus = ScriptedBus()
    token = task_pb2.ResumeToken(store_id="s", positions={"people": 3})
    start = WatchTasksResponse(checkpoint=Checkpoint(), resume_token=token)
    bus.streams("WatchTasks", [start, Refuse(code=grpc.StatusCode.UNAVAILABLE)])
    with (
        Client(bus.address, application="tests", patience=0) as client,
        pytest.raises(Unavailable),
        client.watch() as changes,
        saying_how_to_go_on("watch", changes, "here:1", {"--connector": ["people"]}, {}),
    ):
        next(changes)
    bus.stop()
    go_on = f"integrationbus watch --since {ResumeToken('s', {'people': 3}).to_text()} --server here:1"
    assert capsys.readouterr().err == f"\ngo on with: {go_on} --connector people\n"


async def test_a_stream_that_is_interrupted_says_how_far_it_came(served: Served, run: Run) -> None:
    process = await started(served, "log", "people", "create-object", "--lines", "-", "--stream-id", "lines")
    assert process.stdin
    process.stdin.write(b'{"name": "p"}\n')
    async with asyncio.timeout(60):
        await run("watch", "--snapshot", "--state", "succeeded", "--count", "1")
        process.send_signal(signal.SIGINT)
        _, said = await process.communicate()
    assert process.returncode == 130
    assert re.fullmatch(
        "integrationbus: interrupted: [01] lines? settled, .*; the same command goes on where it was\n", said.decode()
    )


async def test_logging_that_is_interrupted_says_how_far_it_came(served: Served, run: Run) -> None:
    process = await started(served, "log", "people", "create-object", "--lines", "-")
    assert process.stdin
    process.stdin.write(b"".join(b'{"name": "p%d"}\n' % number for number in range(600)))
    async with asyncio.timeout(60):
        await run("watch", "--snapshot", "--state", "succeeded", "--count", "500")
        process.send_signal(signal.SIGINT)
        _, said = await process.communicate()
    assert (process.returncode, said.decode().split(";")[0]) == (
        130,
        "interrupted: 500 tasks logged, and perhaps the next batch",
    )


async def test_a_watch_that_is_ended_says_how_to_go_on_with_its_filters(served: Served, run: Run) -> None:
    await log(run, '{"make": "team", "name": "A"}', "--external-id", "A", "--wait")
    start = shlex.split((await run("watch", "--snapshot", "--count", "1", "--json")).stdout)[-1].strip("}")
    await log(run, '{"make": "team", "name": "B"}', "--external-id", "B", "--wait")
    filters = ["--connector", "people", "--state", "succeeded", "--state", "retry-wait"]
    of_teams = ["--type", "test.team", "--connector", "people"]
    (program, *tasks), (_, *objects) = await asyncio.gather(
        suggested(served, "watch", *filters, "--since", start, "--json"),
        suggested(served, "objects", "watch", *of_teams, "--since", start, "--json"),
    )
    assert program == "integrationbus"
    assert " ".join(filters) in " ".join(tasks)
    assert " ".join(of_teams) in " ".join(objects)
    # Neither the other changes of the next two tasks nor what was seen already.
    await log(run, '{"name": "Cy"}', "--external-id", "C", "--wait")
    await log(run, '{"make": "team", "name": "D"}', "--external-id", "D", "--wait")
    next_task = await run(*tasks, "--count", "1")
    assert ('"external_id": "C"' in next_task.stdout, '"SUCCEEDED"' in next_task.stdout) == (True, True)
    next_object = await run(*objects, "--count", "1")
    assert '"external_id": "D"' in next_object.stdout


def commands_below(command: object, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    yield words, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands_below(below, (*words, name))


def test_help_shows_enumerations_by_name() -> None:
    defaults = 0
    for words, command in commands_below(typer.main.get_command(app)):
        text = " ".join(CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200"}).output.split())
        assert not re.search(r"<\d+\|", text), (words, "an argument shows its numbers")
        for parameter in getattr(command, "params", ()):
            if isinstance(parameter.default, IntEnum):
                defaults += 1
                name = parameter.default.name.lower().replace("_", "-")
                assert f"[default: ({name})]" in text, (words, parameter.name)
    assert defaults >= 4
