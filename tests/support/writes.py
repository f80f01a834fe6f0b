"""Counting what is really written to a table, however often and by whom."""

from sqlalchemy import text

from integrationbus.server.storage.database import Database

__all__ = ["count_writes", "writes_of"]


def count_writes(database: Database, table: str) -> None:
    """Let a SQLite database note every insert and update of a table from now on."""
    with database.write() as connection:
        connection.execute(text("CREATE TABLE test_writes (what TEXT)"))
        for what in ("INSERT", "UPDATE"):
            note = f"INSERT INTO test_writes VALUES ('{what}')"  # noqa: S608 - our own
            connection.execute(text(f"CREATE TRIGGER test_{what} AFTER {what} ON {table} BEGIN {note}; END"))


def writes_of(database: Database) -> list[str]:
    """What was noted, in order."""
    with database.read() as connection:
        return list(connection.execute(text("SELECT what FROM test_writes ORDER BY rowid")).scalars())
