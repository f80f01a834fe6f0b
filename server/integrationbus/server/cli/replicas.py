"""``integrationbus replicas``."""

from integrationbus.server.cli.connection import ServerOption, connect
from integrationbus.server.cli.output import JsonOption, moment, print_json, print_table

__all__ = ["replicas"]


def replicas(server: ServerOption = "127.0.0.1:50051", as_json: JsonOption = False) -> None:
    """List the servers that work on the database, and which connectors each of them processes."""
    with connect(server) as client:
        found = client.list_replicas()
    if as_json:
        print_json(found)
        return
    rows = [
        [item.id, "this one" if item.answers else "", moment(item.started_at), ", ".join(item.processes)]
        for item in found
    ]
    print_table(["replica", "", "started", "processes"], rows, empty="")
