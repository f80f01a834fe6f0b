"""``integrationbus watch``."""

import shlex
from collections.abc import Iterable, Mapping
from typing import Annotated

import typer

from integrationbus.client import ResumeToken, Task, TaskChange, TaskFilter, TaskState, Watch
from integrationbus.server.cli.connection import ServerOption, connect
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
        with client.watch(since=token, snapshot=snapshot, **filters) as changes:
            try:
                _show(changes, count, as_json=as_json)
            except KeyboardInterrupt:
                if changes.resume_token is not None:
                    options = {"--connector": connector, "--state": state, "--task-id": task_id}
                    typer.echo(f"\ngo on with: {_command(changes.resume_token, options, server)}", err=True)


def _command(token: ResumeToken, options: Mapping[str, Iterable[object] | None], server: str) -> str:
    """The command that goes on where this one ended, with the same filters."""
    words = ["integrationbus", "watch", "--since", token.to_text(), "--server", server]
    for option, values in options.items():
        for value in values or ():
            words += [option, value.name.lower().replace("_", "-") if isinstance(value, TaskState) else str(value)]
    return shlex.join(words)


def _show(changes: Watch, count: int | None, *, as_json: bool) -> None:
    for number, change in enumerate(changes, 1):
        if as_json:
            kind = "task" if isinstance(change, Task) else "change"
            print_json({"kind": kind, kind: change, "resume_token": changes.resume_token})
        else:
            console.print(_line(change), soft_wrap=True)
        if number == count:
            return


def _line(change: Task | TaskChange) -> str:
    if isinstance(change, Task):
        when, error = change.finished_at or change.logged_at, change.last_error
    else:
        when, error = change.occurred_at, change.error
    why = f"  [red]{error.reason}[/]: {error.message}" if error else ""
    return f"{moment(when)}  {change.connector}/{change.sequence}  {state_text(change.state)}  {change.title}{why}"
