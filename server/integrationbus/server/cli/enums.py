"""``integrationbus enums``."""

from typing import Annotated

import typer

from integrationbus.server.cli.connection import ServerOption, connect
from integrationbus.server.cli.output import JsonOption, print_json, print_table

__all__ = ["enums"]


def enums(
    name: Annotated[str | None, typer.Argument(help="One of them, for example TaskType.")] = None,
    server: ServerOption = "127.0.0.1:50051",
    as_json: JsonOption = False,
) -> None:
    """Show the enumerations of the API, and what their values mean."""
    with connect(server) as client:
        found = client.list_enums() if name is None else [client.get_enum(name)]
    if as_json:
        print_json(found if name is None else found[0])
        return
    if name is None:
        rows = [[item.name, item.description, ", ".join(value.short_name for value in item.values)] for item in found]
        print_table(["enumeration", "what for", "values"], rows, empty="none")
        return
    rows = [
        [str(value.number), value.short_name + (" (default)" if value.is_default else ""), value.description]
        for value in found[0].values
    ]
    print_table(["number", "name", "meaning"], rows, empty="none")
