"""The connectors of this server: what was loaded, joined with what the store knows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from integrationbus.connectors.connector import IntegrationConnector
from integrationbus.connectors.object_class import ObjectClass
from integrationbus.server.errors import ConnectorNotFound, ObjectTypeNotFound

__all__ = ["ConnectorRegistry", "RegisteredConnector"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredConnector:
    """A connector of the store. ``connector`` is None when its class cannot be used, and ``problem`` says why."""

    id: int
    name: str
    class_path: str
    connector: IntegrationConnector | None
    problem: str
    object_classes: Mapping[str, ObjectClass]


class ConnectorRegistry:
    """Looks up connectors by name, and internal classes by type and table. Immutable once built."""

    def __init__(self, connectors: Iterable[RegisteredConnector], shared_classes: Iterable[ObjectClass]) -> None:
        self._connectors = {item.name: item for item in sorted(connectors, key=lambda item: item.name)}
        self._names = {item.id: item.name for item in self._connectors.values()}
        classes = list(shared_classes)
        for item in self._connectors.values():
            classes.extend(item.object_classes.values())
        self._by_type = {item.object_type: item for item in classes}
        self._by_table = {item.table.name: item for item in classes}

    @property
    def connectors(self) -> Sequence[RegisteredConnector]:
        """All of them, by name."""
        return list(self._connectors.values())

    @property
    def names(self) -> Sequence[str]:
        """The names of all, in order."""
        return list(self._connectors)

    @property
    def object_classes(self) -> Sequence[ObjectClass]:
        """Every internal class, by object type."""
        return [self._by_type[name] for name in sorted(self._by_type)]

    def get(self, name: str) -> RegisteredConnector:
        """One connector. Raises ConnectorNotFound."""
        try:
            return self._connectors[name]
        except KeyError:
            raise ConnectorNotFound(name) from None

    def name_of(self, connector_id: int) -> str:
        """The name of a connector by its id in the store."""
        return self._names[connector_id]

    def object_class(self, object_type: str) -> ObjectClass:
        """The internal class of a type. Raises ObjectTypeNotFound."""
        try:
            return self._by_type[object_type]
        except KeyError:
            raise ObjectTypeNotFound(object_type) from None

    def object_class_of_table(self, table_name: str) -> ObjectClass | None:
        """The internal class of a table, or None when the table is not one of the bus's."""
        return self._by_table.get(table_name)
