"""Looking at the tables of internal classes without changing them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import inspect, select

from integrationbus.connectors.models import NodeInfo
from integrationbus.connectors.object_class import ObjectClass
from integrationbus.server.storage.database import Database

__all__ = ["TableInspector"]


class TableInspector:
    """Every method blocks and may raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def missing_columns(self, object_class: ObjectClass) -> dict[str, Sequence[str]]:
        """The columns that are missing, by table; all of them for a table that is missing itself.

        The tables are that of the class and, for pages, that of the tree.
        """
        tables: list[Any] = [object_class.table, *([NodeInfo.__table__] if object_class.is_page else [])]
        missing: dict[str, Sequence[str]] = {}
        with self._database.read() as connection:
            inspector = inspect(connection)
            for table in tables:
                there = inspector.has_table(table.name)
                existing = {column["name"] for column in inspector.get_columns(table.name)} if there else set()
                missing[table.name] = sorted(column.name for column in table.columns if column.name not in existing)
        return missing

    def has_table(self, name: str) -> bool:
        """Whether there is such a table."""
        with self._database.read() as connection:
            return inspect(connection).has_table(name)

    def count_named(self, object_class: ObjectClass, code_name: str, most: int) -> int:
        """How many objects have a code name, counted up to ``most``; 0 for a class without code names."""
        column = object_class.columns.get(object_class.info.code_name or "")
        if column is None:
            return 0
        with self._database.read() as connection:
            return len(connection.execute(select(object_class.id_column).where(column == code_name).limit(most)).all())
