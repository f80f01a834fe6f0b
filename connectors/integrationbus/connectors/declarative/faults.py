"""What is wrong with a connector file, and where."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

__all__ = ["Fault", "Faults", "InvalidConnectorFile", "Position", "did_you_mean", "one_of"]


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file. Lines and columns count from 1, columns in characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong; the message says what is allowed."""

    file: str
    position: Position
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.position.line}:{self.position.column}: {self.message}"


class Faults:
    """Collects what is wrong with one file."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._found: list[Fault] = []

    def add(self, position: Position, message: str) -> None:
        """Note a fault."""
        self._found.append(Fault(self._file, position, message))

    def __len__(self) -> int:
        return len(self._found)

    @property
    def in_order(self) -> Sequence[Fault]:
        """All of them, by their place in the file."""
        return sorted(self._found)


class InvalidConnectorFile(ValueError):
    """A connector file that cannot be used. The text has one line for each fault."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


def one_of(names: Iterable[str]) -> str:
    """The names in an order that does not change, as a message lists them."""
    return ", ".join(sorted(names)) or "nothing"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """What to say of an unknown name: the nearest known one, else all of them."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    return f"did you mean {near[0]}?" if near else f"known are {one_of(names)}"
