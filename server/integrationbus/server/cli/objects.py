"""``integrationbus objects``."""

from enum import Enum
from itertools import islice
from typing import Annotated
from uuid import UUID

import typer

from integrationbus.client import BusObject, ExternalKey, ObjectKey
from integrationbus.server.cli.connection import ServerOption, connect
from integrationbus.server.cli.object_watch import watch
from integrationbus.server.cli.output import JsonOption, console, print_json, print_table, to_plain

__all__ = ["objects_app"]

objects_app = typer.Typer(name="objects", help="Read back what tasks made.", no_args_is_help=True)

ObjectType = Annotated[str, typer.Argument(help="The internal type, for example cms.user.")]


class KeyKind(Enum):
    """How an object is named."""

    CODE_NAME = "code-name"
    ID = "id"
    GUID = "guid"
    EXTERNAL_ID = "external-id"


@objects_app.command("list")
def list_objects(
    object_type: ObjectType,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    server: ServerOption = "127.0.0.1:50051",
    as_json: JsonOption = False,
) -> None:
    """List the objects of a type, by id."""
    with connect(server) as client:
        found = list(islice(client.list_objects(object_type, page_size=min(limit, 1000)), limit))
        total = client.count_objects(object_type)
    if as_json:
        print_json(found)
        return
    names = sorted(found[0].fields) if found else []
    print_table(["id", *names], [_row(item, names) for item in found], empty=f"no {object_type}")
    if total > len(found):
        typer.echo(f"{len(found)} of {total}; more with --limit")


@objects_app.command("get")
def get(
    object_type: ObjectType,
    key: Annotated[str, typer.Argument(help="Its code name; or what --by says.")],
    by: Annotated[KeyKind, typer.Option(help="What the key is.")] = KeyKind.CODE_NAME,
    connector: Annotated[str, typer.Option(help="With --by external-id: the connector that knows it.")] = "",
    server: ServerOption = "127.0.0.1:50051",
    as_json: JsonOption = False,
) -> None:
    """Show one object."""
    with connect(server) as client:
        found = client.get_object(object_type, _key(key, by, connector))
    if as_json:
        print_json(found)
    else:
        console.print_json(data=to_plain(found))


@objects_app.command("resolve")
def resolve(
    connector: Annotated[str, typer.Argument(help="The connector that knows the objects.")],
    object_type: ObjectType,
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="External ids; internal ones with --internal.")],
    internal: Annotated[bool, typer.Option("--internal", help="The ids are internal ones.")] = False,
    server: ServerOption = "127.0.0.1:50051",
    as_json: JsonOption = False,
) -> None:
    """Translate external ids to internal ones, or back."""
    keys = [_known_key(object_type, text, internal=internal) for text in ids]
    with connect(server) as client:
        found = client.resolve_keys(connector, keys)
    if as_json:
        print_json(found)
        return
    rows = [[", ".join(key.external_ids) or "-", "-" if key.object_id is None else str(key.object_id)] for key in found]
    print_table(["external id", "internal id"], rows, empty="no ids")


objects_app.command("watch")(watch)


def _known_key(object_type: str, text: str, *, internal: bool) -> ObjectKey:
    if not internal:
        return ObjectKey(object_type, external_id=text)
    try:
        return ObjectKey(object_type, object_id=int(text))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no internal id") from None


def _key(key: str, by: KeyKind, connector: str) -> int | UUID | str | ExternalKey:
    try:
        match by:
            case KeyKind.ID:
                return int(key)
            case KeyKind.GUID:
                return UUID(key)
            case KeyKind.EXTERNAL_ID if not connector:
                raise typer.BadParameter("--by external-id needs --connector")
            case KeyKind.EXTERNAL_ID:
                return ExternalKey(connector, key)
            case KeyKind.CODE_NAME:
                return key
    except ValueError:
        raise typer.BadParameter(f"{key!r} is no {by.value}") from None


def _row(item: BusObject, names: list[str]) -> list[str]:
    return [str(item.id), *("" if (value := to_plain(item.fields[name])) is None else str(value) for name in names)]
