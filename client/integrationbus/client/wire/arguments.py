"""Arguments of the wrong type, refused by their name: protobuf's own errors say neither which it is nor what to use."""

from collections.abc import Iterable, Mapping
from enum import IntEnum

__all__ = ["enum_number", "enum_numbers", "seconds", "several", "text", "text_map", "texts", "type_name", "wrong_type"]


def wrong_type(path: str, wanted: str, value: object) -> TypeError:
    """The error for an argument, or a field of one, that is something else than what is wanted."""
    return TypeError(f"{path}: use {wanted}, not {type_name(value)}")


def type_name(value: object) -> str:
    """What to call a value that cannot travel, without showing what is in it."""
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__


def text(value: object, path: str) -> str:
    """Return text. Raises TypeError for anything else, and ValueError for text that cannot travel."""
    if not isinstance(value, str):
        raise wrong_type(path, "text", value)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{path}: the text is not valid Unicode: {error.reason}") from error
    return value


def texts(value: object, path: str) -> list[str]:
    """Return one text or many. Raises as ``text``."""
    return [text(item, path) for item in several(value, path)]


def text_map(value: object, path: str) -> dict[str, str]:
    """Return a mapping of text to text. Raises as ``text``."""
    if not isinstance(value, Mapping):
        raise wrong_type(path, "a mapping of text to text", value)
    return {text(name, path): text(item, path) for name, item in value.items()}


def enum_number(value: object, enumeration: type[IntEnum], path: str) -> int:
    """Return the number of a member. Raises TypeError for what has none, such as a name.

    The members of the connector SDK's enumerations have the same numbers, and are taken as well.
    """
    if not isinstance(value, int):
        name = enumeration.__name__
        raise TypeError(f"{path}: use {name}, such as {name}.{next(iter(enumeration)).name}, not {value!r}")
    return value


def enum_numbers(value: object, enumeration: type[IntEnum], path: str) -> list[int]:
    """Return the numbers of one member or many. Raises as ``enum_number``."""
    return [enum_number(item, enumeration, path) for item in several(value, path)]


def seconds(value: object, path: str) -> float:
    """Return a number of seconds. Raises TypeError for anything else."""
    if not isinstance(value, int | float):
        raise wrong_type(path, "a number of seconds", value)
    return value


def several(value: object, path: str) -> list[object]:
    """One value or many, as a list; a text is one value. Raises TypeError for what is neither."""
    if isinstance(value, str | int):
        return [value]
    if not isinstance(value, Iterable):
        raise wrong_type(path, "one value or many", value)
    return list(value)
