"""Enumerations as people type them: create-object, skip-on-error."""

from collections.abc import Callable
from enum import IntEnum
from typing import Annotated, TypeVar

import typer

__all__ = ["ConnectorName", "labels_of", "named"]

_E = TypeVar("_E", bound=IntEnum)

ConnectorName = Annotated[str, typer.Argument(metavar="NAME", help="The connector.")]


def named(values: type[_E]) -> Callable[[str | _E], _E]:
    """Reads a value by its name, in any case, with hyphens or underscores; a default is a value already."""

    def read(text: str | _E) -> _E:
        if isinstance(text, values):
            return text
        try:
            return values[str(text).upper().replace("-", "_")]
        except KeyError:
            known = ", ".join(value.name.lower().replace("_", "-") for value in values)
            raise typer.BadParameter(f"{text!r} is not one of {known}") from None

    read.__name__ = values.__name__
    return read


def labels_of(pairs: list[str]) -> dict[str, str]:
    """Labels given as name=value."""
    labels = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{pair!r} is not of the form name=value")
        labels[name] = value
    return labels
