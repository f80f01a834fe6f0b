"""``integrationbus tasks retry``, ``skip`` and ``delete``: what operators do with tasks."""

from collections.abc import Callable
from typing import Annotated

import typer

from integrationbus.client import Client, SelectionResult, TaskFilter, TaskState
from integrationbus.server.cli.connection import FAILED, ServerOption, connect, fail
from integrationbus.server.cli.names import labels_of, named
from integrationbus.server.cli.output import JsonOption, counted, print_json

__all__ = ["acting"]


def acting(verb: str, past: str, help_text: str) -> Callable[..., None]:
    """The command that does one thing with tasks: ``verb`` is the name of the client's method without "_tasks"."""

    def act(
        ids: Annotated[list[str] | None, typer.Argument(help="Tasks by id; or select them by options.")] = None,
        connector: Annotated[list[str] | None, typer.Option(help="Of this connector. May be repeated.")] = None,
        state: Annotated[
            list[TaskState] | None,
            typer.Option(parser=named(TaskState), metavar="STATE", help="In this state. May be repeated."),
        ] = None,
        object_type: Annotated[str, typer.Option(help="About objects of this type.")] = "",
        external_id: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
        label: Annotated[list[str] | None, typer.Option(help="name=value. May be repeated.")] = None,
        reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
        etag: Annotated[str, typer.Option(help="With one id: only if it has not changed since (tasks show).")] = "",
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Count them, and do nothing.")] = False,
        yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before acting on a selection.")] = False,
        server: ServerOption = "127.0.0.1:50051",
        as_json: JsonOption = False,
    ) -> None:
        selection: TaskFilter = {}
        if connector:
            selection["connectors"] = connector
        if state:
            selection["states"] = state
        if object_type:
            selection["object_type"] = object_type
        if external_id:
            selection["external_ids"] = external_id
        if label:
            selection["labels"] = labels_of(label)
        if bool(ids) is bool(selection):
            raise typer.BadParameter("say which tasks: either ids, or options such as --connector and --state")
        if ids:
            selection["task_ids"] = ids
        with connect(server) as client:
            method = _METHODS[verb](client)
            if not ids and not yes and not dry_run:
                _confirm(verb, past, method(reason="", etag="", validate_only=True, **selection).affected)
            result = method(reason=reason, etag=etag, validate_only=dry_run, **selection)
        _show(result, f"would be {past}" if dry_run else past, as_json=as_json)

    act.__doc__ = help_text
    return act


_METHODS: dict[str, Callable[[Client], Callable[..., SelectionResult]]] = {
    "retry": lambda client: client.retry_tasks,
    "skip": lambda client: client.skip_tasks,
    "delete": lambda client: client.delete_tasks,
}


def _confirm(verb: str, past: str, number: int) -> None:
    if number == 0:
        fail("no task matches")
    try:
        go_on = typer.confirm(f"{verb.capitalize()} {counted(number, 'task')}?")
    except typer.Abort:
        fail(f"{counted(number, 'task')} would be {past}; confirm with --yes")
    if not go_on:
        fail("nothing was done")


def _show(result: SelectionResult, past: str, *, as_json: bool) -> None:
    if as_json:
        print_json(result)
    else:
        typer.echo(f"{counted(result.affected, 'task')} {past}")
        for task_id, reason in result.not_affected.items():
            typer.echo(f"{task_id}: {reason}", err=True)
    if result.not_affected:
        raise typer.Exit(FAILED)
