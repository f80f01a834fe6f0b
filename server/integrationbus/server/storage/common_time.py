"""The time that all who share a database agree on."""

from sqlalchemy import BigInteger, ColumnElement, Connection, cast, func, literal

__all__ = ["DATABASE_NOW", "common_now"]

DATABASE_NOW: ColumnElement[int] = cast(func.extract("epoch", func.clock_timestamp()) * 1_000_000, BigInteger)
"""The time of a database server, in microseconds since 1970 UTC."""


def common_now(connection: Connection, now: int) -> ColumnElement[int]:
    """Microseconds since 1970 UTC, by the clock of the database server; by ``now`` where only one process can be.

    Whether a lease has expired must not depend on whose clock is ahead.
    """
    if connection.dialect.name == "postgresql":
        return DATABASE_NOW
    return literal(now, BigInteger)
