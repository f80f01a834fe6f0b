"""The internal classes of the server, by type and by table."""

from collections.abc import Iterable, Sequence

from integrationbus.connectors.object_class import ForeignKeyInfo, ObjectClass
from integrationbus.server.errors import ObjectTypeNotFound

__all__ = ["ClassCatalog"]


class ClassCatalog:
    """Immutable; knows every class of every connector, and the shipped ones."""

    def __init__(self, classes: Iterable[ObjectClass]) -> None:
        self._by_type = {item.object_type: item for item in classes}
        self._by_table = {item.table.name: item for item in self._by_type.values()}
        self._referring: dict[str, list[tuple[ObjectClass, ForeignKeyInfo]]] = {}
        for item in self._by_type.values():
            for key in item.foreign_keys:
                self._referring.setdefault(key.target_table, []).append((item, key))

    @property
    def page_types(self) -> Sequence[str]:
        """The types of pages."""
        return [name for name, item in self._by_type.items() if item.is_page]

    def get(self, object_type: str) -> ObjectClass:
        """The class of a type. Raises ObjectTypeNotFound."""
        try:
            return self._by_type[object_type]
        except KeyError:
            raise ObjectTypeNotFound(object_type) from None

    def of_table(self, table_name: str) -> ObjectClass | None:
        """The class of a table, or None when it is not one of the bus's."""
        return self._by_table.get(table_name)

    def referring_to(self, table_name: str) -> Sequence[tuple[ObjectClass, ForeignKeyInfo]]:
        """The foreign keys that point at a table."""
        return self._referring.get(table_name, ())

    def parts_of(self, object_class: ObjectClass) -> Sequence[tuple[ObjectClass, ForeignKeyInfo]]:
        """What a snapshot of an object may hold: children, by their parent or group, and bindings, by any key."""
        return [
            (part, key)
            for part, key in self.referring_to(object_class.table.name)
            if part.is_binding or key.attribute in (part.info.parent, part.info.group)
        ]

    def site_binding_of(self, object_class: ObjectClass) -> tuple[ObjectClass, ForeignKeyInfo] | None:
        """The binding between objects of a class and sites, and its key to the object; None for global classes."""
        bindings = ((part, key) for part, key in self.referring_to(object_class.table.name) if part.is_binding)
        return next(((part, key) for part, key in bindings if part.info.site not in (None, key.attribute)), None)
