"""The names that stored objects go by: those who wait may know an object otherwise than the task that wrote it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, select

from integrationbus.connectors.models import NodeInfo
from integrationbus.connectors.object_class import ObjectClass
from integrationbus.server.class_catalog import ClassCatalog
from integrationbus.server.object_names import PAGE, ObjectName, by_code_name, by_guid

__all__ = ["stored_names"]

_nodes: Any = NodeInfo.__table__
_AT_A_TIME = 500  # databases limit the values in a statement


def stored_names(
    connection: Connection, catalog: ClassCatalog, written: Iterable[tuple[str, int]]
) -> Iterator[ObjectName]:
    """The GUIDs and code names of objects, given by type and id, as they are stored; of pages, the GUIDs."""
    by_type: dict[str, list[int]] = defaultdict(list)
    for object_type, object_id in written:
        by_type[object_type].append(object_id)
    for object_type, ids in by_type.items():
        object_class = catalog.get(object_type)
        for start in range(0, len(ids), _AT_A_TIME):
            part = ids[start : start + _AT_A_TIME]
            find = _of_pages if object_class.is_page else _of_objects
            yield from find(connection, object_class, part)


def _of_objects(connection: Connection, object_class: ObjectClass, ids: Sequence[int]) -> Iterator[ObjectName]:
    info = object_class.info
    naming = {
        attribute: name for attribute, name in ((info.guid, by_guid), (info.code_name, by_code_name)) if attribute
    }
    if not naming:
        return
    columns = [object_class.columns[attribute] for attribute in naming]
    for row in connection.execute(select(*columns).where(object_class.id_column.in_(ids))):
        for name, value in zip(naming.values(), row, strict=True):
            if value is not None:
                yield name(object_class.object_type, str(value))


def _of_pages(connection: Connection, page: ObjectClass, ids: Sequence[int]) -> Iterator[ObjectName]:
    own = select(page.columns["document_node_id"]).where(page.id_column.in_(ids))
    for guid in connection.execute(select(_nodes.c.node_guid).where(_nodes.c.node_id.in_(own))).scalars():
        yield by_guid(PAGE, guid)
