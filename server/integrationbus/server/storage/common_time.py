"""The time that all who share a database agree on."""

from sqlalchemy import BigInteger, ColumnElement, Connection, cast, func, literal

__all__ = ["common_now"]


def common_now(connection: Connection, now: int) -> ColumnElement[int]:
    """Microseconds since 1970 UTC, by the clock of the database server; by ``now`` where only one process can be.

    Whether a lease has expired must not depend on whose clock is ahead.
    """
    if connection.dialect.name == "postgresql":
        return cast(func.extract("epoch", func.clock_timestamp()) * 1_000_000, BigInteger)
    return literal(now, BigInteger)
