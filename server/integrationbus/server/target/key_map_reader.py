"""Asking the key map, both ways and many keys at once."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from sqlalchemy import Connection

from integrationbus.server.object_view import KnownKey, ResolvedKey
from integrationbus.server.registry import ConnectorRegistry
from integrationbus.server.storage.database import Database
from integrationbus.server.target import key_map

__all__ = ["KeyMapReader"]

_T = TypeVar("_T")

_AT_A_TIME = 500  # databases limit the values in a statement


class KeyMapReader:
    """Translates keys by what the tasks of a connector made. Blocks and may raise StoreUnavailable."""

    def __init__(self, database: Database, registry: ConnectorRegistry) -> None:
        self._database = database
        self._registry = registry

    def resolve(self, connector: str, keys: Sequence[KnownKey]) -> Sequence[ResolvedKey]:
        """An answer for each key, in their order: the side that was given, and the other if it is known.

        Raises ConnectorNotFound or ObjectTypeNotFound.
        """
        connector_id = self._registry.get(connector).id
        by_type: dict[str, set[str | int]] = {}
        for key in keys:
            by_type.setdefault(self._registry.classes.get(key.object_type).object_type, set()).add(key.known)
        answers: dict[KnownKey, ResolvedKey] = {}
        with self._database.read() as connection:
            for object_type, known in by_type.items():
                answers |= _resolve(connection, connector_id, object_type, known)
        return [answers[key] for key in keys]


def _resolve(
    connection: Connection, connector_id: int, object_type: str, known: set[str | int]
) -> dict[KnownKey, ResolvedKey]:
    """The answers for the keys of one type."""
    object_ids: dict[str, int] = {}
    for names in _parts(sorted(item for item in known if isinstance(item, str))):
        object_ids |= key_map.look_up(connection, connector_id, object_type, names)
    wanted = {item for item in known if isinstance(item, int)} | set(object_ids.values())
    external_ids: dict[int, list[str]] = {}
    for ids in _parts(sorted(wanted)):
        external_ids |= key_map.look_up_external_ids(connection, connector_id, object_type, ids)

    def answer(item: str | int) -> ResolvedKey:
        object_id = object_ids.get(item, 0) if isinstance(item, str) else item
        names = external_ids.get(object_id, [item] if isinstance(item, str) else [])
        return ResolvedKey(object_type, tuple(names), object_id)

    return {KnownKey(object_type, item): answer(item) for item in known}


def _parts(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    return (items[start : start + _AT_A_TIME] for start in range(0, len(items), _AT_A_TIME))
