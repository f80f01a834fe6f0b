"""Which objects belong to which sites: the bindings that ADD_TO_SITE makes and REMOVE_FROM_SITE deletes."""

from typing import Any

from sqlalchemy import ColumnElement, delete, insert, select

from integrationbus.connectors.object_class import ObjectClass
from integrationbus.server.problems import WrongObject
from integrationbus.server.target.ids import allocate_ids
from integrationbus.server.target.session import TargetSession
from integrationbus.server.task import TaskEffect, TouchedObject

__all__ = ["SiteAssignment"]


class SiteAssignment:
    """Assigns objects of one class to a site. Making one raises WrongObject for a class that knows no sites."""

    def __init__(self, session: TargetSession, object_class: ObjectClass, site_id: int) -> None:
        found = session.catalog.site_binding_of(object_class)
        if found is None:
            raise WrongObject(f"{object_class.object_type} cannot be assigned to sites: no binding joins it to them")
        self._connection = session.connection
        self._binding, key = found
        self._object = self._binding.columns[key.attribute]
        self._site = self._binding.columns[self._binding.info.site or ""]
        self._site_id = site_id

    def add(self, object_id: int) -> tuple[TouchedObject, ...]:
        """Assign an object, unless it is assigned; returns the binding that was made, if any."""
        if self._existing(object_id):
            return ()
        [binding_id] = allocate_ids(self._connection, self._binding.table, 1)
        values = {
            self._binding.id_column.name: binding_id,
            self._object.name: object_id,
            self._site.name: self._site_id,
        }
        self._connection.execute(insert(self._binding.table).values(values))
        return (TouchedObject(self._binding.object_type, binding_id, TaskEffect.CREATED),)

    def remove(self, object_id: int) -> tuple[TouchedObject, ...]:
        """Take an object off the site; returns the binding that was deleted, if any."""
        existing = self._existing(object_id)
        if existing:
            self._connection.execute(delete(self._binding.table).where(self._binding.id_column.in_(existing)))
        return tuple(TouchedObject(self._binding.object_type, each, TaskEffect.DELETED) for each in existing)

    def _existing(self, object_id: int) -> list[int]:
        condition: ColumnElement[bool] = (self._object == object_id) & (self._site == self._site_id)
        found: Any = self._connection.execute(select(self._binding.id_column).where(condition)).scalars()
        return list(found)
