"""Writing objects: a group of one class at a time."""

from collections.abc import Iterable, Sequence
from functools import cache

from sqlalchemy import Connection, Table, bindparam, insert, update

from integrationbus.connectors.object_class import ObjectClass
from integrationbus.server.class_catalog import ClassCatalog
from integrationbus.server.storage.statement import Statement
from integrationbus.server.target import key_map
from integrationbus.server.target.deletion import Deletion
from integrationbus.server.target.identity import find_existing, foreign_key_values
from integrationbus.server.target.ids import allocate_ids, insert_with_next_id
from integrationbus.server.target.row import TargetRow
from integrationbus.server.task import TaskEffect, TaskResult

__all__ = ["delete_group", "find_group", "write_group"]


def write_group(
    connection: Connection, connector_id: int, object_class: ObjectClass, rows: Sequence[TargetRow]
) -> list[TaskResult]:
    """Create or update the objects of a group, and remember their external ids."""
    known = _known_ids(connection, connector_id, object_class, rows)
    existing = find_existing(connection, object_class, rows, known)
    if len(rows) > 1 and _meet(object_class, rows, existing):
        return [result for row in rows for result in write_group(connection, connector_id, object_class, [row])]
    new = [row for row, found in zip(rows, existing, strict=True) if found is None]
    new_ids = iter(_create(connection, object_class, new))
    ids = [next(new_ids) if found is None else found for found in existing]
    pairs = list(zip(rows, ids, strict=True))
    _update(connection, object_class, [pair for pair, found in zip(pairs, existing, strict=True) if found is not None])
    current = {row.external_id: object_id for row, object_id in pairs if row.external_id}
    key_map.remember(connection, connector_id, object_class.object_type, known=known, current=current)
    return [
        TaskResult(
            effect=TaskEffect.CREATED if found is None else TaskEffect.UPDATED,
            object_type=object_class.object_type,
            object_id=object_id,
            notes=row.notes,
        )
        for (row, object_id), found in zip(pairs, existing, strict=True)
    ]


def delete_group(
    connection: Connection,
    connector_id: int,
    object_class: ObjectClass,
    rows: Sequence[TargetRow],
    catalog: ClassCatalog,
) -> list[TaskResult]:
    """Delete the objects of a group, with what cannot be without them."""
    if len(rows) > 1 and catalog.referring_to(object_class.table.name):
        # What goes along has to be told apart by the task that took it.
        return [
            result for row in rows for result in delete_group(connection, connector_id, object_class, [row], catalog)
        ]
    existing = find_group(connection, connector_id, object_class, rows)
    deletion = Deletion(connection, catalog)
    deletion.delete(object_class, [found for found in existing if found is not None])
    return [
        TaskResult(
            effect=TaskEffect.NOTHING_TO_DELETE if object_id is None else TaskEffect.DELETED,
            object_type=object_class.object_type,
            object_id=object_id or 0,
            notes=row.notes,
            touched=deletion.touched,
        )
        for row, object_id in zip(rows, existing, strict=True)
    ]


def find_group(
    connection: Connection, connector_id: int, object_class: ObjectClass, rows: Sequence[TargetRow]
) -> list[int | None]:
    """The id of the stored object for each row, or None. Raises IdentityMissing and KeyAmbiguous."""
    known = _known_ids(connection, connector_id, object_class, rows)
    return find_existing(connection, object_class, rows, known)


def _meet(object_class: ObjectClass, rows: Sequence[TargetRow], existing: Sequence[int | None]) -> bool:
    """Whether two rows are one object: by different names, or as bindings of the same keys. Their order counts then."""
    found = [object_id for object_id in existing if object_id is not None]
    if len(set(found)) < len(found):
        return True
    keys = [foreign_key_values(object_class, row) for row in rows] if object_class.is_binding else []
    return len(set(keys)) < len(keys)


def _known_ids(
    connection: Connection, connector_id: int, object_class: ObjectClass, rows: Sequence[TargetRow]
) -> dict[str, int]:
    external_ids = {row.external_id for row in rows if row.external_id}
    if not external_ids:
        return {}
    return key_map.look_up(connection, connector_id, object_class.object_type, external_ids)


_Pairs = Sequence[tuple[TargetRow, int]]


def _create(connection: Connection, object_class: ObjectClass, rows: Sequence[TargetRow]) -> Sequence[int]:
    """Insert objects; returns their ids.

    One statement for each set of columns, so that a column that was not set takes its default.
    """
    if len(rows) == 1 and connection.dialect.name == "postgresql":
        [row] = rows
        names = _column_names(object_class, tuple(row.values))
        return [insert_with_next_id(connection, object_class.table, names, tuple(row.values.values()))]
    ids = allocate_ids(connection, object_class.table, len(rows)) if rows else ()
    for attributes, part in _by_attributes(list(zip(rows, ids, strict=True))).items():
        names = (object_class.id_column.name, *_column_names(object_class, attributes))
        tuples = [(object_id, *row.values.values()) for row, object_id in part]
        _insert_of(object_class.table, names).run_each(connection, names, tuples)
    return ids


def _update(connection: Connection, object_class: ObjectClass, pairs: _Pairs) -> None:
    for attributes, part in _by_attributes(pairs).items():
        if attributes:
            columns = _column_names(object_class, attributes)
            statement = _update_of(object_class.table, object_class.id_column.name, columns)
            rows = [(object_id, *row.values.values()) for row, object_id in part]
            statement.run_each(connection, ("_id", *(f"_{name}" for name in columns)), rows)


@cache
def _insert_of(table: Table, names: tuple[str, ...]) -> Statement:
    return Statement(insert(table), names)


@cache
def _update_of(table: Table, key: str, columns: tuple[str, ...]) -> Statement:
    values = {name: bindparam(f"_{name}", type_=table.c[name].type) for name in columns}
    return Statement(update(table).where(table.c[key] == bindparam("_id")).values(values))


def _column_names(object_class: ObjectClass, attributes: Iterable[str]) -> tuple[str, ...]:
    return tuple(object_class.columns[attribute].name for attribute in attributes)


def _by_attributes(pairs: _Pairs) -> dict[tuple[str, ...], list[tuple[TargetRow, int]]]:
    found: dict[tuple[str, ...], list[tuple[TargetRow, int]]] = {}
    for row, object_id in pairs:
        found.setdefault(tuple(row.values), []).append((row, object_id))
    return found
