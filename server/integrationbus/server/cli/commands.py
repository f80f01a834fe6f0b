"""All commands in one place."""

import typer

from integrationbus.server import __version__
from integrationbus.server.cli.connectors import connectors_app
from integrationbus.server.cli.db import db_app
from integrationbus.server.cli.enums import enums
from integrationbus.server.cli.info import info
from integrationbus.server.cli.log import log
from integrationbus.server.cli.notify import notify
from integrationbus.server.cli.objects import objects_app
from integrationbus.server.cli.preview import preview
from integrationbus.server.cli.replicas import replicas
from integrationbus.server.cli.runs import runs_app
from integrationbus.server.cli.serve import serve
from integrationbus.server.cli.switches import switches_app
from integrationbus.server.cli.tasks import tasks_app
from integrationbus.server.cli.watch import watch

__all__ = ["app"]

app = typer.Typer(
    name="integrationbus",
    help="Integration Bus: log synchronization tasks, and see what becomes of them.",
    epilog="Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 the server cannot be reached.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"integrationbus {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    pass


app.command()(serve)
app.command()(log)
app.command()(preview)
app.command()(watch)
app.command()(notify)
app.add_typer(tasks_app)
app.add_typer(connectors_app)
app.add_typer(runs_app)
app.add_typer(switches_app)
app.command()(replicas)
app.command()(info)
app.command()(enums)
app.add_typer(objects_app)
app.add_typer(db_app)
