"""Tables for people, JSON for programs."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from integrationbus.client import ResumeToken, TaskState

__all__ = [
    "Cell",
    "JsonOption",
    "as_text",
    "console",
    "counted",
    "moment",
    "one_line",
    "print_json",
    "print_table",
    "state_text",
    "to_plain",
]

Cell = str | Text

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

console = Console()
_pipe = Console(width=100_000)
"""For what is no terminal: programs such as grep want a row on a line, however wide."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

_COLOURS = {
    TaskState.SUCCEEDED: "green",
    TaskState.FAILED: "red",
    TaskState.RETRY_WAIT: "yellow",
    TaskState.RUNNING: "cyan",
    TaskState.DELETED: "dim",
    TaskState.SKIPPED: "yellow",
}


def print_json(value: object) -> None:
    """Print a value of the client as one line of JSON, in ASCII for an output that has not all characters."""
    typer.echo(json.dumps(to_plain(value), ensure_ascii=console.options.ascii_only))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Cell]], *, empty: str) -> None:
    """Print a table; when there is nothing, say so. Cells are shown as they are, whatever brackets they have.

    For what is no terminal each row is one line.
    """
    if not rows:
        typer.echo(empty)
        return
    if not console.is_terminal:
        rows = [[one_line(str(cell)) for cell in row] for row in rows]
    table = Table(header_style="bold")
    for name in columns:
        # A cut id is of no use: on a narrow terminal it goes on in the next line.
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*as_text(row))
    (console if console.is_terminal else _pipe).print(table)


def as_text(cells: Sequence[Cell]) -> list[Text]:
    """Cells that are no markup."""
    return [cell if isinstance(cell, Text) else Text(cell) for cell in cells]


def one_line(text: str) -> str:
    """A text without what would end its line, or move about in it."""
    return _CONTROLS.sub(" ", text)


def to_plain(value: object) -> object:
    """A value of the client as JSON can hold it: enumerations by name, times in ISO 8601, bytes in base64."""
    match value:
        case ResumeToken():
            return value.to_text()
        case IntEnum() if value == 0:
            return None  # no value: see OpenEnum
        case Enum():
            return value.name
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case bytes():
            return base64.b64encode(value).decode()
        case UUID() | Decimal():
            return str(value)
        case Mapping():
            return {str(key): to_plain(item) for key, item in value.items()}
        case list() | tuple():
            return [to_plain(item) for item in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
        case str() | int() | float() | bool() | None:
            return value
        case _:
            return str(value)


def counted(number: int, noun: str) -> str:
    """A number with its noun, which gets an s unless there is one: 1 task, 2 tasks."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def moment(value: datetime | None) -> str:
    """A time in the zone of the reader."""
    return "" if value is None else value.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def state_text(state: TaskState) -> Text:
    """A state in its colour."""
    return Text(state.name, style=_COLOURS.get(state, ""))
