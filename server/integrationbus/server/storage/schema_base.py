"""What the tables of the queue have in common."""

from enum import IntEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Integer, MetaData

__all__ = ["BigKey", "metadata", "of_a_connector", "of_a_task", "one_of"]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives an alias of the row id, without a second index, to "INTEGER PRIMARY KEY" only.
BigKey = BigInteger().with_variant(Integer, "sqlite")


def one_of(column: str, values: type[IntEnum]) -> CheckConstraint:
    """A column holds one of the numbers of an enumeration."""
    numbers = ", ".join(str(int(value)) for value in values)
    return CheckConstraint(f"{column} IN ({numbers})", name=column)


def of_a_connector() -> ForeignKeyConstraint:
    """Every row has the connector that it names; see ``of_a_task``."""
    return _checked_by_sqlite(ForeignKeyConstraint(["connector_id"], ["connector.id"]))


def of_a_task() -> ForeignKeyConstraint:
    """Every row has the task that it names.

    For rows that each task brings. PostgreSQL does not check it: it would read and lock the other row for each of them,
    which took a quarter of all its work for a task (measured). Nobody but the bus writes these rows, and only while it
    has the task, or the connector, in its hands.
    """
    return _checked_by_sqlite(
        ForeignKeyConstraint(["connector_id", "sequence"], ["task.connector_id", "task.sequence"])
    )


def _checked_by_sqlite(key: ForeignKeyConstraint) -> ForeignKeyConstraint:
    key.ddl_if(dialect="sqlite")
    return key
