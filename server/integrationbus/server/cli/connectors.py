"""``integrationbus connectors``."""

from typing import Annotated

import typer

from integrationbus.client import Connector, HeadAction
from integrationbus.server.cli.connection import ServerOption, connect
from integrationbus.server.cli.connector_looks import check, describe, watch
from integrationbus.server.cli.connector_table import COLUMNS, connector_row
from integrationbus.server.cli.names import ConnectorName, named
from integrationbus.server.cli.new_connector import new_connector
from integrationbus.server.cli.output import JsonOption, console, moment, print_json, print_table, to_plain

__all__ = ["connectors_app"]

connectors_app = typer.Typer(
    name="connectors", help="Show, hold, release and begin connectors.", invoke_without_command=True
)

Reason = Annotated[str, typer.Option(help="Why, for the record.")]


@connectors_app.callback()
def list_connectors(
    context: typer.Context, server: ServerOption = "127.0.0.1:50051", as_json: JsonOption = False
) -> None:
    """List all connectors with their state and how much waits."""
    if context.invoked_subcommand is not None:
        return
    with connect(server) as client:
        connectors = client.list_connectors()
    if as_json:
        print_json(connectors)
        return
    rows = [connector_row(item) for item in connectors]
    print_table(COLUMNS, rows, empty="no connectors: set INTEGRATIONBUS_CONNECTORS")


connectors_app.command("new")(new_connector)


@connectors_app.command("show")
def show(name: ConnectorName, server: ServerOption = "127.0.0.1:50051", as_json: JsonOption = False) -> None:
    """Show everything about one connector."""
    with connect(server) as client:
        connector = client.get_connector(name)
    if as_json:
        print_json(connector)
    else:
        console.print_json(data=to_plain(connector))


@connectors_app.command("pause")
def pause(
    name: ConnectorName, reason: Reason = "", server: ServerOption = "127.0.0.1:50051", as_json: JsonOption = False
) -> None:
    """Hold a connector: tasks are accepted and wait."""
    with connect(server) as client:
        connector = client.pause_connector(name, reason)
    if as_json:
        print_json(connector)
    else:
        typer.echo(f"{name} is {connector.state.name}; release it with: integrationbus connectors resume {name}")


@connectors_app.command("resume")
def resume(
    name: ConnectorName,
    head: Annotated[
        HeadAction,
        typer.Option(
            parser=named(HeadAction),
            metavar="ACTION",
            show_default="retry",
            help="For the task that halted it: retry, skip or delete.",
        ),
    ] = HeadAction.RETRY,
    reason: Reason = "",
    server: ServerOption = "127.0.0.1:50051",
    as_json: JsonOption = False,
) -> None:
    """Release a paused or halted connector, and start a run."""
    with connect(server) as client:
        was_halted = bool(client.get_connector(name).halted_by)
        resumed = client.resume_connector(name, head, reason)
    if head is not HeadAction.RETRY and not was_halted:
        typer.echo(f"{name} was not halted, so that there was no task to {head.name.lower()}", err=True)
    if as_json:
        print_json(resumed)
    else:
        typer.echo(f"{name} goes on with run {resumed.run.id if resumed.run else '?'}")


@connectors_app.command("enable")
def enable(
    name: ConnectorName, reason: Reason = "", server: ServerOption = "127.0.0.1:50051", as_json: JsonOption = False
) -> None:
    """Switch a connector on."""
    with connect(server) as client:
        _print(client.enable_connector(name, reason), as_json=as_json)


@connectors_app.command("disable")
def disable(
    name: ConnectorName, reason: Reason = "", server: ServerOption = "127.0.0.1:50051", as_json: JsonOption = False
) -> None:
    """Switch a connector off: its tasks are refused, and nothing of it runs."""
    with connect(server) as client:
        _print(client.disable_connector(name, reason), as_json=as_json)


@connectors_app.command("stats")
def stats(name: ConnectorName, server: ServerOption = "127.0.0.1:50051", as_json: JsonOption = False) -> None:
    """Show how much waits, since when, and how fast it goes."""
    with connect(server) as client:
        found = client.connector_stats(name)
    if as_json:
        print_json(found)
        return
    rows = [[field, str(getattr(found.counts, field))] for field in found.counts.__dataclass_fields__]
    rows += [
        ["oldest waiting since", moment(found.oldest_waiting_logged_at) or "-"],
        ["logged per second", f"{found.logged_per_second:.2f}"],
        ["settled per second", f"{found.settled_per_second:.2f}"],
    ]
    print_table(["figure", "value"], rows, empty="")


connectors_app.command("describe")(describe)
connectors_app.command("check")(check)
connectors_app.command("watch")(watch)


def _print(connector: Connector, *, as_json: bool) -> None:
    if as_json:
        print_json(connector)
    else:
        typer.echo(f"{connector.name} is {connector.state.name}")
