"""From the description of an internal class to the SQLAlchemy class."""

from collections.abc import Iterator
from types import new_class
from typing import Any, cast
from uuid import uuid4

from sqlalchemy import Integer, UniqueConstraint
from sqlalchemy.orm import MappedColumn, mapped_column

from integrationbus.connectors.declarative.class_specs import ClassSpec, ColumnSpec
from integrationbus.connectors.declarative.column_types import read_default, sql_type
from integrationbus.connectors.models import BaseInfo, InternalObject, TreeNode, foreign_key

__all__ = ["built_class", "is_table_taken"]

_BUILT: dict[str, tuple[ClassSpec, type[BaseInfo | TreeNode]]] = {}
"""By table. SQLAlchemy maps a table once in a process, so a class lives as long as the process."""


def is_table_taken(spec: ClassSpec) -> bool:
    """Whether a class other than this one is mapped to its table."""
    known = _BUILT.get(spec.table)
    return known[0] != spec if known else spec.table in InternalObject.metadata.tables


def built_class(spec: ClassSpec) -> type[BaseInfo | TreeNode]:
    """The class; always the same one for equal descriptions. The table must not be taken."""
    assert not is_table_taken(spec)
    if spec.table not in _BUILT:
        _BUILT[spec.table] = (spec, _build(spec))
    return _BUILT[spec.table][1]


def _build(spec: ClassSpec) -> type[BaseInfo | TreeNode]:
    base = TreeNode if spec.is_page else BaseInfo
    content: dict[str, Any] = {
        "__module__": __name__,
        "__doc__": f"{spec.info.object_type}, described in a file.",
        "__tablename__": spec.table,
        "type_info": spec.info,
    }
    if not spec.is_page:
        content[spec.primary_key] = mapped_column(Integer, primary_key=True)
        content["__table_args__"] = tuple(_constraints(spec))
    content |= {column.name: _column(column, spec) for column in spec.columns}
    return cast(type[BaseInfo | TreeNode], new_class(spec.table, (base,), exec_body=lambda body: body.update(content)))


def _constraints(spec: ClassSpec) -> Iterator[UniqueConstraint]:
    """What an object is found by is unique."""
    info = spec.info
    if info.guid:
        yield UniqueConstraint(info.guid)
    if info.code_name:
        yield UniqueConstraint(*(name for name in (info.site, info.parent) if name), info.code_name)
    if not info.guid and not info.code_name:
        yield UniqueConstraint(*(column.name for column in spec.columns if column.foreign_key))


def _column(column: ColumnSpec, spec: ClassSpec) -> MappedColumn[Any]:
    key = column.foreign_key
    if key is not None:
        return foreign_key(
            key.target,
            key.dependency,
            default_code_name=key.default_code_name,
            nullable=column.nullable,
            index=True,
        )
    if column.default is not None:
        default = read_default(column.type, column.default)
        return mapped_column(sql_type(column), nullable=column.nullable, default=default)
    if column.name == spec.info.guid:
        return mapped_column(sql_type(column), nullable=column.nullable, default=uuid4)
    return mapped_column(sql_type(column), nullable=column.nullable)
