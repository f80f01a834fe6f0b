"""``integrationbus log --wait``."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import typer
from rich.text import Text

from integrationbus.client import BusError, Client, ConnectorState, LoggedTask, Task, TaskChange, TaskState
from integrationbus.server.cli.connection import INTERRUPTED, fail
from integrationbus.server.cli.output import console, print_json, state_text

__all__ = ["wait_for"]

_SETTLED = (TaskState.SUCCEEDED, TaskState.FAILED, TaskState.DELETED, TaskState.SKIPPED)
_HOLDING = (ConnectorState.HALTED, ConnectorState.PAUSED, ConnectorState.DISABLED, ConnectorState.UNHEALTHY)
_LOOK_SECONDS = 1.0


def wait_for(client: Client, receipt: LoggedTask, *, as_json: bool) -> None:
    """Show each change of a task until it is settled; the command ends with 1 unless it succeeded.

    What holds the connector meanwhile is said on stderr.
    """
    try:
        with _telling_of_holds(client, receipt):
            change = _settled(client, receipt, as_json=as_json)
    except KeyboardInterrupt:
        fail(f"interrupted; the task goes on: integrationbus tasks show {receipt.id}", INTERRUPTED)
    task = client.get_task(receipt.id)
    if as_json:
        print_json(task)
    if change.state is not TaskState.SUCCEEDED:
        fail(f"{task.last_error.reason}: {task.last_error.message}" if task.last_error else change.state.name)


def _settled(client: Client, receipt: LoggedTask, *, as_json: bool) -> Task | TaskChange:
    with client.watch(since=receipt.resume_token, task_ids=receipt.id, connectors=receipt.connector) as changes:
        for change in changes:
            if not as_json:
                console.print(Text(f"{change.title}: ").append_text(state_text(change.state)))
            if change.state in _SETTLED:
                return change
    raise AssertionError("a watch ends only when it is closed")


@contextmanager
def _telling_of_holds(client: Client, receipt: LoggedTask) -> Iterator[None]:
    over = threading.Event()
    teller = threading.Thread(target=_tell_of_holds, args=(client, receipt, over))
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


def _tell_of_holds(client: Client, receipt: LoggedTask, over: threading.Event) -> None:
    said = ""
    while True:
        with suppress(BusError):
            connector = client.get_connector(receipt.connector)
            # The end of the task itself is told by the other thread.
            is_held = connector.state in _HOLDING and connector.halted_by != receipt.id
            held = f"{connector.name} is {connector.state.name}: {connector.problem}" if is_held else ""
            if held not in ("", said):
                typer.echo(held, err=True)
            said = held
        if over.wait(_LOOK_SECONDS):
            return
