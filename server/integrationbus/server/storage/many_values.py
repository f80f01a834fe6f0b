"""Conditions with many values."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ColumnElement, Integer, String, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

__all__ = ["one_of"]


def one_of(column: Column[Any], name: str, dialect: str) -> ColumnElement[bool]:
    """Whether a column has one of the values that come with the execution, as a list under ``name``.

    Texts and numbers go as one value, so that the statement always has the same words: as JSON to SQLite, and as an
    array to PostgreSQL, where by themselves they cost the driver more than all other work (measured: 5 x).
    """
    if type(column.type) not in (String, Integer, BigInteger):
        return column.in_(bindparam(name, expanding=True))
    if dialect == "postgresql":
        # Without a length: a value that is too long would be cut, and be found.
        items = String() if isinstance(column.type, String) else BigInteger()
        return column == any_(bindparam(name, type_=ARRAY(items)))
    return column.in_(select(func.json_each(bindparam(name, type_=JSON)).table_valued("value").c.value))
