"""``integrationbus watch``."""

from typing import Annotated

import typer
from rich.text import Text

from integrationbus.client import ResumeToken, Task, TaskChange, TaskFilter, TaskState, Watch
from integrationbus.server.cli.connection import ServerOption, connect
from integrationbus.server.cli.go_on import saying_how_to_go_on
from integrationbus.server.cli.names import named
from integrationbus.server.cli.output import JsonOption, console, moment, print_json, state_text

__all__ = ["watch"]


def watch(
    connector: Annotated[list[str] | None, typer.Option(help="Only of this connector. May be repeated.")] = None,
    state: Annotated[
        list[TaskState] | None,
        typer.Option(parser=named(TaskState), metavar="STATE", help="Only changes to this state. May be repeated."),
    ] = None,
    task_id: Annotated[list[str] | None, typer.Option(help="Only of this task. May be repeated.")] = None,
    snapshot: Annotated[bool, typer.Option("--snapshot", help="Begin with the tasks as they are.")] = False,
    since: Annotated[str | None, typer.Option(help="Go on behind this resume token.")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="End after so many lines.")] = None,
    server: ServerOption = "127.0.0.1:50051",
    as_json: JsonOption = False,
) -> None:
    """Show changes of tasks as they happen, until Ctrl-C; then say where to go on."""
    with connect(server) as client:
        token = None if since is None else ResumeToken.from_text(since)
        filters: TaskFilter = {"connectors": connector or (), "states": state or (), "task_ids": task_id or ()}
        options = {"--connector": connector, "--state": state, "--task-id": task_id}
        with (
            client.watch(since=token, snapshot=snapshot, **filters) as changes,
            saying_how_to_go_on("watch", changes, server, options, {"--json": as_json}),
        ):
            _show(changes, count, as_json=as_json)


def _show(changes: Watch, count: int | None, *, as_json: bool) -> None:
    for number, change in enumerate(changes, 1):
        if as_json:
            kind = "task" if isinstance(change, Task) else "change"
            print_json({"kind": kind, kind: change, "resume_token": changes.resume_token})
        else:
            console.print(_line(change), soft_wrap=True)
        if number == count:
            return


def _line(change: Task | TaskChange) -> Text:
    if isinstance(change, Task):
        when, error = change.finished_at or change.logged_at, change.last_error
    else:
        when, error = change.occurred_at, change.error
    line = Text(f"{moment(when)}  {change.connector}/{change.sequence}  ")
    line.append_text(state_text(change.state)).append(f"  {change.title}")
    return line.append("  ").append(error.reason, style="red").append(f": {error.message}") if error else line
