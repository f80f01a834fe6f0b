"""``integrationbus log --lines FILE --stream-id ID``."""

from collections.abc import Iterator

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from integrationbus.client import Client, NewTask, RejectedTask, StreamProgress
from integrationbus.server.cli.connection import FAILED, INTERRUPTED, fail
from integrationbus.server.cli.output import console, counted, print_json

__all__ = ["progress_bar", "stream_lines"]


def stream_lines(client: Client, tasks: Iterator[NewTask], stream_id: str, *, as_json: bool) -> None:
    """Log a task for each line of a file through a stream; the command ends with 1 when some were rejected."""
    rejected: list[RejectedTask] = []
    settled_number = 0

    def show(progress: StreamProgress) -> None:
        nonlocal settled_number
        settled_number = progress.settled_number
        bar.update(row, completed=settled_number)

    def note_rejection(task: RejectedTask) -> None:
        rejected.append(task)
        if not as_json:
            typer.echo(f"line {task.number}: {task.refusal.reason}: {task.refusal.message}", err=True)

    try:
        with progress_bar(as_json=as_json) as bar:
            row = bar.add_task("logged", total=None)
            result = client.log_task_stream(tasks, stream_id=stream_id, progress=show, on_rejected=note_rejection)
    except KeyboardInterrupt:
        text = f"interrupted: {counted(settled_number, 'line')} settled, and perhaps some more"
        fail(f"{text}; the same command goes on where it was", INTERRUPTED)
    if as_json:
        print_json({"logged": result.logged, "rejected": rejected, "resume_token": result.resume_token})
    else:
        logged, settled = counted(result.logged, "task"), counted(result.settled_number, "line")
        typer.echo(f"{logged} logged, {len(rejected)} rejected; {settled} settled")
    if rejected:
        raise typer.Exit(FAILED)


def progress_bar(*, as_json: bool) -> Progress:
    """A bar for an unknown number of tasks; it shows on a terminal only."""
    columns = (TextColumn("logged"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=as_json or not console.is_terminal)
