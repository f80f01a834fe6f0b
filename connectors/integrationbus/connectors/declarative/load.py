"""From a file to a connector class."""

from collections.abc import Callable, Sequence
from pathlib import Path

from integrationbus.connectors.declarative.connector import DeclarativeConnector
from integrationbus.connectors.declarative.faults import Fault, Faults, InvalidConnectorFile, Position
from integrationbus.connectors.declarative.file_reading import read_connector
from integrationbus.connectors.declarative.source import Value
from integrationbus.connectors.declarative.toml_source import read_toml
from integrationbus.connectors.declarative.yaml_source import read_yaml

__all__ = ["check_file", "connector_class"]

_READERS: dict[str, Callable[[str, Faults], Value | None]] = {
    ".toml": read_toml,
    ".yaml": read_yaml,
    ".yml": read_yaml,
}

_CLASSES: dict[tuple[Path, str], type[DeclarativeConnector]] = {}
"""By the place and the text of the file."""


def check_file(path: str | Path) -> Sequence[Fault]:
    """Everything that is wrong with a connector file, in its order; nothing is defined or registered.

    A file that cannot be read is a fault as well. Modules that the file names are imported.
    """
    faults = Faults(str(path))
    text = _text(Path(path), faults)
    if text is not None:
        _read(str(path), text, faults)
    return faults.in_order


def connector_class(path: str | Path) -> type[DeclarativeConnector]:
    """The connector that a file describes; the same class as long as the file does not change.

    Raises InvalidConnectorFile with all of its faults.
    """
    faults = Faults(str(path))
    text = _text(Path(path), faults)
    if text is None:
        raise InvalidConnectorFile(faults.in_order)
    key = (Path(path).resolve(), text)
    if key not in _CLASSES:
        make = _read(str(path), text, faults)
        if make is None or len(faults):
            raise InvalidConnectorFile(faults.in_order)
        _CLASSES[key] = make()
    return _CLASSES[key]


def _read(path: str, text: str, faults: Faults) -> Callable[[], type[DeclarativeConnector]] | None:
    reader = _READERS.get(Path(path).suffix.lower())
    if reader is None:
        faults.add(Position(1, 1), f"a connector file ends in {', '.join(_READERS)}")
        return None
    try:
        value = reader(text, faults)
    except RecursionError:
        faults.add(Position(1, 1), "the file is nested too deeply")
        return None
    return None if value is None else read_connector(value, faults)


def _text(path: Path, faults: Faults) -> str | None:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        faults.add(Position(1, 1), f"the file cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        faults.add(Position(line, 1), "the file is not UTF-8")
    return None
