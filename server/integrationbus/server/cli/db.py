"""``integrationbus db``."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from integrationbus.server.cli.connection import FAILED, fail
from integrationbus.server.cli.output import JsonOption, counted, print_json
from integrationbus.server.cli.reading_settings import read_settings
from integrationbus.server.clock import SystemClock
from integrationbus.server.errors import BusError
from integrationbus.server.purger import Purger
from integrationbus.server.storage.copies import backup, restamp, restore
from integrationbus.server.storage.file_lock import DatabaseInUse
from integrationbus.server.storage.maintenance import check_there, schema_status, upgrade_schema
from integrationbus.server.storage.migrate import SchemaTooNew
from integrationbus.server.storage.opened import open_store
from integrationbus.server.target_database import adopt_target

__all__ = ["db_app"]

db_app = typer.Typer(name="db", help="Look after the database; no server is needed.", no_args_is_help=True)

DatabaseUrl = Annotated[
    str, typer.Option(envvar="INTEGRATIONBUS_DATABASE_URL", help="The database, as the server is told.")
]
_USUAL = "sqlite:///integrationbus.db"


@db_app.command("check")
def check(database_url: DatabaseUrl = _USUAL, as_json: JsonOption = False) -> None:
    """Look whether the schema is the newest; exits with 1 when it is not."""
    with _failing_well():
        found = schema_status(database_url)
    if as_json:
        print_json(found)
    elif found.is_current:
        typer.echo(f"{found.database} is at {found.revision}, the newest revision")
    elif found.is_known:
        typer.echo(
            f"{found.database} is at {found.revision or 'nothing'}; the newest revision is {found.newest}."
            " Migrate it with: integrationbus db upgrade"
        )
    else:
        typer.echo(
            f"{found.database} is at {found.revision}, which this version does not know: its newest is {found.newest}."
            " Install a newer version"
        )
    if not found.is_current:
        raise typer.Exit(FAILED)


@db_app.command("current")
def current(database_url: DatabaseUrl = _USUAL, as_json: JsonOption = False) -> None:
    """Print the revision of the schema; nothing for a database without tables."""
    with _failing_well():
        found = schema_status(database_url)
    if as_json:
        print_json({"revision": found.revision})
    else:
        typer.echo(found.revision or "")


@db_app.command("upgrade")
def upgrade(database_url: DatabaseUrl = _USUAL, as_json: JsonOption = False) -> None:
    """Create or migrate the tables; a server does so by itself when it starts."""
    with _failing_well():
        upgrade_schema(database_url)
        revision = schema_status(database_url).revision
    if as_json:
        print_json({"revision": revision})
    else:
        typer.echo(f"the database is at {revision}")


@db_app.command("purge")
def purge(database_url: DatabaseUrl = _USUAL, as_json: JsonOption = False) -> None:
    """Remove now what was kept long enough, as INTEGRATIONBUS_RETAIN_SUCCEEDED and the other settings say.

    A server does so by itself, all the time. On SQLite the command needs a database that no server works on.
    """
    with _failing_well():
        retention = read_settings(database_url=database_url).retention
        check_there(database_url)
        opened = open_store(database_url, SystemClock())
        try:
            purged = Purger(opened.store, retention).sweep()
        finally:
            opened.close()
    if as_json:
        print_json({name: number for name, number in asdict(purged).items() if name != "more"})
    else:
        numbers = (
            counted(purged.tasks, "task"),
            counted(purged.events, "change"),
            counted(purged.request_ids, "request id"),
            counted(purged.runs, "run"),
        )
        typer.echo(f"removed {', '.join(numbers)}")


@db_app.command("backup")
def backup_command(
    target: Annotated[Path, typer.Argument(help="The file to write; must not exist.")],
    database_url: DatabaseUrl = _USUAL,
    as_json: JsonOption = False,
) -> None:
    """Copy a SQLite database, also while a server works on it."""
    with _failing_well():
        size = backup(database_url, target)
    if as_json:
        print_json({"copy": str(target), "bytes": size})
        return
    typer.echo(f"{target} holds a copy of {size:,} bytes")


@db_app.command("restore")
def restore_command(
    source: Annotated[Path, typer.Argument(help="The copy to put back; it is left as it is.")],
    database_url: DatabaseUrl = _USUAL,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the database, and keep it beside the new one.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Put a copy of a SQLite database back, while no server works on it. Tokens from before are refused then."""
    with _failing_well():
        restored = restore(database_url, source, force=force)
    if as_json:
        print_json(restored)
        return
    typer.echo(f"{source} is restored; the id of the store is {restored.store_id} now")
    if restored.aside is not None:
        typer.echo(f"the database that was there is {restored.aside} now")


@db_app.command("restamp")
def restamp_command(database_url: DatabaseUrl = _USUAL, as_json: JsonOption = False) -> None:
    """Give a database that was put back by other means a new id, as after pg_restore; old tokens are refused then."""
    with _failing_well():
        store_id = restamp(database_url)
    if as_json:
        print_json({"store_id": store_id})
    else:
        typer.echo(f"the id of the store is {store_id} now")


@db_app.command("adopt")
def adopt_command(
    target_url: Annotated[
        str,
        typer.Option(envvar="INTEGRATIONBUS_TARGET_URL", help="The database of the objects, as the server is told."),
    ],
    database_url: DatabaseUrl = _USUAL,
    as_json: JsonOption = False,
) -> None:
    """Let a target belong to the bus again, when it and the database were put back as they were at one moment."""
    with _failing_well():
        settings = read_settings(database_url=database_url, target_url=target_url)
        store_id = adopt_target(settings.database_url, settings.target_url)
    if as_json:
        print_json({"store_id": store_id})
    else:
        typer.echo(f"the target belongs to the bus with the store id {store_id} now")


@contextmanager
def _failing_well() -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, BusError, DatabaseInUse, SchemaTooNew) as error:
        fail(str(error))
