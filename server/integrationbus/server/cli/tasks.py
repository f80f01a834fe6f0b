"""``integrationbus tasks``."""

from itertools import islice
from typing import Annotated

import typer

from integrationbus.client import ProcessType, Task, TaskState, TaskType
from integrationbus.server.cli.connection import ServerOption, connect
from integrationbus.server.cli.names import labels_of, named
from integrationbus.server.cli.output import JsonOption, console, moment, print_json, print_table, state_text, to_plain

__all__ = ["tasks_app"]

tasks_app = typer.Typer(name="tasks", help="Show tasks.", invoke_without_command=True)


@tasks_app.callback()
def list_tasks(
    context: typer.Context,
    connector: Annotated[list[str] | None, typer.Option(help="Of this connector. May be repeated.")] = None,
    state: Annotated[
        list[TaskState] | None, typer.Option(parser=named(TaskState), metavar="STATE", help="May be repeated.")
    ] = None,
    task_type: Annotated[
        list[TaskType] | None,
        typer.Option("--type", parser=named(TaskType), metavar="TASK_TYPE", help="May be repeated."),
    ] = None,
    process_type: Annotated[
        list[ProcessType] | None,
        typer.Option(parser=named(ProcessType), metavar="PROCESS_TYPE", help="May be repeated."),
    ] = None,
    external_id: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
    object_type: Annotated[str, typer.Option(help="For example cms.user.")] = "",
    label: Annotated[list[str] | None, typer.Option(help="name=value. May be repeated.")] = None,
    oldest_first: Annotated[bool, typer.Option("--oldest-first", help="In the order of the line.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    server: ServerOption = "127.0.0.1:50051",
    as_json: JsonOption = False,
) -> None:
    """List tasks, the newest of each connector first. `tasks show ID` has more about one."""
    if context.invoked_subcommand is not None:
        return
    with connect(server) as client:
        found = client.list_tasks(
            newest_first=not oldest_first,
            page_size=min(limit, 1000),
            connectors=connector or (),
            states=state or (),
            task_types=task_type or (),
            process_types=process_type or (),
            external_ids=external_id or (),
            object_type=object_type,
            labels=labels_of(label or []),
        )
        tasks = list(islice(found, limit))
    if as_json:
        print_json(tasks)
        return
    columns = ["connector", "no", "title", "state", "attempts", "logged", "error", "id"]
    print_table(columns, [_row(task) for task in tasks], empty="no tasks")


@tasks_app.command("show")
def show(
    task_id: Annotated[str, typer.Argument(help="The id of the task.")],
    payload: Annotated[bool, typer.Option("--payload", help="With what the task carries.")] = False,
    server: ServerOption = "127.0.0.1:50051",
    as_json: JsonOption = False,
) -> None:
    """Show everything about one task."""
    with connect(server) as client:
        task = client.get_task(task_id, with_payload=payload)
    if as_json:
        print_json(task)
        return
    plain = to_plain(task)
    assert isinstance(plain, dict)
    shown = {name: value for name, value in plain.items() if value not in (None, "", {}, [])}
    console.print_json(data=shown)


def _row(task: Task) -> list[str]:
    error = task.last_error
    blocked = f"waits behind {task.blocked_by}" if task.blocked_by else ""
    return [
        task.connector,
        str(task.sequence),
        task.title,
        state_text(task.state),
        str(task.attempts),
        moment(task.logged_at),
        f"{error.reason}: {error.message}" if error and task.state is not TaskState.SUCCEEDED else blocked,
        task.id,
    ]
