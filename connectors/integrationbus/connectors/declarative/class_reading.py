"""Reading ``classes``: internal classes that a file describes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from integrationbus.connectors.cms import SiteInfo
from integrationbus.connectors.declarative.class_building import is_table_taken
from integrationbus.connectors.declarative.class_names import ClassNames, of_spec
from integrationbus.connectors.declarative.class_specs import ClassSpec, ColumnSpec
from integrationbus.connectors.declarative.column_reading import read_column
from integrationbus.connectors.declarative.faults import Faults, did_you_mean
from integrationbus.connectors.declarative.reading import Table, items_of, named_values
from integrationbus.connectors.declarative.source import Value
from integrationbus.connectors.models import BaseInfo, TreeNode, TypeInfo
from integrationbus.connectors.object_class import NODE_ATTRIBUTES

__all__ = ["read_classes"]

_REQUIRED = ("object_type", "table", "columns")
_ROLE_TYPES = {
    "code_name": "text",
    "guid": "uuid",
    "site": "foreign key",
    "parent": "foreign key",
    "group": "foreign key",
    "display_name": "text",
}
"""What may stand for an object, and the type that its column must have."""
_KEYS = (*_REQUIRED, *_ROLE_TYPES, "kind", "primary_key")
_PAGE_ROLE = "display_name"
_SITE = f"{SiteInfo.__tablename__}.site_id"
_OBJECT_TYPE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_NAME_RULE = "must be at most 63 of a-z 0-9 _, start with a letter, and not be a name of SQLAlchemy's"


def read_classes(value: Value, names: ClassNames, faults: Faults) -> None:
    """Read the classes of a file and make them known. They may refer to each other in any order."""
    heads: list[tuple[Table, ClassSpec]] = []
    for item in items_of(value, faults, "classes"):
        table = Table(item, faults, "a class", _KEYS, _REQUIRED)
        head = _head(table, names, faults)
        if head is None:
            continue
        if head.table in {other.table for _, other in heads}:
            faults.add(table.position_of("table"), f"another class of this file has the table {head.table}")
        heads.append((table, head))
        names.add(of_spec(head))
    for table, head in heads:
        names.add(of_spec(_complete(table, head, names, faults)))


def _head(table: Table, names: ClassNames, faults: Faults) -> ClassSpec | None:
    """The class without its columns; None when it has no usable name."""
    is_page = table.choice("kind", ("object", "page")) == "page"
    object_type = table.text("object_type")
    name = table.text("table")
    primary_key = table.text("primary_key") or "id"
    if name is not None and not _NAME.fullmatch(name):
        faults.add(table.position_of("table"), f"table {_NAME_RULE}")
    if not _NAME.fullmatch(primary_key) or hasattr(BaseInfo, primary_key):
        faults.add(table.position_of("primary_key"), f"primary_key {_NAME_RULE}")
    for key in ("primary_key", *_ROLE_TYPES) if is_page else ():
        if key in table and key != _PAGE_ROLE:
            faults.add(table.position_of(key), f"a page has no {key}: it is found by its place in the tree")
    if object_type is not None and not _OBJECT_TYPE.fullmatch(object_type):
        faults.add(table.position_of("object_type"), "object_type must be words of a-z 0-9 _ with dots between them")
    elif object_type is not None and object_type in names:
        faults.add(table.position_of("object_type"), f"another class has the object type {object_type}")
    elif object_type is not None and name is not None:
        return ClassSpec(
            info=TypeInfo(object_type=object_type),
            table=name,
            is_page=is_page,
            primary_key="document_id" if is_page else primary_key,
            columns=(),
        )
    return None


def _complete(table: Table, head: ClassSpec, names: ClassNames, faults: Faults) -> ClassSpec:
    before = len(faults)
    columns = tuple(_columns(table, head, names, faults))
    roles: dict[str, Any] = dict(_roles(table, head, columns, faults))
    info = replace(head.info, **roles)
    spec = replace(head, info=info, columns=columns)
    if len(faults) > before:
        return spec
    if not (spec.is_page or info.code_name or info.guid or any(column.foreign_key for column in columns)):
        faults.add(table.position, "a class needs code_name or guid; only one with foreign keys can do without")
    if is_table_taken(spec):
        reason = "a class that is in use changes with a restart only"
        faults.add(table.position_of("table"), f"another class has the table {spec.table}; {reason}")
    return spec


def _columns(table: Table, head: ClassSpec, names: ClassNames, faults: Faults) -> Iterator[ColumnSpec]:
    value = table.get("columns")
    if value is None:
        return
    base = TreeNode if head.is_page else BaseInfo
    for name, entry in named_values(value, faults, "columns"):
        if not _NAME.fullmatch(name):
            faults.add(entry.key, f"the name of a column {_NAME_RULE}")
        elif name == head.primary_key or hasattr(base, name) or (head.is_page and name in NODE_ATTRIBUTES):
            faults.add(entry.key, f"every class of this kind has {name} already; choose another name")
        elif column := read_column(name, entry.value, names, faults):
            yield column


def _roles(table: Table, head: ClassSpec, columns: Sequence[ColumnSpec], faults: Faults) -> Iterator[tuple[str, str]]:
    """What the class says of its columns, for TypeInfo."""
    types = {column.name: column.type for column in columns}
    value = table.get("columns")
    given = set(value.content) if value is not None and isinstance(value.content, Mapping) else set()
    for role, its_type in _ROLE_TYPES.items():
        if head.is_page and role != _PAGE_ROLE:
            continue
        name = table.text(role)
        if name is None:
            continue
        if name not in given:
            faults.add(table.position_of(role), f"{role} names {name}, which is no column; {did_you_mean(name, given)}")
        elif types.get(name, its_type) != its_type:
            faults.add(table.position_of(role), f"{role} must name a column of the type {its_type}, not {types[name]}")
        elif role == "site" and not _points_at_site(name, columns):
            faults.add(table.position_of(role), "site must name a foreign key to cms.site")
        else:
            yield role, name


def _points_at_site(name: str, columns: Sequence[ColumnSpec]) -> bool:
    """Whether the column refers to a site; one that is at fault itself is not blamed twice."""
    keys = [column.foreign_key for column in columns if column.name == name]
    return all(key is not None and key.target == _SITE for key in keys)
