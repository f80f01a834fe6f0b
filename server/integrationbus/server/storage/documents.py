"""Rows as one JSON document, which a statement of PostgreSQL reads as a table.

It would parse, plan and answer a statement for each row, and take in each value by itself (measured: 6 x the time).
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Date,
    DateTime,
    Dialect,
    Enum,
    Float,
    FromClause,
    Integer,
    LargeBinary,
    Numeric,
    String,
    Table,
    TypeDecorator,
    Uuid,
    bindparam,
    func,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.schema import ScalarElementColumnDefault
from sqlalchemy.types import TypeEngine

from integrationbus.server.storage.driver import Row

__all__ = ["as_document", "document", "takes_document"]

_Encoder = Callable[[Any], Any]

_POSTGRESQL: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]


def document(columns: Sequence[ColumnElement[Any]]) -> FromClause:
    """The document that comes with the execution under the name ``rows``, as a table with these columns."""
    rows = func.json_to_recordset(bindparam("rows", type_=JSON))
    return rows.table_valued(*columns).render_derived(name="given", with_types=True)


@cache
def takes_document(table: Table, names: tuple[str, ...]) -> bool:
    """Whether new rows of a table can come in a document that has these columns."""
    omitted = (item.default for item in table.columns if item.name not in names)
    defaults = all(item is None or isinstance(item, ScalarElementColumnDefault) for item in omitted)
    return defaults and all(_encoders(table.c[name]) is not None for name in names)


def as_document(table: Table, names: tuple[str, ...], labels: tuple[str, ...], rows: Sequence[Row]) -> list[Any] | None:
    """Rows with values for the columns ``names``, under ``labels``; None for a value that its type refuses."""
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    try:
        for place, name in enumerate(names):
            for encode in _encoders(table.c[name]) or ():
                columns[place] = [None if value is None else encode(value) for value in columns[place]]
    except Exception:  # noqa: BLE001 - the types may be the user's own
        return None
    return [dict(zip(labels, row, strict=True)) for row in zip(*columns, strict=True)]


@cache
def _encoders(item: Column[Any]) -> tuple[_Encoder, ...] | None:
    """What makes a value of a column one of JSON, step by step; None for a type of which that is not known."""
    kind = item.type
    plain = kind.load_dialect_impl(_POSTGRESQL) if isinstance(kind, TypeDecorator) else kind
    encoder = _encoder(plain) if type(plain).__module__.startswith("sqlalchemy.") else None
    if encoder is None or kind.bind_expression(bindparam("value")) is not None:
        return None
    own = kind.dialect_impl(_POSTGRESQL).bind_processor(_POSTGRESQL) if isinstance(kind, TypeDecorator) else None
    return tuple(step for step in (own, encoder) if step not in (None, _as_it_is))


def _encoder(kind: TypeEngine[Any]) -> _Encoder | None:
    match kind:
        case Enum():
            return None
        case JSON():
            # Else None would be a JSON null.
            return _as_it_is if kind.none_as_null else None
        case String() | Integer() | Boolean():
            return _as_it_is
        case Float() | Numeric():
            return str
        case Uuid():
            return str if kind.native_uuid else None
        case DateTime() | Date():
            return _iso_format
        case LargeBinary():
            return _hexadecimal
        case _:
            return None


def _as_it_is(value: Any) -> Any:  # noqa: ANN401 - any value of JSON
    return value


def _iso_format(value: Any) -> str:  # noqa: ANN401 - a date, or a date and time
    return str(value.isoformat())


def _hexadecimal(value: bytes) -> str:
    return f"\\x{value.hex()}"
