"""Writing pages: one at a time, since a page may be the parent of the next."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from integrationbus.connectors.models import NodeInfo
from integrationbus.server.class_catalog import ClassCatalog
from integrationbus.server.prepared import NodePlace
from integrationbus.server.problems import IdentityMissing, ParentNotFound, TargetRefused
from integrationbus.server.target import key_map
from integrationbus.server.target.deletion import Deletion
from integrationbus.server.target.ids import allocate_ids
from integrationbus.server.target.row import TargetRow
from integrationbus.server.target.translate import Translator
from integrationbus.server.task import TaskEffect, TaskResult

__all__ = ["PageWriter"]

_nodes: Any = NodeInfo.__table__
_Node = Row[Any]


class PageWriter:
    """Writes pages of one connector within one transaction."""

    def __init__(
        self, connection: Connection, connector_id: int, catalog: ClassCatalog, translator: Translator
    ) -> None:
        self._connection = connection
        self._connector_id = connector_id
        self._catalog = catalog
        self._translator = translator

    def write(self, row: TargetRow) -> TaskResult:
        """Create or update one culture version; a page that is not there yet is put below its parent."""
        site_id = self._translator.site_id(row.prepared.task.site)
        place = _place(row)
        parent = self._parent(site_id, place)
        node = self._find(site_id, row, place, parent)
        node_id = self._insert_node(site_id, row, place, parent) if node is None else self._keep(node, row)
        document_id, effect = self._write_document(node_id, row)
        if row.external_id:
            object_type = row.prepared.object_class.object_type
            known = key_map.look_up(self._connection, self._connector_id, object_type, [row.external_id])
            current = {row.external_id: node_id}
            key_map.remember(self._connection, self._connector_id, object_type, known=known, current=current)
        return _result(row, effect, document_id)

    def delete(self, row: TargetRow) -> TaskResult:
        """Delete one culture version."""
        site_id = self._translator.site_id(row.prepared.task.site)
        place = _place(row)
        node = self._find_to_delete(site_id, row, place)
        document_id = None if node is None else self._document_id(node.node_id, row)
        if document_id is None:
            return _result(row, TaskEffect.NOTHING_TO_DELETE, 0)
        Deletion(self._connection, self._catalog).delete(row.prepared.object_class, [document_id])
        return _result(row, TaskEffect.DELETED, document_id)

    def _parent(self, site_id: int, place: NodePlace) -> _Node | None:
        """The parent page; None when the page stands at the root of its site. Raises ParentNotFound."""
        parent_id = place.parent_id
        if place.parent_key is not None:
            parent_id = self._translator.node_id(place.parent_key)
            if parent_id is None:
                raise ParentNotFound(f"the parent {place.parent_key.describe()} does not exist: create it first")
        path = (place.parent_path or "/").rstrip("/")
        if parent_id is None and not path:
            return None
        condition = _nodes.c.node_id == parent_id if parent_id is not None else _nodes.c.node_alias_path == path
        node = self._one_node(_nodes.c.node_site_id == site_id, condition)
        if node is None:
            where = f"with id {parent_id}" if parent_id is not None else f"at {path}"
            raise ParentNotFound(f"there is no page {where} on the site: create it first", field_paths=["parent_path"])
        return node

    def _find(self, site_id: int, row: TargetRow, place: NodePlace, parent: _Node | None) -> _Node | None:
        """The page of a row: by GUID, else by path, else by what the key map knows."""
        on_site = _nodes.c.node_site_id == site_id
        if place.guid is not None:
            node = self._one_node(on_site, _nodes.c.node_guid == place.guid)
            if node is not None:
                return node
        if place.alias is not None:
            node = self._one_node(on_site, _nodes.c.node_alias_path == _path(parent, place.alias))
            if node is not None and (place.guid is None or node.node_guid == place.guid):
                return node
        if row.external_id:
            object_type = row.prepared.object_class.object_type
            known = key_map.look_up(self._connection, self._connector_id, object_type, [row.external_id])
            if known:
                return self._one_node(on_site, _nodes.c.node_id == known[row.external_id])
        if place.guid is None and place.alias is None and not row.external_id:
            raise IdentityMissing("set node_guid or node_alias, or give the task an external_id")
        return None

    def _find_to_delete(self, site_id: int, row: TargetRow, place: NodePlace) -> _Node | None:
        """The page of a row; one below a parent that is gone can only be found by what does not depend on its path."""
        try:
            parent = self._parent(site_id, place)
        except ParentNotFound:
            nameless = replace(place, alias=None)
            return self._find(site_id, row, nameless, None) if place.guid is not None or row.external_id else None
        return self._find(site_id, row, place, parent)

    def _keep(self, node: _Node, row: TargetRow) -> int:
        object_type = row.prepared.object_class.object_type
        if node.node_class != object_type:
            raise TargetRefused(f"the page at {node.node_alias_path} is a {node.node_class}, not a {object_type}")
        return int(node.node_id)

    def _insert_node(self, site_id: int, row: TargetRow, place: NodePlace, parent: _Node | None) -> int:
        if place.alias is None:
            raise IdentityMissing("a new page needs a node_alias", field_paths=["node_alias"])
        node_id = allocate_ids(self._connection, _nodes, 1)[0]
        values = {
            "node_id": node_id,
            "node_guid": place.guid or uuid4(),
            "node_site_id": site_id,
            "node_parent_id": None if parent is None else parent.node_id,
            "node_class": row.prepared.object_class.object_type,
            "node_alias": place.alias,
            "node_alias_path": _path(parent, place.alias),
        }
        self._connection.execute(insert(_nodes).values(values))
        return node_id

    def _write_document(self, node_id: int, row: TargetRow) -> tuple[int, TaskEffect]:
        page = row.prepared.object_class
        columns = {page.columns[attribute].name: value for attribute, value in row.values.items()}
        document_id = self._document_id(node_id, row)
        if document_id is not None:
            self._connection.execute(update(page.table).where(page.id_column == document_id).values(columns))
            return document_id, TaskEffect.UPDATED
        document_id = allocate_ids(self._connection, page.table, 1)[0]
        keys = {page.id_column.name: document_id, page.columns["document_node_id"].name: node_id}
        self._connection.execute(insert(page.table).values(columns | keys))
        return document_id, TaskEffect.CREATED

    def _document_id(self, node_id: int, row: TargetRow) -> int | None:
        page = row.prepared.object_class
        culture = row.values.get("document_culture")
        if not culture:
            raise IdentityMissing("a page needs a document_culture", field_paths=["document_culture"])
        statement = select(page.id_column).where(
            page.columns["document_node_id"] == node_id, page.columns["document_culture"] == culture
        )
        found: Any = self._connection.execute(statement).scalar_one_or_none()
        return None if found is None else int(found)

    def _one_node(self, *conditions: ColumnElement[bool]) -> _Node | None:
        return self._connection.execute(select(_nodes).where(*conditions)).one_or_none()


def _place(row: TargetRow) -> NodePlace:
    place = row.prepared.place
    assert place, "a page has a place"
    if place.alias is not None and "/" in place.alias:
        raise TargetRefused("node_alias is one segment of the path and has no slash", field_paths=["node_alias"])
    return place


def _path(parent: _Node | None, alias: str) -> str:
    return f"{parent.node_alias_path if parent is not None else ''}/{alias}"


def _result(row: TargetRow, effect: TaskEffect, document_id: int) -> TaskResult:
    object_type = row.prepared.object_class.object_type
    return TaskResult(effect=effect, object_type=object_type, object_id=document_id, notes=row.notes)
