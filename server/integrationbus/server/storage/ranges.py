"""Many rows that follow one another and change alike, in one statement about their range.

Most tasks that are claimed do, and most that make objects. Measured against a statement for each row on SQLite: 0.4 of
the time; against a document of all rows on PostgreSQL: 0.7.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, bindparam, update

from integrationbus.server.storage.driver import Row
from integrationbus.server.storage.statement import Statement

__all__ = ["update_range"]


def update_range(
    connection: Connection,
    table: Table,
    connector_id: int,
    rows: Sequence[Row],
    *,
    columns: tuple[str, ...],
    names: tuple[str, ...],
    keys: int,
) -> int | None:
    """As ``update_tuples``, for rows that follow one another by their sequence; None when something speaks against it.

    The first of the ``columns`` are the ``keys``; ``names`` are those of their values in the statement.
    Every other column has one value in all of them, or rises with the sequence, as numbers do that are drawn in a row.
    """
    rising = _rising(rows)
    if rising is None or not rising[0] or any(rising[1:keys]):
        return None
    first, last = rows[0][0], rows[-1][0]
    # What rises is told by how far it is ahead of the sequence.
    given = [value - first if rises else value for value, rises in zip(rows[0], rising, strict=True)]
    place = {"connector": connector_id, "first": first, "last": last}
    statement = _update(table, columns, names, keys, rising)
    return statement.run(connection, {**dict(zip(names, given, strict=True)), **place})


def _rising(rows: Sequence[Row]) -> tuple[bool, ...] | None:
    """Which columns rise by one from row to row; the others have one value. None if some do neither."""
    rising = []
    for items in zip(*rows, strict=True):
        first, many = items[0], len(items)
        rises = many > 1 and type(first) is int and items == tuple(range(first, first + many))
        if not rises and items.count(first) < many:
            return None
        rising.append(rises)
    return tuple(rising)


@cache
def _update(
    table: Table, columns: tuple[str, ...], names: tuple[str, ...], keys: int, rising: tuple[bool, ...]
) -> Statement:
    sequence = table.c.sequence
    given = [bindparam(name, type_=table.c[column].type) for column, name in zip(columns, names, strict=True)]
    new: dict[str, Any] = {
        column: sequence + value if rises else value
        for column, value, rises in zip(columns[keys:], given[keys:], rising[keys:], strict=True)
    }
    return Statement(
        update(table)
        .where(
            table.c.connector_id == bindparam("connector"),
            sequence.between(bindparam("first"), bindparam("last")),
            *(table.c[column] == value for column, value in zip(columns[1:keys], given[1:keys], strict=True)),
        )
        .values(new),
        planned_once=False,
    )
