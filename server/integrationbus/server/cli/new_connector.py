"""``integrationbus connectors new``."""

import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from integrationbus.connectors.discovery import CONNECTOR_NAME
from integrationbus.connectors.object_class import describe
from integrationbus.server.cli.connection import fail
from integrationbus.server.loading import SHIPPED_CLASSES

__all__ = ["new_connector"]

_FILES = {
    "README.md": "README.md",
    "pyproject.toml": "pyproject.toml",
    "$package/__init__.py": "__init__.py",
    "$package/connector.py": "connector.py",
    "tests/test_connector.py": "test_connector.py",
}
"""Where each file goes, and the template that it is made of."""

_OBJECT_TYPE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_LONGEST_OBJECT_TYPE = 60  # PostgreSQL cuts the names of tables at 63
_SDK_CLASSES = ("BaseInfo", "IntegrationConnector", "TypeInfo")


def new_connector(
    name: Annotated[str, typer.Argument(help="What tasks will call the connector, for example crm.")],
    folder: Annotated[
        Path, typer.Option(help="Where to put the folder of the connector.", file_okay=False, writable=True)
    ] = Path(),
    object_type: Annotated[
        str | None, typer.Option(help="The type of the objects that it makes, for example crm.contact.")
    ] = None,
) -> None:
    """Write a connector to start from, with its tests, as a package of its own; no server is needed."""
    values = _values_of(name, object_type)
    project = folder / values["project"]
    texts = {project / Template(path).substitute(values): _text(source, values) for path, source in _FILES.items()}
    taken = [str(path) for path in texts if path.exists()]
    if taken:
        fail(f"nothing was written, for there is already {', '.join(taken)}")
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    typer.echo(f"{project}/")
    for path in texts:
        typer.echo(f"    {path.relative_to(project)}")
    typer.echo(f"Next:\n    cd {project}\n    pip install --editable '.[dev]'\n    pytest")


def _values_of(name: str, object_type: str | None) -> Mapping[str, str]:
    """What the templates put in. Raises BadParameter."""
    if not CONNECTOR_NAME.fullmatch(name) or not name[0].isalpha():
        raise typer.BadParameter(
            f"{name!r} is no name for a connector: 1 to 100 of a-z 0-9 . _ -, and a letter at the start"
        )
    module = re.sub(r"[.-]", "_", name)
    object_type = _checked_type(object_type or f"{module}.item")
    item = object_type.rpartition(".")[2]
    connector, info = f"{_camel(name)}Connector", f"{_camel(item)}Info"
    for cls, origin in ((connector, name), (info, object_type)):
        if cls in _SDK_CLASSES:
            raise typer.BadParameter(f"{origin!r} would have the class {cls}, which is one of the SDK's")
    first, second = sorted((connector, info))
    return {
        "name": name,
        "project": f"{name}-connector",
        "package": f"{module}_connector",
        "object_type": object_type,
        "item": item,
        "table": object_type.replace(".", "_"),
        "connector": connector,
        "info": info,
        "first_class": first,
        "second_class": second,
    }


def _checked_type(object_type: str) -> str:
    if not _OBJECT_TYPE.fullmatch(object_type) or len(object_type) > _LONGEST_OBJECT_TYPE:
        raise typer.BadParameter(
            f"{object_type!r} is no object type: words of a-z 0-9 _ with dots between them, for example crm.contact, "
            f"at most {_LONGEST_OBJECT_TYPE} characters; set one with --object-type"
        )
    shipped = [describe(cls) for cls in SHIPPED_CLASSES]
    if object_type in [item.object_type for item in shipped]:
        raise typer.BadParameter(f"{object_type!r} is a type that the bus has already")
    if object_type.replace(".", "_") in [item.table.name for item in shipped]:
        raise typer.BadParameter(f"the table of {object_type!r} would be one that the bus has already")
    return object_type


def _camel(text: str) -> str:
    return "".join(part.capitalize() for part in re.split(r"[._-]+", text))


def _text(source: str, values: Mapping[str, str]) -> str:
    template = files("integrationbus.server.cli") / "skeleton" / f"{source}.template"
    return Template(template.read_text(encoding="utf-8")).substitute(values)
