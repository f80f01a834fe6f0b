"""The connectors of this server: what was loaded, joined with what the store knows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from integrationbus.connectors.connector import IntegrationConnector
from integrationbus.connectors.object_class import ObjectClass
from integrationbus.server.class_catalog import ClassCatalog
from integrationbus.server.errors import ConnectorNotFound

__all__ = ["ConnectorRegistry", "RegisteredConnector"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredConnector:
    """A connector of the store. ``connector`` is None when its class cannot be used, and ``problem`` says why.

    ``rejected`` is the one that could be made and cannot work here, if it came that far.
    """

    id: int
    name: str
    class_path: str
    connector: IntegrationConnector | None
    problem: str
    object_classes: Mapping[str, ObjectClass]
    rejected: IntegrationConnector | None = None


class ConnectorRegistry:
    """Looks up connectors by name. Immutable once built; ``classes`` are those of all of them, and the shipped ones."""

    def __init__(self, connectors: Iterable[RegisteredConnector], shared_classes: Iterable[ObjectClass]) -> None:
        self._connectors = {item.name: item for item in sorted(connectors, key=lambda item: item.name)}
        self._by_id = {item.id: item for item in self._connectors.values()}
        own = [each for item in self._connectors.values() for each in item.object_classes.values()]
        self.classes = ClassCatalog([*shared_classes, *own])

    @property
    def connectors(self) -> Sequence[RegisteredConnector]:
        """All of them, by name."""
        return list(self._connectors.values())

    @property
    def names(self) -> Sequence[str]:
        """The names of all, in order."""
        return list(self._connectors)

    def names_of(self, connector_ids: Iterable[int]) -> Sequence[str]:
        """The names of connectors by their ids in the store, in order."""
        return sorted(self._by_id[each].name for each in set(connector_ids) if each in self._by_id)

    def knows(self, name: str) -> bool:
        """Whether there is a connector of that name."""
        return name in self._connectors

    def get(self, name: str) -> RegisteredConnector:
        """One connector. Raises ConnectorNotFound."""
        try:
            return self._connectors[name]
        except KeyError:
            raise ConnectorNotFound(name) from None
