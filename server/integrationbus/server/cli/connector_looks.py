"""``integrationbus connectors describe``, ``check`` and ``watch``."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import islice
from typing import Annotated

import typer
from rich.live import Live
from rich.text import Text

from integrationbus.client import CheckOutcome, Connector, FieldDescription, ObjectTypeDescription
from integrationbus.server.cli.connection import FAILED, ServerOption, connect
from integrationbus.server.cli.connector_table import connector_line, connector_table
from integrationbus.server.cli.names import ConnectorName
from integrationbus.server.cli.output import Cell, JsonOption, console, print_json, print_table

__all__ = ["check", "describe", "watch"]

_COLOURS = {CheckOutcome.PASSED: "green", CheckOutcome.WARNING: "yellow", CheckOutcome.FAILED: "red"}


def describe(name: ConnectorName, server: ServerOption = "127.0.0.1:50051", as_json: JsonOption = False) -> None:
    """Show what a connector accepts and makes: its types with their columns, keys and parts."""
    with connect(server) as client:
        description = client.describe_connector(name)
    if as_json:
        print_json(description)
        return
    typer.echo(f"{name} accepts {', '.join(description.connector.accepts)}")
    for item in description.object_types:
        _show_type(item)


def check(name: ConnectorName, server: ServerOption = "127.0.0.1:50051", as_json: JsonOption = False) -> None:
    """Look for what would keep a connector from working; exits with 1 when something failed."""
    with connect(server) as client:
        checks = client.check_connector(name)
    if as_json:
        print_json(checks)
    else:
        rows: list[list[Cell]] = [[_outcome(item.outcome), item.subject, item.message] for item in checks]
        print_table(["outcome", "what", "what to do"], rows, empty="nothing to check")
    if any(item.outcome is CheckOutcome.FAILED for item in checks):
        raise typer.Exit(FAILED)


def watch(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Only these connectors.")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="End after so many updates.")] = None,
    server: ServerOption = "127.0.0.1:50051",
    as_json: JsonOption = False,
) -> None:
    """Show connectors as they are, and whatever changes, until Ctrl-C."""
    with connect(server) as client, suppress(KeyboardInterrupt):
        updates = islice(client.watch_connectors(names or ()), count)
        if as_json or not console.is_terminal:
            _show_lines(updates, as_json=as_json)
        else:
            _show_table(updates)


def _show_lines(updates: Iterable[list[Connector]], *, as_json: bool) -> None:
    for connectors in updates:
        for item in connectors:
            if as_json:
                print_json(item)
            else:
                typer.echo(connector_line(item))


def _show_table(updates: Iterable[list[Connector]]) -> None:
    newest: dict[str, Connector] = {}
    with Live(console=console, auto_refresh=False) as live:
        for connectors in updates:
            newest |= {item.name: item for item in connectors}
            live.update(connector_table(newest[name] for name in sorted(newest)), refresh=True)


def _show_type(item: ObjectTypeDescription) -> None:
    kind = "page" if item.is_page else "object"
    typer.echo(f"\n{item.object_type}: {kind}, table {item.table}, class {item.class_path}")
    columns = ["column", "type", "null", "may be left out", "points at", "dependency", "role"]
    print_table(columns, [_field_row(field, item.roles) for field in item.fields], empty="no columns")
    for part in item.parts:
        typer.echo(f"  part {part.object_type} through {part.through}, {part.handling.name}")
    if item.site_binding:
        typer.echo(f"  assigned to sites by {item.site_binding}")


def _field_row(field: FieldDescription, roles: Mapping[str, str]) -> list[str]:
    dependency = field.dependency.name if field.dependency else ""
    return [
        field.name,
        field.type,
        "yes" if field.nullable else "",
        "yes" if field.has_default else "",
        field.target_type,
        f"{dependency} {field.default_code_name}".strip(),
        ", ".join(role for role, attribute in roles.items() if attribute == field.name),
    ]


def _outcome(outcome: CheckOutcome) -> Text:
    """An outcome in its colour; one that a newer server has added has none."""
    return Text(outcome.name, style=_COLOURS.get(outcome, ""))
