"""The tables of internal classes: made when they are missing, checked when they are there."""

from collections.abc import Iterable

from sqlalchemy import Connection, Table, inspect

from integrationbus.connectors.models import InternalObject
from integrationbus.connectors.object_class import ObjectClass

__all__ = ["TableMismatch", "ensure_tables"]


class TableMismatch(Exception):
    """A table exists that does not have the columns of its class."""


def ensure_tables(connection: Connection, classes: Iterable[ObjectClass]) -> None:
    """Create the tables of classes, and of those that they point at. Raises TableMismatch.

    An existing table is never changed: only its owner knows what a missing column should hold.
    """
    tables = _with_targets([item.table for item in classes])
    InternalObject.metadata.create_all(connection, tables=tables)
    inspector = inspect(connection)
    for table in tables:
        existing = {column["name"] for column in inspector.get_columns(table.name)}
        missing = sorted(column.name for column in table.columns if column.name not in existing)
        if missing:
            raise TableMismatch(f"table {table.name} has no column {', '.join(missing)}: add it, or migrate the table")


def _with_targets(tables: Iterable[Table]) -> list[Table]:
    found: dict[str, Table] = {}
    waiting = list(tables)
    while waiting:
        table = waiting.pop()
        if table.name not in found:
            found[table.name] = table
            waiting.extend(key.column.table for key in table.foreign_keys)
    return list(found.values())
