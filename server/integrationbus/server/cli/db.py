"""``integrationbus db``."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from integrationbus.server.cli.connection import FAILED, fail
from integrationbus.server.cli.output import JsonOption, print_json
from integrationbus.server.errors import BusError
from integrationbus.server.storage.file_lock import DatabaseInUse
from integrationbus.server.storage.maintenance import backup, schema_status, upgrade_schema
from integrationbus.server.storage.migrate import SchemaTooNew

__all__ = ["db_app"]

db_app = typer.Typer(name="db", help="Look after the database; no server is needed.", no_args_is_help=True)

DatabaseUrl = Annotated[
    str, typer.Option(envvar="INTEGRATIONBUS_DATABASE_URL", help="The database, as the server is told.")
]


@db_app.command("status")
def status(database_url: DatabaseUrl = "sqlite:///integrationbus.db", as_json: JsonOption = False) -> None:
    """Show the schema's revision; exits with 1 when it is not the newest."""
    with _failing_well():
        found = schema_status(database_url)
    if as_json:
        print_json(found)
    elif found.is_current:
        typer.echo(f"{found.database} is at {found.current}, the newest revision")
    else:
        typer.echo(f"{found.database} is at {found.current or 'nothing'}; the newest revision is {found.newest}")
    if not found.is_current:
        raise typer.Exit(FAILED)


@db_app.command("upgrade")
def upgrade(database_url: DatabaseUrl = "sqlite:///integrationbus.db") -> None:
    """Create or migrate the tables; a server does so by itself when it starts."""
    with _failing_well():
        upgrade_schema(database_url)
        typer.echo(f"the database is at {schema_status(database_url).current}")


@db_app.command("backup")
def backup_command(
    target: Annotated[Path, typer.Argument(help="The file to write; must not exist.")],
    database_url: DatabaseUrl = "sqlite:///integrationbus.db",
) -> None:
    """Copy a SQLite database, also while a server works on it."""
    with _failing_well():
        size = backup(database_url, target)
    typer.echo(f"{target} holds a copy of {size:,} bytes")


@contextmanager
def _failing_well() -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, BusError, DatabaseInUse, SchemaTooNew) as error:
        fail(str(error))
