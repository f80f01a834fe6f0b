"""Rows by the values of a column: by one value, or by many."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Integer,
    Select,
    String,
    any_,
    bindparam,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from integrationbus.server.storage.driver import Row
from integrationbus.server.storage.statement import Statement

__all__ = ["Search"]

_WANTED = "wanted"


class Search:
    """A query for the rows whose ``column`` has one of the values that come with each execution."""

    def __init__(self, query: Select[Any], column: Column[Any]) -> None:
        self._for_one = Statement(query.where(column == bindparam(_WANTED)))
        self._for_many = {
            dialect: Statement(query.where(_has_one_of(column, dialect)), planned_once=False)
            for dialect in ("sqlite", "postgresql")
        }

    def rows(
        self, connection: Connection, wanted: Sequence[Any], others: Mapping[str, Any] = MappingProxyType({})
    ) -> Iterator[Row]:
        """The rows that have one of the values ``wanted``; ``others`` are values of other conditions of the query."""
        if len(wanted) == 1:
            return self._for_one.rows(connection, {**others, _WANTED: wanted[0]})
        return self._for_many[connection.dialect.name].rows(connection, {**others, _WANTED: wanted})


def _has_one_of(column: Column[Any], dialect: str) -> ColumnElement[bool]:
    """Texts and numbers go as one value, so that the statement always has the same words.

    As JSON to SQLite, and as an array to PostgreSQL, where by themselves they cost the driver more than all other work
    (measured: 5 x).
    """
    if type(column.type) not in (String, Integer, BigInteger):
        return column.in_(bindparam(_WANTED, expanding=True))
    if dialect == "postgresql":
        # Without a length: a value that is too long would be cut, and be found.
        items = String() if isinstance(column.type, String) else BigInteger()
        return column == any_(bindparam(_WANTED, type_=ARRAY(items)))
    return column.in_(select(func.json_each(bindparam(_WANTED, type_=JSON)).table_valued("value").c.value))
