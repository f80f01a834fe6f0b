"""Checking values against their columns, the same on every database.

SQLite would store a text in an integer column and cut nothing to its length; PostgreSQL refuses both. Here both do.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache, partial
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger as BigInt
from sqlalchemy import Boolean, Column, Date, DateTime, Float, Integer, LargeBinary, Numeric, SmallInteger, String, Uuid

from integrationbus.connectors.exact_decimal import ExactDecimal
from integrationbus.connectors.models import InternalObject
from integrationbus.connectors.object_class import ObjectClass, describe
from integrationbus.connectors.utc_date_time import UtcDateTime
from integrationbus.server.problems import TargetRefused

__all__ = ["checked_values"]

_Check = Callable[[object], object]


def checked_values(object_class: ObjectClass, values: Mapping[str, object]) -> dict[str, object]:
    """The values as the columns take them. Raises TargetRefused naming each column that does not fit."""
    checks = _checks(object_class.cls)
    checked: dict[str, object] = {}
    problems: dict[str, str] = {}
    for attribute, value in values.items():
        nullable, check = checks[attribute]
        if value is None:
            checked[attribute] = None
            if not nullable:
                problems[attribute] = "must have a value"
            continue
        try:
            checked[attribute] = check(value)
        except (ValueError, TypeError, OverflowError) as error:
            problems[attribute] = str(error)
    if problems:
        text = "; ".join(f"{object_class.object_type}.{name} {problem}" for name, problem in problems.items())
        raise TargetRefused(text, field_paths=list(problems))
    return checked


@cache
def _checks(cls: type[InternalObject]) -> Mapping[str, tuple[bool, _Check]]:
    """By attribute: whether it may be empty, and the check of what it has."""
    return {name: (bool(column.nullable), _check_of(column)) for name, column in describe(cls).columns.items()}


def _check_of(column: Column[Any]) -> _Check:
    kind = column.type
    match kind:
        case UtcDateTime():
            return _aware_moment
        case ExactDecimal():
            return _decimal
        case Boolean():
            return _boolean
        case Integer():
            bits = 64 if isinstance(kind, BigInt) else 16 if isinstance(kind, SmallInteger) else 32
            return partial(_integer, bits)
        case String():
            return partial(_text, kind.length)
        case DateTime():
            return lambda value: _moment(value, keep_zone=kind.timezone)
        case Date():
            return _date
        case Float():
            return _number
        case Numeric():
            return _decimal
        case Uuid():
            return _uuid
        case LargeBinary():
            return _bytes
        case _:
            return lambda value: value


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"must be true or false, not {value!r}")
    return value


def _integer(bits: int, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"must be an integer, not {value!r}")
    if not -(1 << (bits - 1)) <= value < (1 << (bits - 1)):
        raise ValueError(f"does not fit into {bits} bits")
    return value


def _text(length: int | None, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"must be a text, not {value!r}")
    if length is not None and len(value) > length:
        raise ValueError(f"is {len(value)} characters long, {length} are allowed")
    if "\0" in value:
        raise ValueError("must not contain NUL characters")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError("is not valid Unicode") from None
    return value


def _moment(value: object, *, keep_zone: bool) -> datetime:
    if not isinstance(value, datetime):
        raise TypeError(f"must be a date and time, not {value!r}")
    aware = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return aware if keep_zone else aware.replace(tzinfo=None)


def _aware_moment(value: object) -> datetime:
    if not isinstance(value, datetime):
        raise TypeError(f"must be a date and time, not {value!r}")
    if value.tzinfo is None:
        raise ValueError(f"must have a time zone; {value.isoformat()} could mean any moment")
    return value


def _date(value: object) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise TypeError(f"must be a date, not {value!r}")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise TypeError(f"must be a number, not {value!r}")
    return float(value)


def _decimal(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise TypeError(f"must be a decimal number, not {value!r}")
    return Decimal(value)


def _uuid(value: object) -> UUID:
    if isinstance(value, UUID):
        return value
    if isinstance(value, str):
        return UUID(value)
    raise TypeError(f"must be a UUID, not {value!r}")


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError(f"must be bytes, not {value!r}")
    return value
