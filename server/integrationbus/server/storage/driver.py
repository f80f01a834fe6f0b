"""Statements that go straight to the driver.

What SQLAlchemy does around a statement takes ten times as long as SQLite takes for it, and longer than the way to
PostgreSQL and back. The statements that every task needs are therefore executed by the driver itself. They belong to the
transaction of their connection like all others, and their errors are those of SQLAlchemy.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

__all__ = ["Row", "Values", "copy_rows", "execute", "execute_many"]

Row: TypeAlias = tuple[Any, ...]
"""The values of a row, as every driver takes them: numbers, texts and bytes, but no enumerations and no documents."""

Values: TypeAlias = Row | Mapping[str, Any]

_T = TypeVar("_T")


def execute(connection: Connection, statement: str, values: Values = ()) -> Any:  # noqa: ANN401 - a cursor of the driver
    """Execute a statement in the words of the database; returns the driver's cursor."""
    return _guarded(connection, statement, lambda cursor: cursor.execute(statement, values))


def execute_many(connection: Connection, statement: str, rows: Sequence[Values]) -> int:
    """Execute a statement once for each row; returns how many rows of the table were meant."""
    cursor = _guarded(connection, statement, lambda cursor: cursor.executemany(statement, rows))
    return int(cursor.rowcount)


def copy_rows(connection: Connection, statement: str, rows: Sequence[Row]) -> None:
    """Send rows by a COPY of PostgreSQL."""

    def send(cursor: Any) -> None:  # noqa: ANN401
        with cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)

    _guarded(connection, statement, send)


def _guarded(connection: Connection, statement: str, work: Callable[[Any], object]) -> Any:  # noqa: ANN401
    """The cursor with which something was done. Raises DBAPIError, as SQLAlchemy does, and lets go of what has ended."""
    raw = connection.connection
    dbapi = connection.dialect.loaded_dbapi
    cursor = raw.cursor()
    try:
        work(cursor)
    except dbapi.Error as error:
        ended = connection.dialect.is_disconnect(error, raw, cursor)
        if ended:
            connection.invalidate(error)
        raise DBAPIError.instance(
            statement, None, error, dbapi.Error, connection_invalidated=ended, dialect=connection.dialect
        ) from error
    return cursor
