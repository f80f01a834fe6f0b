"""Statements of SQLAlchemy that are put into words once, and executed by the driver."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import CompoundSelect, Connection, Delete, Dialect, Insert, Select, Update, UpdateBase
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

    ``fixed`` are values that are always the same. ``order`` are the names of all values where they go by their places;
    ``made`` and ``read`` are what the types of SQLAlchemy do with values and columns.
    """

    text: str
    fixed: Mapping[str, Any]
    order: Sequence[str] | None
    made: Mapping[str, _Processor]
    read: Mapping[int, _Processor]


class Statement:
    """A statement whose values come with each execution, under the names of its bound parameters.

    One that has other words for other values, or makes values of its own, is left to SQLAlchemy. ``names`` are the
    columns that an INSERT is given; the others get their defaults. For ``planned_once`` see ``driver.execute``.
    """

    def __init__(self, core: _Core, names: Sequence[str] | None = None, *, planned_once: bool = False) -> None:
        self._core = core
        self._names = names
        self._planned_once = planned_once
        self._words: dict[str, _Words | None] = {}

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> Iterator[Row]:
        """The rows of a query, or those that a change returns, as they are read."""
        words, given = self._put_into_words(connection, values)
        if words is None:
            return map(tuple, connection.execute(self._core, values))
        cursor = driver.execute(connection, words.text, given, planned_once=self._planned_once)
        return (_read(row, words.read) for row in cursor) if words.read else iter(cursor)

    def row(self, connection: Connection, values: Mapping[str, Any]) -> Row | None:
        """The first row, or None."""
        return next(self.rows(connection, values), None)

    def run(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """Execute the statement; returns how many rows it meant."""
        words, given = self._put_into_words(connection, values)
        if words is None:
            return connection.execute(self._core, values).rowcount
        return int(driver.execute(connection, words.text, given, planned_once=self._planned_once).rowcount)

    def _put_into_words(self, connection: Connection, values: Mapping[str, Any]) -> tuple[_Words | None, Values]:
        dialect = connection.dialect
        if dialect.name not in self._words:
            self._words[dialect.name] = _words_of(self._core, self._names, dialect)
        words = self._words[dialect.name]
        given = None if words is None else _arranged(words, values)
        return (None, ()) if given is None else (words, given)


def _words_of(core: _Core, names: Sequence[str] | None, dialect: Dialect) -> _Words | None:
    """How a database takes a statement; None when only SQLAlchemy knows."""
    compiled = core.compile(dialect=dialect, column_keys=names)
    assert isinstance(compiled, SQLCompiler)
    if compiled.post_compile_params or compiled.update_prefetch:
        return None
    fixed = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
    for column in compiled.insert_prefetch:
        if not isinstance(column.default, ScalarElementColumnDefault):
            return None
        fixed[column.key] = column.default.arg
    columns = core.exported_columns if isinstance(core, UpdateBase) else core.selected_columns
    made = {name: _made(bind.type, dialect) for name, bind in compiled.binds.items()}
    read = {place: _read_as(column.type, dialect) for place, column in enumerate(columns)}
    return _Words(
        text=compiled.string,
        fixed=fixed,
        order=compiled.positiontup,
        made={name: process for name, process in made.items() if process is not None},
        read={place: process for place, process in read.items() if process is not None},
    )


def _made(kind: TypeEngine[Any], dialect: Dialect) -> _Processor | None:
    return kind.dialect_impl(dialect).bind_processor(dialect)


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


def _read(row: Row, processors: Mapping[int, _Processor]) -> Row:
    values = list(row)
    for place, process in processors.items():
        values[place] = process(values[place])
    return tuple(values)
