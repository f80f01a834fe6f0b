"""``integrationbus serve``."""

import asyncio
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
import uvloop
from rich.console import Console
from rich.table import Table

from integrationbus.server import __version__, failpoints
from integrationbus.server.app import App
from integrationbus.server.cli.reading_settings import read_settings, unread_variables
from integrationbus.server.errors import BusError
from integrationbus.server.settings import Settings
from integrationbus.server.storage.file_lock import DatabaseInUse
from integrationbus.server.storage.migrate import SchemaTooNew

__all__ = ["serve"]

_log = logging.getLogger(__name__)

_CANNOT_START = 1
_DATABASE_BROKE = 74
_STOPPED_IN_A_HURRY = 75

_YOUNG_OBJECTS = 10_000
"""How many objects are made before the garbage collector looks at them."""

_TURN_SECONDS = 0.0002
"""How long a thread keeps the interpreter from others that wait for it.

Measured beside a connector that computes in Python, against turns of a millisecond: a call takes 0.4 of the time, and
one beside a connector that drains 0.8; neither rate changes. With 0.05 ms both rates fall by a tenth or more.
"""


def serve(
    database_url: Annotated[
        str | None, typer.Option(help="The database, for example sqlite:///integrationbus.db.", show_default=False)
    ] = None,
    listen: Annotated[
        str | None, typer.Option(help="The address to serve on; port 0 takes a free one.", show_default=False)
    ] = None,
    connector: Annotated[
        list[str] | None, typer.Option(help="A connector class, module:Class. May be repeated.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say what happens as lines of JSON, for programs.")] = False,
) -> None:
    """Run the server until it is told to stop (Ctrl-C or SIGTERM).

    Every option can also be set in the environment: INTEGRATIONBUS_DATABASE_URL, INTEGRATIONBUS_LISTEN,
    INTEGRATIONBUS_CONNECTORS (separated by commas). Only there are INTEGRATIONBUS_TARGET_URL (another database for the
    objects), INTEGRATIONBUS_LOG_LEVEL, INTEGRATIONBUS_GRACE_SECONDS, and how long things are kept: see the guide.
    """
    given: dict[str, Any] = {
        "database_url": database_url,
        "listen": listen,
        "connectors": tuple(connector or ()) or None,
    }
    try:
        settings = read_settings(**{name: value for name, value in given.items() if value is not None})
    except ValueError as error:
        _fail(str(error))
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    # They report each step that they take, which the runs on record and the answer to "db check" do better.
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    if unread := unread_variables(os.environ):
        _log.warning("nobody reads these variables, perhaps for a slip in a name: %s", ", ".join(unread))
    _arm_failpoints()
    uvloop.run(_serve(settings, as_json=as_json))


async def _serve(settings: Settings, *, as_json: bool) -> None:
    stop = asyncio.Event()
    _stop_on_signals(stop)
    try:
        app = App(settings)
    except (OSError, ValueError, DatabaseInUse, SchemaTooNew, BusError) as error:
        _fail(str(error))
    try:
        port = await app.start()
    except (OSError, BusError) as error:
        await app.stop()
        _fail(f"cannot serve on {settings.listen}: {error}")
    sys.setswitchinterval(_TURN_SECONDS)
    _spare_collections()
    address = f"{settings.listen.rpartition(':')[0]}:{port}"
    _announce(address, settings, app, as_json=as_json)
    waits = [asyncio.create_task(each.wait()) for each in (stop, app.broken)]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    _say("stopping: finishing what is in hand", {"event": "stopping"}, as_json=as_json)
    await app.stop()
    _say("stopped", {"event": "stopped"}, as_json=as_json)
    for wait in waits:
        wait.cancel()
    if app.broken.is_set():
        # At once: nothing more may be written to the file, not even by closing it.
        os._exit(_DATABASE_BROKE)


def _spare_collections() -> None:
    """Keep the garbage collector from going through all that was loaded, again and again, while everything waits.

    Measured: full collections, which stop a server for a tenth of a second, take a fifth of the time. A batch makes
    thousands of objects that are all gone when it ends: with fewer collections of young ones it takes 0.9 of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS)


def _arm_failpoints() -> None:
    try:
        if failpoints.arm(os.environ.get(failpoints.VARIABLE, "")):
            _log.warning("failpoints are armed, which is for tests only: unset %s", failpoints.VARIABLE)
    except ValueError as error:
        _fail(str(error))


def _stop_on_signals(stop: asyncio.Event) -> None:
    """The first signal stops in order; a second one ends the process, and the next start recovers."""

    def stop_or_leave() -> None:
        if stop.is_set():
            os._exit(_STOPPED_IN_A_HURRY)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop_or_leave)


def _announce(address: str, settings: Settings, app: App, *, as_json: bool) -> None:
    connectors = [
        {"name": item.name, "class": item.class_path, "problem": item.problem} for item in app.registry.connectors
    ]
    serving = {
        "event": "serving",
        "address": address,
        "database": settings.database_name,
        "target": settings.target_name,
        "replica": app.replica_id,
        "version": __version__,
        "connectors": connectors,
    }
    places = settings.database_name + (f" and objects in {settings.target_name}" if settings.target_name else "")
    _say(f"Integration Bus {__version__} serves on {address}, with {places}", serving, as_json=as_json)
    if as_json:
        return
    if app.opened.database.kind == "postgresql":
        _say(f"this is replica {app.replica_id}; all of them: integrationbus replicas", {}, as_json=False)
    if not connectors:
        _say("no connector is configured yet: set INTEGRATIONBUS_CONNECTORS=module:Class", {}, as_json=False)
        return
    table = Table("connector", "class", "state")
    for item in connectors:
        table.add_row(item["name"], item["class"], item["problem"] or "ready")
    console = Console()
    with console.capture() as printed:
        console.print(table)
    _say(printed.get().rstrip("\n"), {}, as_json=False)


def _say(text: str, event: Mapping[str, object], *, as_json: bool) -> None:
    try:
        typer.echo(json.dumps(event) if as_json else text)
        sys.stdout.flush()
    except OSError:
        # Who listened has gone, or has no space left: no reason to stop, or to stop in any other way than in order.
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _fail(text: str) -> NoReturn:
    typer.echo(f"integrationbus: {text}", err=True)
    raise typer.Exit(_CANNOT_START)
