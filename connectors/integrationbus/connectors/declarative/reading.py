"""Reading tables: what is missing, unknown or of the wrong type becomes a fault, and reading goes on."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from integrationbus.connectors.declarative.faults import Faults, Position, did_you_mean, one_of
from integrationbus.connectors.declarative.source import Entry, Value

__all__ = ["Table", "items_of", "named_values", "text_of"]


class Table:
    """A table with known keys. ``what`` is what messages call it."""

    def __init__(
        self, value: Value, faults: Faults, what: str, known: Collection[str], required: Collection[str] = ()
    ) -> None:
        self.position = value.position
        self._faults = faults
        self._entries = dict(named_values(value, faults, what))
        for name, entry in self._entries.items():
            if name not in known:
                faults.add(entry.key, f"{what} has no key {name}; {did_you_mean(name, known)}")
        if isinstance(value.content, Mapping):
            for name in required:
                if name not in self._entries:
                    faults.add(value.position, f"{what} needs {name}")

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def get(self, name: str) -> Value | None:
        """A value of any type, or None when the key is absent."""
        entry = self._entries.get(name)
        return None if entry is None else entry.value

    def position_of(self, name: str) -> Position:
        """The place of a value, or of the table when the key is absent."""
        value = self.get(name)
        return self.position if value is None else value.position

    def text(self, name: str) -> str | None:
        """A text, or None when the key is absent or something else."""
        value = self.get(name)
        return None if value is None else text_of(value, self._faults, name)

    def choice(self, name: str, allowed: Collection[str]) -> str | None:
        """One of the allowed texts, or None when the key is absent or something else."""
        text = self.text(name)
        if text is None or text in allowed:
            return text
        self._faults.add(self.position_of(name), f"{name} must be one of {one_of(allowed)}, not {text}")
        return None

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false."""
        value = self.get(name)
        if value is None or isinstance(value.content, bool):
            return default if value is None else bool(value.content)
        self._faults.add(value.position, f"{name} must be true or false, not {value.kind}")
        return default

    def whole_number(self, name: str, *, least: int) -> int | None:
        """An integer of at least ``least``, or None when the key is absent or something else."""
        value = self.get(name)
        if value is None:
            return None
        if isinstance(value.content, int) and not isinstance(value.content, bool) and value.content >= least:
            return value.content
        given = value.content if isinstance(value.content, int | float) else value.kind
        self._faults.add(value.position, f"{name} must be a whole number of at least {least}, not {given}")
        return None


def text_of(value: Value, faults: Faults, what: str) -> str | None:
    """A text that is not empty, or None."""
    if isinstance(value.content, str) and value.content.strip():
        return value.content
    kind = "an empty one" if isinstance(value.content, str) else value.kind
    faults.add(value.position, f"{what} must be a text, not {kind}")
    return None


def items_of(value: Value, faults: Faults, what: str) -> Sequence[Value]:
    """The items of a list; none when it is something else."""
    if isinstance(value.content, Sequence) and not isinstance(value.content, str):
        return value.content
    faults.add(value.position, f"{what} must be a list, not {value.kind}")
    return ()


def named_values(value: Value, faults: Faults, what: str) -> Iterator[tuple[str, Entry]]:
    """The entries of a table; none when it is something else."""
    if isinstance(value.content, Mapping):
        yield from value.content.items()
    else:
        faults.add(value.position, f"{what} must be a table, not {value.kind}")
