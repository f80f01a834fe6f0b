"""``integrationbus switches``."""

from typing import Annotated

import typer

from integrationbus.client import Switch
from integrationbus.server.cli.connection import ServerOption, connect
from integrationbus.server.cli.names import named
from integrationbus.server.cli.output import JsonOption, moment, print_json, print_table

__all__ = ["switches_app"]

switches_app = typer.Typer(
    name="switches", help="Show and turn the switches of the whole bus.", invoke_without_command=True
)

Which = Annotated[
    Switch,
    typer.Argument(parser=named(Switch), metavar="SWITCH", show_choices=False, help="bus, logging or processing."),
]
Reason = Annotated[str, typer.Option(help="Why, for the record.")]


@switches_app.callback()
def list_switches(
    context: typer.Context, server: ServerOption = "127.0.0.1:50051", as_json: JsonOption = False
) -> None:
    """List the switches, and who changed them last."""
    if context.invoked_subcommand is not None:
        return
    with connect(server) as client:
        switches = client.list_switches()
    if as_json:
        print_json(switches)
        return
    rows = [
        [item.switch.name.lower(), "on" if item.on else "off", item.changed_by, moment(item.changed_at), item.reason]
        for item in switches
    ]
    print_table(["switch", "is", "changed by", "when", "why"], rows, empty="")


@switches_app.command("on")
def turn_on(
    switch: Which, reason: Reason = "", server: ServerOption = "127.0.0.1:50051", as_json: JsonOption = False
) -> None:
    """Turn a switch on."""
    _turn(switch, reason, server, on=True, as_json=as_json)


@switches_app.command("off")
def turn_off(
    switch: Which, reason: Reason = "", server: ServerOption = "127.0.0.1:50051", as_json: JsonOption = False
) -> None:
    """Turn a switch off: the bus (everything), logging (new tasks are refused), or processing (queues fill)."""
    _turn(switch, reason, server, on=False, as_json=as_json)


def _turn(switch: Switch, reason: str, server: str, *, on: bool, as_json: bool) -> None:
    with connect(server) as client:
        state = client.set_switch(switch, on=on, reason=reason)
    if as_json:
        print_json(state)
    else:
        typer.echo(f"{state.switch.name.lower()} is {'on' if state.on else 'off'}")
