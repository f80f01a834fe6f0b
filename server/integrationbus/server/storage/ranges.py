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

_KEY, _VALUE = "is_", "to_"


def update_range(
    connection: Connection,
    table: Table,
    connector_id: int,
    rows: Sequence[Row],
    *,
    keys: tuple[str, ...],
    values: tuple[str, ...],
) -> int | None:
    """As ``update_tuples``, for rows that follow one another by their sequence; None when something speaks against it.

    Every other column has one value in all of them, or rises with the sequence, as numbers do that are drawn in a row.
    """
    rising = _rising(rows)
    if rising is None or not rising[0] or any(rising[1 : len(keys)]):
        return None
    first, last = rows[0][0], rows[-1][0]
    names = (*(f"{_KEY}{name}" for name in keys), *(f"{_VALUE}{name}" for name in values))
    # What rises is told by how far it is ahead of the sequence.
    given = [value - first if rises else value for value, rises in zip(rows[0], rising, strict=True)]
    place = {"connector": connector_id, "first": first, "last": last}
    statement = _update(table, keys, values, rising[len(keys) :])
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
def _update(table: Table, keys: tuple[str, ...], values: tuple[str, ...], rising: tuple[bool, ...]) -> Statement:
    sequence = table.c.sequence
    new: dict[str, Any] = {name: bindparam(f"{_VALUE}{name}", type_=table.c[name].type) for name in values}
    new |= {name: sequence + new[name] for name, rises in zip(values, rising, strict=True) if rises}
    return Statement(
        update(table)
        .where(
            table.c.connector_id == bindparam("connector"),
            sequence.between(bindparam("first"), bindparam("last")),
            *(table.c[name] == bindparam(f"{_KEY}{name}") for name in keys[1:]),
        )
        .values(new),
        planned_once=False,
    )
