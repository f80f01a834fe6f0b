"""The column types that a file may name."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Date, Double, Integer, LargeBinary, String, Text, Uuid
from sqlalchemy.types import TypeEngine

from integrationbus.connectors.cms.defaults import now
from integrationbus.connectors.declarative.class_specs import ColumnSpec
from integrationbus.connectors.exact_decimal import ExactDecimal
from integrationbus.connectors.utc_date_time import UtcDateTime

__all__ = ["COLUMN_TYPES", "read_default", "sql_type"]

_TYPES: dict[str, Callable[[ColumnSpec], TypeEngine[Any]]] = {
    "big_integer": lambda _: BigInteger(),
    "boolean": lambda _: Boolean(),
    "bytes": lambda _: LargeBinary(),
    "date": lambda _: Date(),
    "datetime": lambda _: UtcDateTime(),
    "decimal": lambda column: ExactDecimal(column.precision, column.scale),
    "float": lambda _: Double(),
    "integer": lambda _: Integer(),
    "text": lambda column: String(column.length) if column.length else Text(),
    "uuid": lambda _: Uuid(),
}

COLUMN_TYPES = frozenset(_TYPES)
"""Their names."""


def sql_type(column: ColumnSpec) -> TypeEngine[Any]:
    """The type of a column in SQL."""
    return _TYPES[column.type](column)


def read_default(kind: str, value: object) -> object:
    """The value or function that a default stands for. Raises ValueError when it does not go with the type."""
    match kind, value:
        case ("boolean", bool()) | ("text", str()):
            return value
        case ("integer" | "big_integer", int()) if not isinstance(value, bool):
            return value
        case ("float", int() | float()) if not isinstance(value, bool):
            return float(value)
        case ("decimal", int() | float() | str()) if not isinstance(value, bool):
            return _decimal(str(value))
        case "datetime", "now":
            return now
        case "datetime", str():
            return _moment(value)
        case "date", str():
            return date.fromisoformat(value)
        case "uuid", str():
            return UUID(value)
    raise ValueError(f"a column of the type {kind} cannot have the default {value!r}")


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text} is no decimal number") from None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return moment
