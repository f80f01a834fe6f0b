"""The drivers of the databases, with nothing between: what they can do is the limit of whoever uses them."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Protocol

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import Table, make_url

from integrationbus.server.storage.opened import sqlite_path

__all__ = ["Driver", "open_driver"]

_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "cache_size = -65536")


class Driver(Protocol):
    """One connection, on which each statement is a transaction unless one was begun; commits wait for the disk."""

    def execute(self, statement: str) -> None:
        """Execute a statement."""
        ...

    def first_row(self, table: Table) -> Mapping[str, Any]:
        """A row of a table, by the names of its columns."""
        ...

    def insert(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows with all columns, by ``executemany`` unless it is one."""
        ...

    def transaction(self) -> Any:  # noqa: ANN401 - a context manager of whatever the driver gives
        """A transaction, committed when the context ends."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


def open_driver(url: str) -> Driver:
    """Connect to a database that the bus has made."""
    return SqliteDriver(url) if sqlite_path(url) else PostgresDriver(url)


class SqliteDriver:
    """The module sqlite3, with the settings of the bus."""

    def __init__(self, url: str) -> None:
        path = sqlite_path(url)
        assert path is not None
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in _PRAGMAS:
            self._connection.execute(f"PRAGMA {pragma}")

    def execute(self, statement: str) -> None:
        """See ``Driver``."""
        self._connection.execute(statement)

    def first_row(self, table: Table) -> Mapping[str, Any]:
        """See ``Driver``."""
        cursor = self._connection.execute(f"SELECT * FROM {table.name}")  # noqa: S608 - the name is that of the schema
        return dict(zip((column[0] for column in cursor.description), cursor.fetchone(), strict=True))

    def insert(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """See ``Driver``."""
        statement = _insert(table, tuple(rows[0]), ":{}")
        if len(rows) == 1:
            self._connection.execute(statement, rows[0])
        else:
            self._connection.executemany(statement, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See ``Driver``."""
        self._connection.execute("BEGIN IMMEDIATE")
        yield
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """See ``Driver``."""
        self._connection.close()


class PostgresDriver:
    """psycopg."""

    def __init__(self, url: str) -> None:
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection = psycopg.connect(plain, autocommit=True, row_factory=dict_row)

    def execute(self, statement: str) -> None:
        """See ``Driver``."""
        self._connection.execute(statement)

    def first_row(self, table: Table) -> Mapping[str, Any]:
        """See ``Driver``."""
        row = self._connection.execute(f"SELECT * FROM {table.name}").fetchone()  # noqa: S608 - as above
        assert row is not None
        return row

    def insert(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """See ``Driver``."""
        statement = _insert(table, tuple(rows[0]), "%({})s")
        if len(rows) == 1:
            self._connection.execute(statement, rows[0])
        else:
            with self._connection.cursor() as cursor:
                cursor.executemany(statement, rows)

    def transaction(self) -> Any:  # noqa: ANN401 - see ``Driver``
        """See ``Driver``."""
        return self._connection.transaction()

    def close(self) -> None:
        """See ``Driver``."""
        self._connection.close()


@cache
def _insert(table: Table, names: Sequence[str], place: str) -> str:
    values = ", ".join(place.format(name) for name in names)
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({values})"  # noqa: S608 - the names of the schema
