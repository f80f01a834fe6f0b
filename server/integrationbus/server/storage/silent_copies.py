"""COPYs whose sender is silent, frozen or cut off from the database.

While PostgreSQL waits for the rows of a COPY, none of its limits of time ends the transaction. What that has locked
would stay so until the connection is known to be dead, which takes hours, and for ever when the sender is only frozen.
"""

from contextlib import suppress
from datetime import timedelta

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.exc import ProgrammingError

from integrationbus.server.storage.driver import COPY

__all__ = ["end_silent_copies"]

# As long as a transaction may be idle, which a limit of time does end.
_PATIENCE = timedelta(seconds=15)

_END = text(
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
    " AND state = 'active' AND wait_event = 'ClientRead' AND starts_with(query, :copy)"
    " AND query_start < clock_timestamp() - :patience"
).bindparams(bindparam("copy", COPY), bindparam("patience", _PATIENCE))


def end_silent_copies(connection: Connection) -> None:
    """End the sessions that have waited too long for rows of the bus, where the database has them and lets us."""
    if connection.dialect.name != "postgresql":
        return
    # No presence may depend on it: what only speaks PostgreSQL may not know how, and a role may not be allowed to.
    with suppress(ProgrammingError), connection.begin_nested():
        connection.execute(_END)
