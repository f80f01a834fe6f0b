"""Migrates a database, and dies before a statement of the migrations; for a process of its own."""

import os
import signal
import sys

from sqlalchemy import Connection, event

from integrationbus.server.storage.database import open_database
from integrationbus.server.storage.migrate import upgrade

__all__ = ["count_changes"]

_CHANGES = ("ALTER", "CREATE", "DROP", "INSERT", "UPDATE", "PRAGMA WRITABLE_SCHEMA")


def count_changes(connection: Connection, *, die_before: int = 0) -> list[str]:
    """The statements by which migrations change the database, as they come from now on."""
    seen: list[str] = []

    @event.listens_for(connection, "before_cursor_execute")
    def note(_: object, __: object, statement: str, *___: object) -> None:
        if statement.strip().upper().startswith(_CHANGES):
            seen.append(statement)
            if len(seen) == die_before:
                os.kill(os.getpid(), signal.SIGKILL)

    return seen


if __name__ == "__main__":
    with open_database(sys.argv[1]).write() as migrating:
        count_changes(migrating, die_before=int(sys.argv[2]))
        upgrade(migrating)
