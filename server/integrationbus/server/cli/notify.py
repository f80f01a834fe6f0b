"""``integrationbus notify``."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn

from integrationbus.client import Client, Run, RunState, RunTicket
from integrationbus.server.cli.connection import FAILED, ServerOption, connect
from integrationbus.server.cli.output import JsonOption, console, print_json, print_table

__all__ = ["notify"]


def notify(
    connector: Annotated[list[str] | None, typer.Argument(help="The connectors; all by default.")] = None,
    clear_halt: Annotated[bool, typer.Option("--clear-halt", help="Try the task again that halted one.")] = False,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Follow the runs to their end.")] = False,
    server: ServerOption = "127.0.0.1:50051",
    as_json: JsonOption = False,
) -> None:
    """Start processing. Exits with 1 when a connector was refused, or with --wait when one halted."""
    with connect(server) as client:
        tickets = client.request_tasks_processing(*(connector or ()), clear_halt=clear_halt, reason=reason)
        runs = _follow(client, tickets, quiet=as_json) if wait else [ticket.run for ticket in tickets]
    if as_json:
        print_json([{"ticket": ticket, "run": run} for ticket, run in zip(tickets, runs, strict=True)])
    else:
        rows = [_row(ticket, run) for ticket, run in zip(tickets, runs, strict=True)]
        print_table(["connector", "outcome", "run", "state", "succeeded", "failed"], rows, empty="no connectors")
    if any(run is None or run.state is RunState.HALTED for run in runs):
        raise typer.Exit(FAILED)


def _row(ticket: RunTicket, run: Run | None) -> list[str]:
    if run is None:
        return [ticket.connector, ticket.outcome.name, ticket.message, "", "", ""]
    counts = [str(run.counts.succeeded), str(run.counts.failed)]
    return [ticket.connector, ticket.outcome.name, run.id, run.state.name, *counts]


def _follow(client: Client, tickets: Sequence[RunTicket], *, quiet: bool) -> list[Run | None]:
    """Watch the runs one after the other; each is seen to its end, whichever ends first."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TaskProgressColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        return [_follow_one(client, ticket, bar) for ticket in tickets]


def _follow_one(client: Client, ticket: RunTicket, bar: Progress) -> Run | None:
    if ticket.run is None:
        return None
    row = bar.add_task(ticket.connector, total=None)
    run = ticket.run
    for run in client.watch_run(ticket.run.id):
        done = run.counts.succeeded + run.counts.failed + run.counts.deleted
        bar.update(row, completed=done, total=done + run.remaining)
    return run
