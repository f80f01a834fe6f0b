"""Statements that go straight to the driver.

What SQLAlchemy does around a statement takes ten times as long as SQLite takes for it, and longer than the way to
PostgreSQL and back. The statements that every task needs are therefore executed by the driver itself. They belong to
the transaction of their connection like all others, and their errors are those of SQLAlchemy.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

__all__ = ["COPY", "Row", "Values", "copy_rows", "execute", "execute_many"]

COPY = "COPY /* integrationbus */"
"""How every COPY of the bus begins, so that it can be told from those of others."""

Row: TypeAlias = tuple[Any, ...]
"""The values of a row, as every driver takes them: numbers, texts and bytes, but no enumerations and no documents."""

_CURSOR = "cursor"

Values: TypeAlias = Row | Mapping[str, Any]


def execute(connection: Connection, statement: str, values: Values = (), *, planned_once: bool = False) -> Any:  # noqa: ANN401 - a cursor of the driver
    """Execute a statement in the words of the database; returns the driver's cursor, to be read before the next one.

    With ``planned_once`` PostgreSQL keeps its plan, where a session is our own.
    """
    cursor = _cursor(connection)
    try:
        if planned_once and connection.dialect.name == "postgresql":
            cursor.execute(statement, values, prepare=True)
        else:
            cursor.execute(statement, values)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _refused(connection, statement, error) from error
    return cursor


def execute_many(connection: Connection, statement: str, rows: Sequence[Row]) -> int:
    """Execute a statement once for each row; returns how many rows of the table were meant."""
    cursor = connection.connection.cursor()
    try:
        cursor.executemany(statement, rows)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _refused(connection, statement, error) from error
    return cursor.rowcount


def copy_rows(connection: Connection, place: str, rows: Sequence[Row]) -> None:
    """Send rows by a COPY of PostgreSQL; the ``place`` is a table and its columns, as in "task (id, title)"."""
    statement = f"{COPY} {place} FROM STDIN"
    cursor = _cursor(connection)
    try:
        with cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _refused(connection, statement, error) from error


def _cursor(connection: Connection) -> Any:  # noqa: ANN401 - a cursor of the driver
    """For PostgreSQL one for each session: to make one takes a third of the time of a small statement (measured)."""
    if connection.dialect.name != "postgresql":
        return connection.connection.cursor()
    cursor = connection.info.get(_CURSOR)
    if cursor is None:
        cursor = connection.info[_CURSOR] = connection.connection.cursor()
    return cursor


def _refused(connection: Connection, statement: str, error: Exception) -> BaseException:
    """An error as SQLAlchemy raises it; without the values. A connection that has ended is not used any more."""
    dialect = connection.dialect
    ended = dialect.is_disconnect(error, connection.connection, None)  # type: ignore[arg-type] # it is one of the driver
    if ended:
        connection.invalidate(error)
    base = dialect.loaded_dbapi.Error
    return DBAPIError.instance(statement, None, error, base, connection_invalidated=ended, dialect=dialect)
