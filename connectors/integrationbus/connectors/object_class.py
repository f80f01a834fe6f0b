"""What the bus reads from the mapper of an internal class."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Column, Integer, Table, inspect

from integrationbus.connectors.models import (
    _DEFAULT_CODE_NAME,
    _DEPENDENCY,
    Dependency,
    InternalObject,
    NodeInfo,
    TreeNode,
    TypeInfo,
)

__all__ = ["ForeignKeyInfo", "InvalidObjectClass", "ObjectClass", "describe"]

NODE_ATTRIBUTES = ("node_guid", "node_alias", "node_parent_path", "node_parent_id", "node_order")
"""Attributes of a TreeNode that are not columns of its table."""


class InvalidObjectClass(TypeError):
    """An internal class that the bus cannot write to; the message says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKeyInfo:
    """One foreign key of an internal class: the attribute, and the class that it points at."""

    attribute: str
    target_table: str
    dependency: Dependency
    default_code_name: str | None = None

    @property
    def points_at_page(self) -> bool:
        """Whether the target is a page."""
        return self.target_table == NodeInfo.__tablename__


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectClass:
    """An internal class as the bus sees it. ``columns`` are by attribute name, with the primary key among them."""

    cls: type[InternalObject]
    info: TypeInfo
    table: Table
    primary_key: str
    columns: Mapping[str, Column[Any]]
    foreign_keys: tuple[ForeignKeyInfo, ...]
    is_page: bool

    @property
    def object_type(self) -> str:
        """The name of the type, for example "cms.user"."""
        return self.info.object_type

    @property
    def id_column(self) -> Column[Any]:
        """The primary key."""
        return self.columns[self.primary_key]

    @property
    def is_binding(self) -> bool:
        """Whether an object has no name of its own and is found by its foreign keys together."""
        return not self.is_page and self.info.guid is None and self.info.code_name is None

    @property
    def identity_attributes(self) -> frozenset[str]:
        """The columns that an object is found by: all that matters of an object that is to be deleted."""
        if self.is_page:
            return frozenset({"document_culture"})
        if self.is_binding:
            return frozenset(key.attribute for key in self.foreign_keys)
        names = (self.info.guid, self.info.code_name, self.info.site, self.info.parent)
        return frozenset(name for name in names if name is not None)


@cache
def describe(cls: type[InternalObject]) -> ObjectClass:
    """Read an internal class. Raises InvalidObjectClass when the bus could not write to it."""
    info = getattr(cls, "type_info", None)
    if not isinstance(info, TypeInfo):
        raise InvalidObjectClass(f"{cls.__name__} has no type_info: set type_info = TypeInfo(object_type=...)")
    mapper = inspect(cls, raiseerr=False)
    table = None if mapper is None else mapper.local_table
    if mapper is None or not isinstance(table, Table):
        raise InvalidObjectClass(f"{cls.__name__} is not mapped to a table of its own")
    columns = {
        attribute.key: column
        for attribute in mapper.column_attrs
        if isinstance(column := attribute.columns[0], Column)  # an SQL expression cannot be written to
    }
    names = {column: name for name, column in columns.items()}
    keys = list(table.primary_key)
    if len(keys) != 1 or not isinstance(keys[0].type, Integer):
        raise InvalidObjectClass(f"{cls.__name__} must have one primary key column, an integer")
    for role in ("code_name", "guid", "site", "parent", "group", "display_name"):
        attribute = getattr(info, role)
        if attribute is not None and attribute not in columns:
            raise InvalidObjectClass(f"{cls.__name__}.type_info.{role} names {attribute!r}, which is not a column")
    is_page = issubclass(cls, TreeNode)
    return ObjectClass(
        cls=cls,
        info=info,
        table=table,
        primary_key=names[keys[0]],
        columns=columns,
        foreign_keys=_foreign_keys(columns, is_page=is_page),
        is_page=is_page,
    )


def _foreign_keys(columns: Mapping[str, Column[Any]], *, is_page: bool) -> tuple[ForeignKeyInfo, ...]:
    """The foreign keys that a connector may set; the link of a page to its node is the bus's own."""
    found = []
    for attribute, column in columns.items():
        if not column.foreign_keys or (is_page and attribute == "document_node_id"):
            continue
        target = next(iter(column.foreign_keys)).target_fullname.rpartition(".")[0]
        fallback = Dependency.NOT_REQUIRED if column.nullable else Dependency.REQUIRED
        found.append(
            ForeignKeyInfo(
                attribute=attribute,
                target_table=target,
                dependency=column.info.get(_DEPENDENCY, fallback),
                default_code_name=column.info.get(_DEFAULT_CODE_NAME),
            )
        )
    return tuple(found)
