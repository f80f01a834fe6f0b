"""``integrationbus tasks``."""

from itertools import islice
from typing import Annotated

import typer

from integrationbus.client import ProcessType, Task, TaskAction, TaskAttempt, TaskDataType, TaskState, TaskType
from integrationbus.server.cli.act import acting
from integrationbus.server.cli.connection import ServerOption, connect
from integrationbus.server.cli.names import labels_of, named
from integrationbus.server.cli.output import (
    Cell,
    JsonOption,
    console,
    moment,
    print_json,
    print_table,
    state_text,
    to_plain,
)

__all__ = ["tasks_app"]

_COLUMNS = ("connector", "no", "title", "state", "attempts", "logged", "error", "id")
_MORE = ("attempts", "logged")
_WIDE = 120
"""A narrower terminal has no room for the columns of ``_MORE``."""

tasks_app = typer.Typer(name="tasks", help="Show tasks, and act on them.", invoke_without_command=True)


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
    data_type: Annotated[
        list[TaskDataType] | None,
        typer.Option(parser=named(TaskDataType), metavar="DATA_TYPE", help="May be repeated."),
    ] = None,
    process_type: Annotated[
        list[ProcessType] | None,
        typer.Option(parser=named(ProcessType), metavar="PROCESS_TYPE", help="May be repeated."),
    ] = None,
    external_id: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
    object_type: Annotated[str, typer.Option(help="For example cms.user.")] = "",
    label: Annotated[list[str] | None, typer.Option(help="name=value. May be repeated.")] = None,
    waiting_for: Annotated[str, typer.Option(help="That wait for an object with this external id.")] = "",
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
            data_types=data_type or (),
            process_types=process_type or (),
            external_ids=external_id or (),
            object_type=object_type,
            labels=labels_of(label or []),
            waiting_for_external_id=waiting_for,
        )
        tasks = list(islice(found, limit))
    if as_json:
        print_json(tasks)
        return
    rows = [_cells(task, brief=console.is_terminal) for task in tasks]
    names = [name for name in _COLUMNS if name not in _MORE or console.width >= _WIDE or not console.is_terminal]
    print_table(names, [[row[name] for name in names] for row in rows], empty="no tasks")


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


@tasks_app.command("history")
def history(
    task_id: Annotated[str, typer.Argument(help="The id of the task.")],
    server: ServerOption = "127.0.0.1:50051",
    as_json: JsonOption = False,
) -> None:
    """Show every attempt at a task, and what operators did with it."""
    with connect(server) as client:
        found = client.task_history(task_id)
    if as_json:
        print_json(found)
        return
    rows = [(item.started_at, _attempt(item)) for item in found.attempts]
    rows += [(item.occurred_at, _action(item)) for item in found.actions]
    print_table(["when", "what", "by", "why"], [row for _, row in sorted(rows)], empty="no attempt yet")


tasks_app.command("retry")(
    acting(
        "retry",
        "called",
        "Have tasks processed now, wherever they stand, before the line. A selection leaves PENDING ones alone.",
    )
)
tasks_app.command("skip")(acting("skip", "skipped", "Leave tasks out for good."))
tasks_app.command("delete")(acting("delete", "deleted", "Take tasks out of the queue; they are kept as a record."))


def _attempt(item: TaskAttempt) -> list[str]:
    outcome = item.outcome.name if item.outcome else "in progress"
    error = f"{item.error.reason}: {item.error.message}" if item.error else ""
    return [moment(item.started_at), f"attempt {item.number}: {outcome}", f"run {item.run_id}", error]


def _action(item: TaskAction) -> list[str]:
    return [moment(item.occurred_at), f"operator: {item.state.name}", item.actor, item.reason]


def _cells(task: Task, *, brief: bool) -> dict[str, Cell]:
    """The cells of a task by column; in brief without what `tasks show` tells of its error."""
    error = None if task.state is TaskState.SUCCEEDED else task.last_error
    text = error.reason if error else ""
    if error and not brief:
        text = f"{error.reason}: {error.message}"
    cells: tuple[Cell, ...] = (
        task.connector,
        str(task.sequence),
        task.title,
        state_text(task.state),
        str(task.attempts),
        moment(task.logged_at),
        _waits(task, brief=brief) or text,
        task.id,
    )
    return dict(zip(_COLUMNS, cells, strict=True))


def _waits(task: Task, *, brief: bool) -> str:
    if task.waiting_for:
        keys = (
            f"task {key.behind_task_id}" if key.behind_task_id else f"{key.object_type} {key.external_id!r}"
            for key in task.waiting_for
        )
        return f"waits for {', '.join(keys)}"
    if task.blocked_by:
        return "waits behind a halt" if brief else f"waits behind {task.blocked_by}"
    return ""
