"""Reading back what was written."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from integrationbus.connectors.models import NodeInfo
from integrationbus.connectors.object_class import ObjectClass
from integrationbus.server.errors import KeyAmbiguousRefused, ObjectNotFound
from integrationbus.server.object_view import ByCodeName, ByExternalId, ByGuid, ById, ObjectKey, ObjectView
from integrationbus.server.registry import ConnectorRegistry
from integrationbus.server.storage import schema
from integrationbus.server.storage.database import Database

__all__ = ["ObjectReader", "fields_of"]

_nodes: Any = NodeInfo.__table__
_AT_A_TIME = 500  # databases limit the values in a statement


class ObjectReader:
    """Finds the internal objects and pages of the bus. Every method blocks and may raise StoreUnavailable."""

    def __init__(self, database: Database, registry: ConnectorRegistry) -> None:
        self._database = database
        self._registry = registry

    def get(self, object_type: str, key: ObjectKey) -> ObjectView:
        """One object. Raises ObjectTypeNotFound, ObjectNotFound, KeyAmbiguousRefused and ConnectorNotFound."""
        object_class = self._registry.classes.get(object_type)
        statement = _selection(object_class).where(self._condition(object_class, key)).limit(2)
        with self._database.read() as connection:
            rows = connection.execute(statement).all()
        if not rows:
            raise ObjectNotFound(f"{object_type} {_name_of(key)}")
        if len(rows) > 1:
            raise KeyAmbiguousRefused(f"{object_type} {_name_of(key)} fits several objects: use the id")
        return _view(object_class, rows[0])

    def list(self, object_type: str, *, after_id: int, limit: int) -> Sequence[ObjectView]:
        """Objects of a type by id, from behind ``after_id``. Raises ObjectTypeNotFound."""
        object_class = self._registry.classes.get(object_type)
        key = object_class.id_column
        statement = _selection(object_class).where(key > after_id).order_by(key).limit(limit)
        with self._database.read() as connection:
            return [_view(object_class, row) for row in connection.execute(statement)]

    def by_ids(self, object_type: str, ids: Collection[int]) -> dict[int, ObjectView]:
        """The objects with these ids, by id; those that do not exist are left out. Raises ObjectTypeNotFound."""
        object_class = self._registry.classes.get(object_type)
        found: dict[int, ObjectView] = {}
        with self._database.read() as connection:
            wanted = sorted(ids)
            for start in range(0, len(wanted), _AT_A_TIME):
                part = wanted[start : start + _AT_A_TIME]
                rows = connection.execute(_selection(object_class).where(object_class.id_column.in_(part)))
                found |= {view.id: view for view in (_view(object_class, row) for row in rows)}
        return found

    def count(self, object_type: str) -> int:
        """How many objects of a type there are. Raises ObjectTypeNotFound."""
        table = self._registry.classes.get(object_type).table
        with self._database.read() as connection:
            return connection.execute(select(func.count()).select_from(table)).scalar_one()

    def _condition(self, object_class: ObjectClass, key: ObjectKey) -> ColumnElement[bool]:
        match key:
            case ById():
                return object_class.id_column == key.id
            case ByExternalId():
                return self._mapped(object_class, key)
            case ByGuid():
                return _equals(_guid_column(object_class), key.guid, object_class, key)
            case ByCodeName():
                return _equals(_code_name_column(object_class), key.code_name, object_class, key)

    def _mapped(self, object_class: ObjectClass, key: ByExternalId) -> ColumnElement[bool]:
        mapped = select(schema.key_map.c.object_id).where(
            schema.key_map.c.connector_id == self._registry.get(key.connector).id,
            schema.key_map.c.object_type == object_class.object_type,
            schema.key_map.c.external_id == key.external_id,
        )
        column = object_class.columns["document_node_id"] if object_class.is_page else object_class.id_column
        return column.in_(mapped)


def fields_of(connection: Connection, object_class: ObjectClass, object_id: int) -> Mapping[str, object] | None:
    """The columns of one object by attribute name, as a record can hold them; None when there is no such object."""
    row = connection.execute(_selection(object_class).where(object_class.id_column == object_id)).one_or_none()
    return None if row is None else _view(object_class, row).fields


def _equals(
    column: ColumnElement[Any] | None, value: object, object_class: ObjectClass, key: ObjectKey
) -> ColumnElement[bool]:
    if column is None:
        raise ObjectNotFound(f"{object_class.object_type} {_name_of(key)}")
    return column == value


def _guid_column(object_class: ObjectClass) -> ColumnElement[Any] | None:
    if object_class.is_page:
        return NodeInfo.__table__.c.node_guid
    return object_class.columns.get(object_class.info.guid or "")


def _code_name_column(object_class: ObjectClass) -> ColumnElement[Any] | None:
    if object_class.is_page:
        return NodeInfo.__table__.c.node_alias_path
    return object_class.columns.get(object_class.info.code_name or "")


def _selection(object_class: ObjectClass) -> Select[Any]:
    columns = [column.label(attribute) for attribute, column in object_class.columns.items()]
    if not object_class.is_page:
        return select(*columns)
    node = (_nodes.c.node_guid.label("_guid"), _nodes.c.node_alias_path.label("_path"))
    joined = object_class.table.join(_nodes, _nodes.c.node_id == object_class.columns["document_node_id"])
    return select(*columns, *node).select_from(joined)


def _view(object_class: ObjectClass, row: Row[Any]) -> ObjectView:
    values: Mapping[str, Any] = row._asdict()
    info = object_class.info
    guid = values["_guid"] if object_class.is_page else values.get(info.guid or "")
    code_name = values["_path"] if object_class.is_page else values.get(info.code_name or "")
    return ObjectView(
        object_type=object_class.object_type,
        id=values[object_class.primary_key],
        guid=str(guid or ""),
        code_name=code_name or "",
        fields={
            attribute: _plain(values[attribute])
            for attribute in object_class.columns
            if attribute != object_class.primary_key
        },
    )


def _plain(value: object) -> object:
    """The value as a record can hold it."""
    match value:
        case Enum():
            return value.name
        case date() if not isinstance(value, datetime):
            return value.isoformat()
        case _:
            return value


def _name_of(key: ObjectKey) -> str:
    match key:
        case ById():
            return f"with id {key.id}"
        case ByGuid():
            return f"with GUID {key.guid}"
        case ByCodeName():
            return repr(key.code_name)
        case ByExternalId():
            return f"{key.external_id!r} of connector {key.connector}"
