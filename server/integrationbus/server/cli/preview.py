"""``integrationbus preview``."""

from typing import Annotated

import typer

from integrationbus.client import Json, TaskDataType, TaskPreview
from integrationbus.server.cli.connection import FAILED, ServerOption, connect
from integrationbus.server.cli.output import JsonOption, print_json, print_table, to_plain
from integrationbus.server.cli.payloads import json_object_of, json_of
from integrationbus.server.cli.task_options import (
    DataTypeOption,
    ExternalIdOption,
    ObjectTypeOption,
    SiteOption,
    TaskTypeArgument,
)

__all__ = ["preview"]


def preview(
    connector: Annotated[str, typer.Argument(help="The connector that would process the task.")],
    task_type: TaskTypeArgument,
    record: Annotated[str | None, typer.Option(help="The object as a record: a JSON object.")] = None,
    json_payload: Annotated[str | None, typer.Option(help="The object as JSON, sent as application/json.")] = None,
    external_id: ExternalIdOption = "",
    object_type: ObjectTypeOption = "",
    site: SiteOption = "",
    data_type: DataTypeOption = TaskDataType.SIMPLE_SNAPSHOT,
    server: ServerOption = "127.0.0.1:50051",
    as_json: JsonOption = False,
) -> None:
    """Show what a task would do right now, and write nothing. Exits with 1 if it would fail or wait."""
    if (record is None) is (json_payload is None):
        raise typer.BadParameter("give one of --record and --json-payload, for a deletion too")
    payload = (
        json_object_of("--record", record) if record is not None else Json(json_of("--json-payload", json_payload))
    )
    with connect(server) as client:
        found = client.preview_task(
            connector,
            task_type,
            payload,
            external_id=external_id,
            object_type=object_type,
            site=site,
            data_type=data_type,
        )
    if as_json:
        print_json(found)
    else:
        _show(found)
    if found.problem is not None:
        raise typer.Exit(FAILED)


def _show(found: TaskPreview) -> None:
    if found.problem is not None:
        typer.echo(f"{found.problem.reason}: {found.problem.message}")
    if found.result is not None:
        typer.echo(f"{found.object_type} {found.result.object_id or ''}: {found.result.effect.name}")
        for note in found.result.notes:
            typer.echo(f"note: {note}")
    keys = {key.attribute: f"{key.object_type} {key.external_id!r}" for key in found.keys}
    rows = [
        [item.name, _text(item.before), _text(item.after), "changes" if item.changes else "", keys.get(item.name, "")]
        for item in found.fields
    ]
    print_table(["column", "stored", "new", "", "key"], rows, empty="no column would be written")


def _text(value: object) -> str:
    return "" if value is None else str(to_plain(value))
