"""What the tables of the queue have in common."""

from enum import IntEnum

from sqlalchemy import BigInteger, CheckConstraint, Integer, MetaData

__all__ = ["BigKey", "metadata", "one_of"]

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
