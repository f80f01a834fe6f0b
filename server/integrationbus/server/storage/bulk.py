"""Many rows in one statement.

SQLite runs a small statement for each row, which costs little in the same process. To PostgreSQL new rows go by COPY,
and changes as one JSON document, which a statement reads as a table: it would parse, plan and answer a statement for
each row (measured: 6 x the time).
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import JSON, Connection, Table, bindparam, column, func, insert, update

from integrationbus.server.storage.driver import Row
from integrationbus.server.storage.ranges import update_range
from integrationbus.server.storage.statement import Statement

__all__ = ["insert_tuples", "update_tuples"]

_KEY, _VALUE = "is_", "to_"


def insert_tuples(connection: Connection, table: Table, names: tuple[str, ...], rows: Sequence[Row]) -> None:
    """Insert rows with values for these columns, of any types, into any table; nothing happens when there are none."""
    if rows:
        _insert_each(table, names).run_each(connection, names, rows)


def update_tuples(
    connection: Connection,
    table: Table,
    connector_id: int,
    rows: Sequence[Row],
    *,
    keys: tuple[str, ...],
    values: tuple[str, ...],
) -> int:
    """Update rows about tasks of a connector; returns how many there were.

    Each of ``rows`` says what the row has, which are the ``keys``, the sequence first, and then the ``values``: what
    JSON has, too.
    """
    if not rows:
        return 0
    names = (*(f"{_KEY}{name}" for name in keys), *(f"{_VALUE}{name}" for name in values))
    updated = update_range(connection, table, connector_id, rows, columns=(*keys, *values), names=names, keys=len(keys))
    if updated is not None:
        return updated
    if len(rows) > 1 and connection.dialect.name == "postgresql":
        places = [row[0] for row in rows]
        given: dict[str, Any] = {"connector": connector_id, "first": min(places), "last": max(places)}
        given["rows"] = [dict(zip(names, row, strict=True)) for row in rows]
        return _update_document(table, keys, values).run(connection, given)
    each = _update_each(table, keys, values)
    return each.run_each(connection, (*names, "connector"), [(*row, connector_id) for row in rows])


@cache
def _insert_each(table: Table, names: tuple[str, ...]) -> Statement:
    return Statement(insert(table), names)


@cache
def _update_document(table: Table, keys: tuple[str, ...], values: tuple[str, ...]) -> Statement:
    columns = [column(f"{_KEY}{name}", table.c[name].type) for name in keys]
    columns += [column(f"{_VALUE}{name}", table.c[name].type) for name in values]
    document = func.json_to_recordset(bindparam("rows", type_=JSON))
    given = document.table_valued(*columns).render_derived(name="given", with_types=True)
    return Statement(
        update(table)
        .where(
            table.c.connector_id == bindparam("connector"),
            # The planner cannot look into the document: this tells it how little of the table is meant.
            table.c.sequence.between(bindparam("first"), bindparam("last")),
            *(table.c[name] == given.c[f"{_KEY}{name}"] for name in keys),
        )
        .values({name: given.c[f"{_VALUE}{name}"] for name in values}),
        planned_once=False,
    )


@cache
def _update_each(table: Table, keys: tuple[str, ...], values: tuple[str, ...]) -> Statement:
    return Statement(
        update(table)
        .where(
            table.c.connector_id == bindparam("connector"),
            *(table.c[name] == bindparam(f"{_KEY}{name}") for name in keys),
        )
        .values({name: bindparam(f"{_VALUE}{name}") for name in values})
    )
