"""Statements for many rows by way of the driver's own ``executemany``.

SQLAlchemy makes a dictionary of each row, and a sequence of it again, which costs more than the work of SQLite itself
(measured: 2 x). Here rows are tuples from the beginning. The SQL, the processors of the column types and the errors are
still those of SQLAlchemy. Where another database is used, or a column has a default that is a function, so is the rest.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Boolean, Connection, Insert, Update
from sqlalchemy.dialects.sqlite.pysqlite import dialect as sqlite_dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.schema import ScalarElementColumnDefault
from sqlalchemy.types import TypeEngine

from integrationbus.server.storage import driver
from integrationbus.server.storage.driver import Row

__all__ = ["execute_rows"]

_Processor = Callable[[Any], Any]

_SQLITE = sqlite_dialect()


def execute_rows(
    connection: Connection, statement: Insert | Update, names: tuple[str, ...], rows: Sequence[Row]
) -> int:
    """Execute an INSERT or an UPDATE once for each row; returns how many rows of the table were meant.

    ``names`` are those of the columns, or of the bound parameters, that the values of a row are for. The statement must
    be one that is kept: what is found out about it is kept as well.
    """
    plan = _plan(statement, names) if connection.dialect.name == "sqlite" else None
    arranged = None if plan is None else plan.arranged(rows)
    if plan is None or arranged is None:
        return connection.execute(statement, [dict(zip(names, row, strict=True)) for row in rows]).rowcount
    return driver.execute_many(connection, plan.sql, arranged)


@dataclass(frozen=True, slots=True)
class _Plan:
    """A statement in SQL. ``take`` puts a row with the ``defaults`` behind it into the order of the statement."""

    sql: str
    defaults: Row
    take: Callable[[Row], Row] | None
    processors: Mapping[int, _Processor]

    def arranged(self, rows: Sequence[Row]) -> Sequence[Row] | None:
        """The rows as the driver takes them; None for a value that its type refuses: SQLAlchemy tells it best."""
        if self.processors:
            columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
            try:
                for place, process in self.processors.items():
                    columns[place] = [process(value) for value in columns[place]]
            except Exception:  # noqa: BLE001 - the types may be the user's own
                return None
            rows = list(zip(*columns, strict=True))
        if self.defaults:
            rows = [row + self.defaults for row in rows]
        return rows if self.take is None else list(map(self.take, rows))


@cache
def _plan(statement: Insert | Update, names: tuple[str, ...]) -> _Plan | None:
    """How to execute a statement without SQLAlchemy; None if only SQLAlchemy knows how to."""
    compiled = statement.compile(dialect=_SQLITE, column_keys=names if isinstance(statement, Insert) else None)
    assert isinstance(compiled, SQLCompiler)
    order = compiled.positiontup or []
    columns = statement.table.columns
    omitted = {name: columns[name].default for name in order if name not in names}
    if not all(isinstance(default, ScalarElementColumnDefault) for default in omitted.values()):
        return None
    given = (*names, *omitted)
    places = [given.index(name) for name in order]
    processors = {place: _processor(compiled.binds[name].type) for place, name in enumerate(names)}
    return _Plan(
        sql=compiled.string,
        defaults=tuple(default.arg for default in omitted.values() if isinstance(default, ScalarElementColumnDefault)),
        take=None if places == list(range(len(given))) else itemgetter(*places),
        processors={place: process for place, process in processors.items() if process is not None},
    )


def _processor(kind: TypeEngine[Any]) -> _Processor | None:
    # The driver stores True and False as it is.
    return None if type(kind) is Boolean else kind.dialect_impl(_SQLITE).bind_processor(_SQLITE)
