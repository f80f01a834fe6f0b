"""``integrationbus runs``."""

from itertools import islice
from typing import Annotated

import typer

from integrationbus.client import Run
from integrationbus.server.cli.connection import ServerOption, connect
from integrationbus.server.cli.output import JsonOption, console, counted, moment, print_json, print_table, to_plain

__all__ = ["runs_app"]

runs_app = typer.Typer(name="runs", help="Show runs, and cancel them.", invoke_without_command=True)


@runs_app.callback()
def list_runs(
    context: typer.Context,
    connector: Annotated[str, typer.Option(help="Of this connector.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    server: ServerOption = "127.0.0.1:50051",
    as_json: JsonOption = False,
) -> None:
    """List runs, the newest first."""
    if context.invoked_subcommand is not None:
        return
    with connect(server) as client:
        runs = list(islice(client.list_runs(connector, page_size=min(limit, 1000)), limit))
    if as_json:
        print_json(runs)
        return
    columns = ["connector", "started", "by", "state", "succeeded", "failed", "waiting", "run"]
    print_table(columns, [_row(run) for run in runs], empty="no runs")


@runs_app.command("show")
def show(
    run_id: Annotated[str, typer.Argument(help="The id of the run.")],
    server: ServerOption = "127.0.0.1:50051",
    as_json: JsonOption = False,
) -> None:
    """Show everything about one run."""
    with connect(server) as client:
        run = client.get_run(run_id)
    if as_json:
        print_json(run)
    else:
        console.print_json(data=to_plain(run))


@runs_app.command("cancel")
def cancel(
    run_id: Annotated[str, typer.Argument(help="The id of the run.")],
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    server: ServerOption = "127.0.0.1:50051",
    as_json: JsonOption = False,
) -> None:
    """End a run after the batch in hand; the next trigger starts another."""
    with connect(server) as client:
        run = client.cancel_run(run_id, reason)
    if as_json:
        print_json(run)
    else:
        typer.echo(f"the run is {run.state.name}; {counted(run.remaining, 'task')} in the line")


def _row(run: Run) -> list[str]:
    counts = [str(number) for number in (run.counts.succeeded, run.counts.failed, run.counts.waiting)]
    trigger = run.requested_by or run.trigger.name.lower()
    return [run.connector, moment(run.started_at), trigger, run.state.name, *counts, run.id]
