"""Statements of SQLAlchemy that are put into words once, and executed by the driver.

The words, what the types of columns do with values, and the errors are those of SQLAlchemy.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, TypeAlias

from sqlalchemy import (
    Boolean,
    CompoundSelect,
    Connection,
    Delete,
    Dialect,
    Insert,
    Select,
    Table,
    Update,
    UpdateBase,
    bindparam,
)
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.schema import ScalarElementColumnDefault
from sqlalchemy.types import TypeEngine

from integrationbus.server.storage import driver
from integrationbus.server.storage.driver import Row, Values

__all__ = ["Statement"]

_Core: TypeAlias = Select[Any] | CompoundSelect[Any] | Insert | Update | Delete
_Processor = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Words:
    """A statement as a database takes it.

    ``fixed`` are values that are always the same, as the driver takes them. ``order`` are the names of all values where
    they go by their places; ``made`` and ``read`` are what the types of SQLAlchemy do with values and columns. For an
    INSERT that PostgreSQL may be given as a COPY, ``copied`` are its place and the names of all values.
    """

    text: str
    fixed: Mapping[str, Any]
    order: Sequence[str] | None
    made: Mapping[str, _Processor]
    read: Mapping[int, _Processor]
    copied: tuple[str, Sequence[str]] | None


class Statement:
    """A statement whose values come with each execution, under the names of its bound parameters.

    One that has other words for other values, or makes values of its own, is left to SQLAlchemy. ``names`` are the
    columns that an INSERT is given; the others get their defaults. For ``planned_once`` see ``driver.execute``: a
    statement for many rows is better planned for those that it has (measured: batches took 2.3 x as long otherwise).
    """

    def __init__(self, core: _Core, names: Sequence[str] | None = None, *, planned_once: bool = True) -> None:
        self._core = core
        self._names = names
        self._planned_once = planned_once
        self._known: dict[str, _Words | None] = {}

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> Iterator[Row]:
        """The rows of a query, or those that a change returns, as they are read."""
        words = self._words(connection)
        given = None if words is None else _arranged(words, values)
        if words is None or given is None:
            return map(tuple, connection.execute(self._core, values))
        cursor = driver.execute(connection, words.text, given, planned_once=self._planned_once)
        # SQLite reads on while the rows are used; PostgreSQL has sent all of them.
        rows = cursor if connection.dialect.name == "sqlite" else cursor.fetchall()
        return (_read(row, words.read) for row in rows) if words.read else iter(rows)

    def row(self, connection: Connection, values: Mapping[str, Any]) -> Row | None:
        """The first row, or None."""
        return next(self.rows(connection, values), None)

    def run(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """Execute the statement; returns how many rows it meant."""
        words = self._words(connection)
        given = None if words is None else _arranged(words, values)
        if words is None or given is None:
            return connection.execute(self._core, values).rowcount
        return int(driver.execute(connection, words.text, given, planned_once=self._planned_once).rowcount)

    def run_each(self, connection: Connection, names: Sequence[str], rows: Sequence[Row]) -> int:
        """Execute the statement once for each row of values with these names; returns how many rows it meant.

        SQLAlchemy makes a dictionary of each row, and a sequence of it again, which costs more than the work of SQLite
        itself (measured: 2 x). On SQLite rows are tuples all the way, as new ones are on PostgreSQL.
        """
        if len(rows) == 1:
            return self.run(connection, dict(zip(names, rows[0], strict=True)))
        words = self._words(connection)
        if words is not None and words.copied is not None:
            place, order = words.copied
            given = _arranged_rows(words, order, names, rows)
            if given is not None:
                driver.copy_rows(connection, place, given)
                return len(rows)
        elif words is not None and words.order is not None:
            given = _arranged_rows(words, words.order, names, rows)
            if given is not None:
                return driver.execute_many(connection, words.text, given)
        return connection.execute(self._core, [dict(zip(names, row, strict=True)) for row in rows]).rowcount

    def _words(self, connection: Connection) -> _Words | None:
        dialect = connection.dialect
        if dialect.name not in self._known:
            self._known[dialect.name] = _words_of(self._core, self._names, dialect)
        return self._known[dialect.name]


def _words_of(core: _Core, names: Sequence[str] | None, dialect: Dialect) -> _Words | None:
    """How a database takes a statement; None when only SQLAlchemy knows."""
    compiled = core.compile(dialect=dialect, column_keys=names)
    assert isinstance(compiled, SQLCompiler)
    if compiled.post_compile_params or compiled.update_prefetch:
        return None
    made = {name: _made(bind.type, dialect) for name, bind in compiled.binds.items()}
    fixed = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
    for column in compiled.insert_prefetch:
        if not isinstance(column.default, ScalarElementColumnDefault):
            return None
        fixed[column.key] = column.default.arg
    columns = core.exported_columns if isinstance(core, UpdateBase) else core.selected_columns
    read = {place: _read_as(column.type, dialect) for place, column in enumerate(columns)}
    return _Words(
        text=compiled.string,
        fixed={name: value if (make := made[name]) is None else make(value) for name, value in fixed.items()},
        order=compiled.positiontup,
        made={name: make for name, make in made.items() if make is not None and name not in fixed},
        read={place: process for place, process in read.items() if process is not None},
        copied=_copied(core, (*(names or ()), *fixed), dialect),
    )


def _copied(core: _Core, names: Sequence[str], dialect: Dialect) -> tuple[str, Sequence[str]] | None:
    """The place of an INSERT and the names of its values; None for what a COPY cannot do."""
    # Of a class of its own is one that looks for conflicts.
    if dialect.name != "postgresql" or type(core) is not Insert or not isinstance(core.table, Table):
        return None
    if not all(name in core.table.c for name in names):
        return None
    columns = [core.table.c[name] for name in names]
    if any(column.type.bind_expression(bindparam(column.key)) is not None for column in columns):
        return None
    preparer = dialect.identifier_preparer
    quoted = ", ".join(preparer.quote(column.name) for column in columns)
    return f"{preparer.format_table(core.table)} ({quoted})", names


def _made(kind: TypeEngine[Any], dialect: Dialect) -> _Processor | None:
    # Every driver takes True and False as they are.
    return None if type(kind) is Boolean else kind.dialect_impl(dialect).bind_processor(dialect)


def _read_as(kind: TypeEngine[Any], dialect: Dialect) -> _Processor | None:
    return kind.dialect_impl(dialect).result_processor(dialect, None)


def _arranged(words: _Words, values: Mapping[str, Any]) -> Values | None:
    """The values as the driver takes them; None for one that its type refuses: SQLAlchemy tells it best."""
    given: dict[str, Any] = {**words.fixed, **values}
    try:
        for name, make in words.made.items():
            given[name] = make(given[name])
    except Exception:  # noqa: BLE001 - the types may be the user's own
        return None
    return given if words.order is None else tuple([given[name] for name in words.order])


def _arranged_rows(
    words: _Words, order: Sequence[str], names: Sequence[str], rows: Sequence[Row]
) -> Sequence[Row] | None:
    """As ``_arranged`` for each row, column by column."""
    columns: dict[str, Iterable[Any]] = dict(zip(names, zip(*rows, strict=True), strict=True))
    try:
        for name, make in words.made.items():
            columns[name] = [make(value) for value in columns[name]]
    except Exception:  # noqa: BLE001 - the types may be the user's own
        return None
    columns |= {name: repeat(value, len(rows)) for name, value in words.fixed.items()}
    return list(zip(*(columns[name] for name in order), strict=True))


def _read(row: Row, processors: Mapping[int, _Processor]) -> Row:
    values = list(row)
    for place, process in processors.items():
        values[place] = process(values[place])
    return tuple(values)
