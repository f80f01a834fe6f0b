"""Statements of SQLAlchemy that are put into words once, and executed by the driver."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Connection, Dialect, SelectBase, UpdateBase
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.schema import ScalarElementColumnDefault
from sqlalchemy.types import TypeEngine

from integrationbus.server.storage import driver
from integrationbus.server.storage.driver import Row, Values

__all__ = ["Statement"]

_Core: TypeAlias = SelectBase | UpdateBase
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

    It must have the same words for all values: no lists. ``names`` are the columns that an INSERT is given; the others
    get their defaults.
    """

    def __init__(self, core: _Core, names: Sequence[str] | None = None) -> None:
        self._core = core
        self._names = names
        self._words: dict[str, _Words] = {}

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> Iterator[Row]:
        """The rows of a query, or those that a change returns, as they are read."""
        words, cursor = self._executed(connection, values)
        if not words.read:
            return iter(cursor)
        return (_read(row, words.read) for row in cursor)

    def row(self, connection: Connection, values: Mapping[str, Any]) -> Row | None:
        """The first row, or None."""
        return next(self.rows(connection, values), None)

    def run(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """Execute the statement; returns how many rows it meant."""
        _, cursor = self._executed(connection, values)
        return int(cursor.rowcount)

    def _executed(self, connection: Connection, values: Mapping[str, Any]) -> tuple[_Words, Any]:
        words = self._words.get(connection.dialect.name)
        if words is None:
            words = self._words[connection.dialect.name] = _words_of(self._core, self._names, connection.dialect)
        given: dict[str, Any] = {**words.fixed, **values}
        for name, make in words.made.items():
            given[name] = make(given[name])
        all_values: Values = given if words.order is None else tuple([given[name] for name in words.order])
        return words, driver.execute(connection, words.text, all_values)


def _words_of(core: _Core, names: Sequence[str] | None, dialect: Dialect) -> _Words:
    compiled = core.compile(dialect=dialect, column_keys=names)
    assert isinstance(compiled, SQLCompiler)
    columns = core.exported_columns if isinstance(core, UpdateBase) else core.selected_columns
    fixed = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
    for column in compiled.insert_prefetch:
        assert isinstance(column.default, ScalarElementColumnDefault)
        fixed[column.key] = column.default.arg
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


def _read(row: Row, processors: Mapping[int, _Processor]) -> Row:
    values = list(row)
    for place, process in processors.items():
        values[place] = process(values[place])
    return tuple(values)
