"""What commands write: to a terminal or a file that has not all characters, to a full disk, and line by line."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from support.scripted_bus import ScriptedBus
from typer.testing import CliRunner, Result

from integrationbus.server.cli.commands import app
from integrationbus.v1 import (
    connector_service_pb2,
    enums_pb2,
    server_service_pb2,
    task_pb2,
    task_service_pb2,
)

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")
TITLE = "Żółć"


@pytest.fixture
def bus() -> Iterator[ScriptedBus]:
    """A server with one task, whose error has two lines, and a connector that could not be loaded."""
    scripted = ScriptedBus()
    failed = task_pb2.Task(
        id="t", connector="crm", title=TITLE, last_error=task_pb2.TaskError(reason="BAD", message="one\ntwo\x1b[2J")
    )
    lost = connector_service_pb2.Connector(name="lost", state=enums_pb2.CONNECTOR_STATE_UNHEALTHY, problem="a\nb")
    scripted.answers("GetServerInfo", *[server_service_pb2.GetServerInfoResponse()] * 4)
    scripted.answers("ListTasks", task_service_pb2.ListTasksResponse(tasks=[failed]))
    scripted.answers("ListConnectors", *[connector_service_pb2.ListConnectorsResponse(connectors=[lost])] * 2)
    scripted.streams("WatchConnectors", [connector_service_pb2.WatchConnectorsResponse(connectors=[lost])])
    yield scripted
    scripted.stop()


def program(*words: str, stdout: Any = subprocess.PIPE, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """The command line in a process of its own."""
    command = [sys.executable, "-m", "integrationbus.server.cli", *words]
    environment = {**os.environ, **variables}
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, env=environment, timeout=60, check=False)


def invoke(bus: ScriptedBus, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--server", bus.address])


@needs_full
@pytest.mark.parametrize("words", [("tasks",), ("tasks", "--json")])
def test_output_that_cannot_be_written_ends_with_one_line(bus: ScriptedBus, words: tuple[str, ...]) -> None:
    with FULL.open("w") as full:
        ended = program(*words, "--server", bus.address, stdout=full)
    assert (ended.returncode, ended.stderr.decode()) == (1, "integrationbus: [Errno 28] No space left on device\n")


@needs_full
def test_a_server_whose_output_cannot_be_written_serves_and_stops_in_order(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    settings = ("--database-url", f"sqlite:///{tmp_path / 'bus.db'}", "--listen", address)
    command = [sys.executable, "-m", "integrationbus.server.cli", "serve", *settings]
    with FULL.open("w") as full, subprocess.Popen(command, stdout=full) as server:
        try:
            with grpc.insecure_channel(address) as channel:
                grpc.channel_ready_future(channel).result(60)
            server.terminate()
            assert server.wait(60) == 0
        finally:
            server.kill()


@pytest.mark.parametrize("encoding", ["ascii", "iso8859-5", "utf-8"])
def test_characters_that_the_output_does_not_have_are_escaped(bus: ScriptedBus, encoding: str) -> None:
    ended = program("tasks", "--server", bus.address, PYTHONIOENCODING=encoding)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert TITLE.encode(encoding, "backslashreplace") in ended.stdout


@pytest.mark.parametrize("encoding", ["ascii", "iso8859-5", "utf-8"])
def test_json_stays_json_whatever_the_output_has(bus: ScriptedBus, encoding: str) -> None:
    ended = program("tasks", "--json", "--server", bus.address, PYTHONIOENCODING=encoding)
    assert (ended.returncode, json.loads(ended.stdout)[0]["title"]) == (0, TITLE)


def test_a_command_that_is_interrupted_while_it_starts_ends_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt")
    ended = program("tasks", PYTHONPATH=str(tmp_path))
    assert (ended.returncode, ended.stderr) == (130, b"")


@pytest.mark.parametrize("option", ["--record", "--json-payload"])
@pytest.mark.parametrize("value", ["NaN", "1e400", '"\\ud800"', "[" * 1_000_000 + "]" * 1_000_000])
def test_what_python_alone_takes_for_json_is_wrong_usage(bus: ScriptedBus, option: str, value: str) -> None:
    for command in ("log", "preview"):
        result = invoke(bus, command, "crm", "create-object", option, f'{{"a": {value}}}')
        assert (result.exit_code, f"{option} is" in result.stderr) == (2, True), result.output


def test_a_row_is_a_line_whatever_its_cells_say(bus: ScriptedBus) -> None:
    listed = invoke(bus, "tasks")
    [row] = [line for line in listed.stdout.splitlines() if TITLE in line]
    assert "BAD: one two [2J" in row
    watched = invoke(bus, "connectors", "watch", "--count", "1")
    assert watched.stdout.endswith("failed  a b\n")


def test_a_connector_that_could_not_be_loaded_has_no_trigger(bus: ScriptedBus) -> None:
    assert "unknown" not in invoke(bus, "connectors").stdout.lower()
    [connector] = json.loads(invoke(bus, "connectors", "--json").stdout)
    assert (connector["name"], connector["trigger_mode"]) == ("lost", None)
