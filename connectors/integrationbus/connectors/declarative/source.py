"""What stands in a connector file, with the place of everything. YAML and TOML become the same values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from integrationbus.connectors.declarative.faults import Position

__all__ = ["Content", "Entry", "Value"]


@dataclass(frozen=True, slots=True)
class Value:
    """A value. ``text_position`` is where the characters of a text start, when they stand in the file as they are."""

    position: Position
    content: "Content"
    text_position: Position | None = None

    @property
    def kind(self) -> str:
        """What a message calls it."""
        match self.content:
            case None:
                return "null"
            case bool():
                return "true or false"
            case int() | float():
                return "a number"
            case str():
                return "a text"
            case Mapping():
                return "a table"
            case _:
                return "a list"


@dataclass(frozen=True, slots=True)
class Entry:
    """A value in a table, and the place of its key."""

    key: Position
    value: Value


Content = None | bool | int | float | str | Sequence[Value] | Mapping[str, Entry]
