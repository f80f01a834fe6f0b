"""Many rows in one statement.

SQLite runs a small statement for each row, which costs next to nothing in the same process. PostgreSQL would parse,
plan and answer each of them: there the rows travel as one JSON document, which the statement reads as a table.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    FromClause,
    Insert,
    Select,
    Table,
    Update,
    bindparam,
    column,
    func,
    insert,
    select,
    update,
)

__all__ = ["insert_rows", "update_rows"]

_KEY, _VALUE = "is_", "to_"


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, all of which have the same columns; nothing happens when there are none."""
    if not rows:
        return
    if _takes_documents(connection) and len(rows) > 1:
        connection.execute(_insert_document(table, tuple(rows[0])), {"rows": [_plain(row) for row in rows]})
    else:
        connection.execute(insert(table), rows)


def update_rows(
    connection: Connection,
    table: Table,
    connector_id: int,
    changes: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
) -> int:
    """Update rows about tasks of a connector; returns how many there were.

    Each change is a pair: what a row has, the ``sequence`` among it, and what it gets. All changes are about the same
    columns.
    """
    if not changes:
        return 0
    keys, values = (tuple(part) for part in changes[0])
    rows = [
        {f"{_KEY}{name}": value for name, value in key.items()}
        | {f"{_VALUE}{name}": value for name, value in new.items()}
        for key, new in changes
    ]
    if _takes_documents(connection) and len(rows) > 1:
        places = [key["sequence"] for key, _ in changes]
        given = {"connector": connector_id, "first": min(places), "last": max(places), "rows": rows}
        return connection.execute(_update_document(table, keys, values), given).rowcount
    statement = _update_each(table, keys, values)
    return connection.execute(statement, [{**row, "connector": connector_id} for row in rows]).rowcount


def _takes_documents(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row for JSON; bytes as PostgreSQL writes them in a text."""
    return {name: f"\\x{value.hex()}" if isinstance(value, bytes) else value for name, value in row.items()}


def _document(columns: Sequence[ColumnElement[Any]]) -> FromClause:
    rows = func.json_to_recordset(bindparam("rows", type_=JSON))
    return rows.table_valued(*columns).render_derived(name="given", with_types=True)


@cache
def _insert_document(table: Table, names: tuple[str, ...]) -> Insert:
    given = _document([column(name, table.c[name].type) for name in names])
    rows: Select[Any] = select(*(given.c[name] for name in names))
    return insert(table).from_select(list(names), rows)


@cache
def _update_document(table: Table, keys: tuple[str, ...], values: tuple[str, ...]) -> Update:
    given = _document(
        [column(f"{_KEY}{name}", table.c[name].type) for name in keys]
        + [column(f"{_VALUE}{name}", table.c[name].type) for name in values]
    )
    return (
        update(table)
        .where(
            table.c.connector_id == bindparam("connector"),
            # The planner cannot look into the document: this tells it how little of the table is meant.
            table.c.sequence.between(bindparam("first"), bindparam("last")),
            *(table.c[name] == given.c[f"{_KEY}{name}"] for name in keys),
        )
        .values({name: given.c[f"{_VALUE}{name}"] for name in values})
    )


@cache
def _update_each(table: Table, keys: tuple[str, ...], values: tuple[str, ...]) -> Update:
    return (
        update(table)
        .where(
            table.c.connector_id == bindparam("connector"),
            *(table.c[name] == bindparam(f"{_KEY}{name}") for name in keys),
        )
        .values({name: bindparam(f"{_VALUE}{name}") for name in values})
    )
