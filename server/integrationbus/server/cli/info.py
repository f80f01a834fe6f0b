"""``integrationbus info``."""

from integrationbus.server.cli.connection import ServerOption, connect
from integrationbus.server.cli.output import JsonOption, console, print_json, to_plain

__all__ = ["info"]


def info(server: ServerOption = "127.0.0.1:50051", as_json: JsonOption = False) -> None:
    """Show what a server is: its version, its database, the calls that it answers, and its limits."""
    with connect(server) as client:
        found = client.server_info()
    if as_json:
        print_json(found)
    else:
        console.print_json(data=to_plain(found))
