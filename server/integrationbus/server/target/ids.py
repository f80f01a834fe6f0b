"""Internal ids for new rows, taken before they are inserted.

With the ids known, rows go in by ``executemany``; reading them back with RETURNING, row by row, halves the rate.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Column, Connection, Insert, Select, Table, bindparam, func, insert, select, text

__all__ = ["allocate_ids", "insert_with_next_id"]


def allocate_ids(connection: Connection, table: Table, count: int) -> Sequence[int]:
    """As many unused primary keys of a table, in ascending order."""
    key = next(iter(table.primary_key))
    if connection.dialect.name == "postgresql":
        # The sequence that other writers of the table draw from, too.
        names = {"table": f'"{table.name}"', "column": key.name, "count": count}
        return list(connection.execute(_DRAW, names).scalars())
    # This transaction holds the only right to write, so nobody else can take the same numbers.
    newest: int = connection.execute(_newest(key)).scalar_one()
    return range(newest + 1, newest + 1 + count)


_DRAW = text("SELECT nextval(pg_get_serial_sequence(:table, :column)) FROM generate_series(1, :count) ORDER BY 1")


def insert_with_next_id(connection: Connection, table: Table, names: tuple[str, ...], values: Sequence[Any]) -> int:
    """Insert one row with values for these columns and an unused primary key, which is returned.

    For PostgreSQL, where it is one round trip instead of two.
    """
    given = dict(zip(names, values, strict=True))
    inserted: int = connection.execute(_insertion(table, names), given).scalar_one()
    return inserted


@cache
def _insertion(table: Table, names: tuple[str, ...]) -> Insert:
    key = next(iter(table.primary_key))
    drawn = func.nextval(func.pg_get_serial_sequence(f'"{table.name}"', key.name))
    given = {name: bindparam(name, type_=table.c[name].type) for name in names}
    return insert(table).values({key.name: drawn, **given}).returning(key)


@cache
def _newest(key: Column[Any]) -> Select[Any]:
    return select(func.coalesce(func.max(key), 0))
