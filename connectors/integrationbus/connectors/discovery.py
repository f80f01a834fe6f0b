"""Finding connector classes: by entry point and by setting."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from importlib.metadata import entry_points

from integrationbus.connectors.connector import IntegrationConnector
from integrationbus.connectors.object_class import describe
from integrationbus.connectors.policies import (
    Accepts,
    Cron,
    Every,
    FailOnMissingKey,
    OnLog,
    OnNotify,
    RetryPolicy,
    WaitForMissingKey,
)

__all__ = [
    "CONNECTOR_NAME",
    "ENTRY_POINT_GROUP",
    "FoundConnector",
    "check_connector_class",
    "find_connectors",
    "use_connector",
]

ENTRY_POINT_GROUP = "integrationbus.connectors"

_KINDS: dict[str, tuple[type, ...]] = {
    "display_name": (str,),
    "object_classes": (tuple,),
    "accepts": (Accepts,),
    "trigger": (OnLog, OnNotify, Every, Cron),
    "retry": (RetryPolicy,),
    "missing_key": (FailOnMissingKey, WaitForMissingKey),
    "clear_translations_after_processing": (bool,),
}
"""What the attributes of a connector class must be: a wrong one would fail calls that are about other connectors."""

_FILES = (".yaml", ".yml", ".toml")

CONNECTOR_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
"""What the whole name of a connector must match."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundConnector:
    """A connector, or the reason why it cannot be used; exactly one of ``connector`` and ``problem`` is set.

    ``name`` is the best name known: the connector's own, else the entry point's, else the class path.
    """

    name: str
    class_path: str
    connector: IntegrationConnector | None = None
    problem: str = ""


def find_connectors(class_paths: Iterable[str], *, use_entry_points: bool = True) -> list[FoundConnector]:
    """Load every connector, each on its own: one that fails is reported and keeps none of the others away.

    ``class_paths`` are "module:Class", or paths of files that end in .yaml, .yml or .toml. A class that is found twice
    counts once; two classes of one name are both unusable, since nobody could say which one a task means.
    """
    wanted = {path.strip(): path.strip() for path in class_paths if path.strip()}
    if use_entry_points:
        wanted |= {entry.value: entry.name for entry in entry_points(group=ENTRY_POINT_GROUP)}
    found = [_load(path, name, partial(_make, path)) for path, name in wanted.items()]
    loaded = {type(item.connector): item for item in found if item.connector is not None}
    broken = [item for item in found if item.connector is None]
    return list(_with_distinct_names(loaded.values(), broken))


def use_connector(cls: type[IntegrationConnector]) -> FoundConnector:
    """A class in hand, as ``find_connectors`` would find it; it need not be reachable by its path."""
    class_path = f"{cls.__module__}:{cls.__qualname__}"

    def make() -> IntegrationConnector:
        return check_connector_class(cls, class_path)()

    return _load(class_path, class_path, make)


def check_connector_class(cls: object, class_path: str) -> type[IntegrationConnector]:
    """The same class. Raises TypeError or ValueError, with what to change, when the server could not use it."""
    if not (isinstance(cls, type) and issubclass(cls, IntegrationConnector)):
        raise TypeError(f"{class_path} is not a subclass of IntegrationConnector")
    name = getattr(cls, "name", None)
    if not (isinstance(name, str) and CONNECTOR_NAME.fullmatch(name)):
        raise ValueError(f"{class_path}.name must be 1 to 100 of a-z 0-9 . _ - and start with a letter or a digit")
    for attribute, kind in _KINDS.items():
        value = getattr(cls, attribute)
        if not isinstance(value, kind):
            wanted = " or ".join(each.__name__ for each in kind)
            raise TypeError(f"{class_path}.{attribute} must be an instance of {wanted}, not {value!r}")
    for object_class in cls.object_classes:
        describe(object_class)
    return cls


def _load(class_path: str, fallback_name: str, make: Callable[[], IntegrationConnector]) -> FoundConnector:
    try:
        connector = make()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - user code: even SystemExit must not end the server
        problem = f"{type(error).__name__}: {error}"
        return FoundConnector(name=fallback_name, class_path=class_path, problem=problem)
    return FoundConnector(name=connector.name, class_path=class_path, connector=connector)


def _make(class_path: str) -> IntegrationConnector:
    found = _class_of_file(class_path) if class_path.lower().endswith(_FILES) else _class_of_module(class_path)
    return check_connector_class(found, class_path)()


def _class_of_module(class_path: str) -> object:
    module_name, _, class_name = class_path.partition(":")
    if not class_name:
        raise ValueError(f"{class_path!r} is not of the form module:Class")
    return getattr(import_module(module_name), class_name)


def _class_of_file(path: str) -> object:
    try:
        from integrationbus.connectors.declarative import connector_class  # noqa: PLC0415 - an extra brings its parsers
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"connector files need integrationbus[declarative]: {error}") from error
    return connector_class(path)


def _with_distinct_names(
    loaded: Iterable[FoundConnector], broken: Iterable[FoundConnector]
) -> Iterator[FoundConnector]:
    by_name: dict[str, list[FoundConnector]] = {}
    for item in loaded:
        by_name.setdefault(item.name, []).append(item)
    for name, items in by_name.items():
        yield items[0] if len(items) == 1 else _clash(name, [item.class_path for item in items])
    taken = set(by_name)
    for item in broken:
        named = replace(item, name=item.class_path) if item.name in taken else item
        taken.add(named.name)
        yield named


def _clash(name: str, class_paths: list[str]) -> FoundConnector:
    problem = f"{len(class_paths)} connectors are named {name!r}: {', '.join(class_paths)}"
    return FoundConnector(name=name, class_path=class_paths[0], problem=problem)
