"""Checks of single fields. Each raises a refusal that names the field by its path."""

import re
from collections.abc import Iterable
from enum import IntEnum
from functools import cache
from typing import TypeVar

from integrationbus.server.errors import FieldProblem, InvalidField

__all__ = ["MAX_NAME_BYTES", "check_text", "choice", "choices", "has_control", "invalid"]

MAX_NAME_BYTES = 500
"""No id or name is longer. Connectors that could not be loaded may go by the path of their class."""

# Not str.isprintable(): that also refuses no-break spaces and the joiners inside emoji, which people do write.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_E = TypeVar("_E", bound=IntEnum)


def invalid(path: str, description: str) -> InvalidField:
    """The refusal of one field."""
    return InvalidField(FieldProblem(path, description))


def has_control(text: str) -> bool:
    """Whether there are control characters in a text."""
    # What can be printed has none, and is known sooner.
    return not text.isprintable() and _CONTROL.search(text) is not None


def check_text(path: str, text: str, max_bytes: int, *, required: bool = False) -> str:
    """The text, if it is short enough and has no control characters."""
    if not text:
        if required:
            raise invalid(path, "is required")
        return text
    size = len(text) if text.isascii() else len(text.encode())
    if size > max_bytes:
        raise invalid(path, f"is {size} bytes long, {max_bytes} are allowed")
    if has_control(text):
        raise invalid(path, "must not hold control characters")
    return text


def choice(path: str, number: int, values: type[_E], default: _E | None = None) -> _E:
    """The value with a number; the default for 0."""
    if number == 0 and default is not None:
        return default
    value: _E | None = _by_number(values).get(number)
    if value is None:
        known = ", ".join(f"{value.name} ({int(value)})" for value in values)
        what = "is required" if number == 0 else f"has no value {number}"
        raise invalid(path, f"{what}; known values are {known}")
    return value


def choices(path: str, numbers: Iterable[int], values: type[_E], default: _E | None = None) -> tuple[_E, ...]:
    """The values with these numbers; the default for 0."""
    return tuple(choice(f"{path}[{index}]", number, values, default) for index, number in enumerate(numbers))


@cache
def _by_number(values: type[_E]) -> dict[int, _E]:
    return {int(value): value for value in values}
