"""Which stored object a prepared one is."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, and_, select, tuple_

from integrationbus.connectors.models import InternalObject
from integrationbus.connectors.object_class import ObjectClass, describe
from integrationbus.server.problems import IdentityMissing, KeyAmbiguous
from integrationbus.server.storage.search import Search
from integrationbus.server.target.row import TargetRow

__all__ = ["find_existing", "foreign_key_values"]

_Hits = Sequence[tuple[Any, ...]]
"""Stored objects: the id of each, and what tells it apart from others of its name."""


def find_existing(
    connection: Connection, object_class: ObjectClass, rows: Sequence[TargetRow], known: Mapping[str, int]
) -> list[int | None]:
    """The id of the stored object for each row, or None.

    By GUID if the row has one, else by code name within its site and parent, or by what the key map knows (``known``,
    ids by external id): an object that was renamed upstream is still the same object. A binding, which has neither GUID
    nor code name, is found by its foreign keys together. Raises IdentityMissing for a row that can be found by nothing,
    and KeyAmbiguous when several objects fit, also when external id and code name belong to two.
    """
    by_guid = _by_column(connection, object_class, object_class.info.guid, rows)
    by_code = _by_code_name(connection, object_class, rows)
    if not object_class.is_binding:
        there = _existing_ids(connection, object_class, set(known.values()))
        mapped = {external_id: object_id for external_id, object_id in known.items() if object_id in there}
        return [_pick(object_class, row, by_guid, by_code, mapped) for row in rows]
    by_keys = _by_foreign_keys(connection, object_class, rows)
    return [by_keys.get(foreign_key_values(object_class, row)) for row in rows]


def _pick(
    object_class: ObjectClass,
    row: TargetRow,
    by_guid: Mapping[Any, _Hits],
    by_code: Mapping[Any, _Hits],
    mapped: Mapping[str, int],
) -> int | None:
    info = object_class.info
    guid = row.values.get(info.guid) if info.guid else None
    code = row.values.get(info.code_name) if info.code_name else None
    if guid is None and code is None and not row.external_id:
        names = " or ".join(name for name in (info.guid, info.code_name) if name)
        raise IdentityMissing(f"{object_class.object_type}: set {names}, or give the task an external_id")
    of_guid = _only(object_class, guid, by_guid.get(guid, ()))
    if of_guid is not None:
        return of_guid
    of_code = _only(object_class, code, [hit for hit in by_code.get(code, ()) if _in_scope(object_class, row, hit)])
    of_id = mapped.get(row.external_id)
    if of_code is not None and of_id is not None and of_code != of_id:
        text = f"external id {row.external_id!r} is object {of_id}, but code name {code!r} is object {of_code}"
        raise KeyAmbiguous(f"{object_class.object_type}: {text}")
    return of_id if of_code is None else of_code


def _only(object_class: ObjectClass, name: object, hits: _Hits) -> int | None:
    if len(hits) > 1:
        raise KeyAmbiguous(f"{object_class.object_type} {name!r} fits {len(hits)} objects")
    return int(hits[0][0]) if hits else None


def _by_code_name(connection: Connection, object_class: ObjectClass, rows: Sequence[TargetRow]) -> dict[Any, _Hits]:
    return _by_column(connection, object_class, object_class.info.code_name, rows)


def _by_column(
    connection: Connection, object_class: ObjectClass, attribute: str | None, rows: Sequence[TargetRow]
) -> dict[Any, _Hits]:
    """Stored rows by the value of a column, with what tells them apart, for the values that the rows have."""
    wanted = {row.values[attribute] for row in rows if row.values.get(attribute) is not None} if attribute else set()
    if not wanted or attribute is None:
        return {}
    found: dict[Any, list[tuple[Any, ...]]] = {}
    for value, *hit in _search(object_class.cls, attribute).rows(connection, list(wanted)):
        found.setdefault(value, []).append(tuple(hit))
    return dict(found)


@cache
def _search(cls: type[InternalObject], attribute: str) -> Search:
    """Kept, because making a statement takes longer than executing it."""
    object_class = describe(cls)
    column = object_class.columns[attribute]
    scope = [object_class.columns[name] for name in _scope(object_class)]
    return Search(select(column, object_class.id_column, *scope), column)


def _in_scope(object_class: ObjectClass, row: TargetRow, hit: tuple[Any, ...]) -> bool:
    scope = zip(_scope(object_class), hit[1:], strict=True)
    return all(value == row.values[name] for name, value in scope if name in row.values)


def _scope(object_class: ObjectClass) -> list[str]:
    info = object_class.info
    return [name for name in (info.site, info.parent) if name is not None]


def _existing_ids(connection: Connection, object_class: ObjectClass, ids: set[int]) -> set[int]:
    if not ids:
        return set()
    return {object_id for (object_id,) in _search_by_id(object_class.id_column).rows(connection, list(ids))}


@cache
def _search_by_id(column: Column[Any]) -> Search:
    return Search(select(column), column)


def foreign_key_values(object_class: ObjectClass, row: TargetRow) -> tuple[Any, ...]:
    """What a binding is found by; None for a key that it does not have."""
    return tuple(row.values.get(key.attribute) for key in object_class.foreign_keys)


def _by_foreign_keys(
    connection: Connection, object_class: ObjectClass, rows: Sequence[TargetRow]
) -> dict[tuple[Any, ...], int]:
    columns = [object_class.columns[key.attribute] for key in object_class.foreign_keys]
    if not columns:
        raise IdentityMissing(f"{object_class.object_type} has no code name, no GUID and no foreign key to be found by")
    found: dict[tuple[Any, ...], int] = {}
    wanted = {foreign_key_values(object_class, row) for row in rows}
    complete = [keys for keys in wanted if None not in keys]
    conditions: list[ColumnElement[bool]] = [tuple_(*columns).in_(complete)] if complete else []
    # SQL finds no NULL by equality, or in a list.
    for keys in wanted.difference(complete):
        pairs = zip(columns, keys, strict=True)
        conditions.append(and_(*(column.is_not_distinct_from(value) for column, value in pairs)))
    for condition in conditions:
        for row in connection.execute(select(object_class.id_column, *columns).where(condition)):
            found[tuple(row[1:])] = row[0]
    return found
