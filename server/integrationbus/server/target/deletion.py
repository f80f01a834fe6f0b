"""Deleting objects and pages, and what follows for those that point at them."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, delete, select, update

from integrationbus.connectors.models import Dependency, NodeInfo
from integrationbus.connectors.object_class import ForeignKeyInfo, ObjectClass
from integrationbus.server.class_catalog import ClassCatalog
from integrationbus.server.problems import TargetRefused
from integrationbus.server.target import key_map
from integrationbus.server.task import TaskEffect, TouchedObject

__all__ = ["Deletion"]

_nodes: Any = NodeInfo.__table__
_AT_A_TIME = 1_000  # databases limit the values in a statement


class Deletion:
    """One deletion with everything that it takes along.

    Objects that need a deleted one are deleted too, and so are bindings; the other references to it are cleared or go
    to their default. A page goes with its last culture version, and takes the pages below it along. ``touched`` is what
    happened to other objects than those that were asked for.
    """

    def __init__(self, connection: Connection, catalog: ClassCatalog) -> None:
        self._connection = connection
        self._catalog = catalog
        self._doomed: set[tuple[str, int]] = set()
        self._changed: dict[tuple[str, int], TaskEffect] = {}

    @property
    def touched(self) -> tuple[TouchedObject, ...]:
        """The other objects that were deleted, or lost a reference."""
        return tuple(TouchedObject(name, object_id, effect) for (name, object_id), effect in self._changed.items())

    def delete(self, object_class: ObjectClass, ids: Sequence[int]) -> None:
        """Delete objects, or culture versions of pages."""
        self._delete(object_class, ids)
        for object_id in ids:
            self._changed.pop((object_class.object_type, object_id), None)

    def delete_page(self, node_id: int) -> None:
        """Delete a page with all its cultures and everything below it."""
        self._delete_nodes([node_id])

    def _delete(self, object_class: ObjectClass, ids: Sequence[int]) -> None:
        fresh = self._newly_doomed(object_class.table.name, ids)
        for part in _parts(fresh):
            self._delete_some(object_class, part)

    def _delete_some(self, object_class: ObjectClass, ids: Sequence[int]) -> None:
        table = object_class.table
        nodes = self._nodes_of(object_class, ids) if object_class.is_page else []
        self._release(table.name, ids)
        self._connection.execute(delete(table).where(object_class.id_column.in_(ids)))
        self._note(object_class, ids, TaskEffect.DELETED)
        if object_class.is_page:
            self._delete_nodes(sorted(set(nodes) - self._with_cultures(object_class, nodes)))
        else:
            key_map.forget(self._connection, object_class.object_type, ids)

    def _delete_nodes(self, ids: Sequence[int]) -> None:
        """Delete pages and everything below them, the deepest level first."""
        levels: list[list[int]] = []
        level = self._newly_doomed(_nodes.name, ids)
        while level:
            levels.append(level)
            below: list[int] = []
            for part in _parts(level):
                found = self._connection.execute(select(_nodes.c.node_id).where(_nodes.c.node_parent_id.in_(part)))
                below += found.scalars()
            level = self._newly_doomed(_nodes.name, below)
        for level in reversed(levels):
            for part in _parts(level):
                self._delete_some_nodes(part)

    def _delete_some_nodes(self, ids: Sequence[int]) -> None:
        """Delete pages that have nothing below them any more."""
        by_type: dict[str, list[int]] = {}
        rows = self._connection.execute(select(_nodes.c.node_id, _nodes.c.node_class).where(_nodes.c.node_id.in_(ids)))
        for node_id, page_type in rows:
            by_type.setdefault(page_type, []).append(node_id)
        for page_type, nodes in by_type.items():
            page = self._catalog.get(page_type)
            documents = select(page.id_column).where(page.columns["document_node_id"].in_(nodes))
            self._delete(page, list(self._connection.execute(documents).scalars()))
            key_map.forget(self._connection, page_type, nodes)
        self._release(_nodes.name, ids)
        self._connection.execute(delete(_nodes).where(_nodes.c.node_id.in_(ids)))

    def _release(self, table_name: str, ids: Sequence[int]) -> None:
        """Do with every object that points at these rows what the kind of its foreign key says."""
        for referring, key in self._catalog.referring_to(table_name):
            column = referring.columns[key.attribute]
            found = self._connection.execute(select(referring.id_column).where(column.in_(ids)))
            referring_ids = list(found.scalars())
            if not referring_ids:
                continue
            if key.dependency in (Dependency.REQUIRED, Dependency.BINDING):
                self._delete(referring, referring_ids)
                if column.nullable:
                    # What is still there is about to be deleted, too, and needs what is deleted now: a circle.
                    self._connection.execute(update(referring.table).where(column.in_(ids)).values({column.name: None}))
                continue
            instead = self._default_id(key, ids) if key.dependency is Dependency.REQUIRED_HAS_DEFAULT else None
            self._connection.execute(update(referring.table).where(column.in_(ids)).values({column.name: instead}))
            self._note(referring, referring_ids, TaskEffect.UPDATED)

    def _note(self, object_class: ObjectClass, ids: Sequence[int], effect: TaskEffect) -> None:
        self._changed.update({(object_class.object_type, object_id): effect for object_id in ids})

    def _default_id(self, key: ForeignKeyInfo, ids: Sequence[int]) -> int:
        target = self._catalog.of_table(key.target_table)
        if target is not None and target.info.code_name is not None:
            column = target.columns[target.info.code_name]
            statement = select(target.id_column).where(column == key.default_code_name, target.id_column.not_in(ids))
            found: Any = self._connection.execute(statement).scalar_one_or_none()
            if found is not None:
                return int(found)
        raise TargetRefused(f"the default object {key.default_code_name!r} of {key.attribute} does not exist")

    def _newly_doomed(self, table_name: str, ids: Sequence[int]) -> list[int]:
        """Those that this deletion does not hold yet; objects that need each other would go round for ever."""
        fresh = [object_id for object_id in ids if (table_name, object_id) not in self._doomed]
        self._doomed.update((table_name, object_id) for object_id in fresh)
        return fresh

    def _nodes_of(self, page: ObjectClass, document_ids: Sequence[int]) -> list[int]:
        statement = select(page.columns["document_node_id"]).where(page.id_column.in_(document_ids)).distinct()
        found: Any = self._connection.execute(statement).scalars()
        return list(found)

    def _with_cultures(self, page: ObjectClass, node_ids: Sequence[int]) -> set[int]:
        """Those of the pages that still have a culture version."""
        column = page.columns["document_node_id"]
        found: Any = self._connection.execute(select(column).where(column.in_(node_ids))).scalars()
        return set(found)


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _AT_A_TIME):
        yield ids[start : start + _AT_A_TIME]
