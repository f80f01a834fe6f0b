"""More connections than the server may have files open."""

import socket
import time
from contextlib import ExitStack
from pathlib import Path

from faults.harness.lab import Lab

from integrationbus.client import Client, TaskState, TaskType

OPEN_FILES = 256
CONNECTIONS = 600
DEADLINE_SECONDS = 30


def wait_until_open(pid: int, files: int) -> None:
    """Wait until a process has so many files open."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while len(list(Path(f"/proc/{pid}/fd").iterdir())) < files:
        assert time.monotonic() < deadline, "the server does not take the connections"
        time.sleep(0.02)


def test_idle_connections_that_use_up_all_files_harm_no_caller(lab: Lab) -> None:
    """Who was connected goes on, and works on; who comes is let in as soon as the others have gone."""
    server = lab.server(lab.sqlite_url)
    server.start(arguments=("sh", "-c", f'ulimit -n {OPEN_FILES}; exec "$@"', "sh"))
    host, _, port = server.address.rpartition(":")
    with Client(server.address, application="before") as client, ExitStack() as idle:
        client.log_task("left", TaskType.CREATE_OBJECT, {"name": "a", "value": 1})
        for _ in range(CONNECTIONS):
            idle.enter_context(socket.create_connection((host, int(port))))
        wait_until_open(server.pid, OPEN_FILES)
        client.log_task("left", TaskType.CREATE_OBJECT, {"name": "b", "value": 2})
        with client.watch(snapshot=True, states=TaskState.SUCCEEDED) as done:
            assert {next(done).connector for _ in range(2)} == {"left"}
        idle.close()
        with Client(server.address, application="after") as late:
            late.log_task("left", TaskType.CREATE_OBJECT, {"name": "c", "value": 3})
    assert server.stop() == 0
