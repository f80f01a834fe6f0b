"""``integrationbus objects watch``."""

from typing import Annotated

import typer
from rich.text import Text

from integrationbus.client import ObjectChange, ObjectWatch, ResumeToken
from integrationbus.server.cli.connection import ServerOption, connect
from integrationbus.server.cli.go_on import saying_how_to_go_on
from integrationbus.server.cli.output import JsonOption, console, moment, print_json

__all__ = ["watch"]


def watch(
    object_type: Annotated[
        list[str] | None, typer.Option("--type", help="Only objects of this type. May be repeated.")
    ] = None,
    connector: Annotated[list[str] | None, typer.Option(help="Only of this connector. May be repeated.")] = None,
    since: Annotated[str | None, typer.Option(help="Go on behind this resume token.")] = None,
    with_objects: Annotated[bool, typer.Option("--with-objects", help="With each object as it is then.")] = False,
    count: Annotated[int | None, typer.Option(min=1, help="End after so many lines.")] = None,
    server: ServerOption = "127.0.0.1:50051",
    as_json: JsonOption = False,
) -> None:
    """Show changes of objects as tasks make them, until Ctrl-C; then say where to go on."""
    with connect(server) as client:
        token = None if since is None else ResumeToken.from_text(since)
        watching = client.watch_objects(object_type or (), connector or (), since=token, with_objects=with_objects)
        options = {"--type": object_type, "--connector": connector}
        flags = {"--with-objects": with_objects, "--json": as_json}
        with watching as changes, saying_how_to_go_on("objects watch", changes, server, options, flags):
            _show(changes, count, as_json=as_json)


def _show(changes: ObjectWatch, count: int | None, *, as_json: bool) -> None:
    for number, change in enumerate(changes, 1):
        if as_json:
            print_json({"change": change, "resume_token": changes.resume_token})
        else:
            console.print(_line(change), soft_wrap=True)
        if number == count:
            return


def _line(change: ObjectChange) -> Text:
    known_as = f" ({change.external_id})" if change.external_id else ""
    name = f"  {change.object.code_name}" if change.object else ""
    target = f"{change.object_type} {change.object_id}{known_as}{name}"
    who = f"{change.connector}  {change.effect.name}  {target}  by task {change.task_id}"
    return Text(f"{moment(change.occurred_at)}  {who}")
