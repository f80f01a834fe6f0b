"""Checks of single fields. Each raises a refusal that names the field by its path."""

from collections.abc import Iterable
from enum import IntEnum
from typing import TypeVar

from integrationbus.server.errors import FieldProblem, InvalidField

__all__ = ["check_text", "choice", "choices", "invalid"]

_E = TypeVar("_E", bound=IntEnum)


def invalid(path: str, description: str) -> InvalidField:
    """The refusal of one field."""
    return InvalidField(FieldProblem(path, description))


def check_text(path: str, text: str, max_bytes: int, *, required: bool = False) -> str:
    """The text, if it is short enough and printable."""
    if not text:
        if required:
            raise invalid(path, "is required")
        return text
    size = len(text.encode())
    if size > max_bytes:
        raise invalid(path, f"is {size} bytes long, {max_bytes} are allowed")
    if not text.isprintable():
        raise invalid(path, "must not hold control characters")
    return text


def choice(path: str, number: int, values: type[_E], default: _E | None = None) -> _E:
    """The value with a number; the default for 0."""
    if number == 0 and default is not None:
        return default
    try:
        return values(number)
    except ValueError:
        known = ", ".join(f"{value.name} ({int(value)})" for value in values)
        what = "is required" if number == 0 else f"has no value {number}"
        raise invalid(path, f"{what}; known values are {known}") from None


def choices(path: str, numbers: Iterable[int], values: type[_E]) -> tuple[_E, ...]:
    """The values of a filter; 0 among them means any."""
    found = [(index, number) for index, number in enumerate(numbers)]
    if any(number == 0 for _, number in found):
        return ()
    return tuple(choice(f"{path}[{index}]", number, values) for index, number in found)
