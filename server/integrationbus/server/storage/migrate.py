"""Bringing the schema of a database up to date."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

__all__ = [
    "SchemaTooNew",
    "check_known",
    "current_revision",
    "downgrade",
    "known_revisions",
    "newest_revision",
    "upgrade",
]

_LOCK = 7_265_348_112_403
"""The number of the lock that whoever migrates a PostgreSQL database holds; any other program uses other ones."""


class SchemaTooNew(Exception):
    """The database was made by a newer version of the server, which alone knows what its schema means."""


def current_revision(connection: Connection) -> str | None:
    """The revision that the database is at; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str:
    """The newest revision that this version of the server knows."""
    return known_revisions()[0]


@cache
def known_revisions() -> tuple[str, ...]:
    """Every revision that this version of the server knows, the newest first."""
    return tuple(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def check_known(connection: Connection) -> None:
    """Raise SchemaTooNew when the database is at a revision that is unknown here."""
    current = current_revision(connection)
    if current is not None and current not in known_revisions():
        raise SchemaTooNew(
            f"the database is at schema {current}, this server knows {newest_revision()}: install a newer server"
        )


def upgrade(connection: Connection, revision: str = "") -> None:
    """Run every migration that the database lacks, up to the newest one if no other is given.

    Raises SchemaTooNew when it has one that is unknown here, and ValueError when it is the target of a bus.

    All is part of the transaction of the connection: whoever dies of it leaves the schema as it was. Several may do so
    at once; one migrates, and the others wait and find nothing to do.
    """
    _take_time(connection)
    if connection.dialect.name == "postgresql":
        before = connection.exec_driver_sql("SHOW lock_timeout").scalar_one()
        connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        # A table is waited for no longer than elsewhere: who waits for one holds up all who want it.
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{before}'")
    check_known(connection)
    wanted = revision or newest_revision()
    if current_revision(connection) == wanted:
        return
    if current_revision(connection) is None and inspect(connection).has_table("bus_target"):
        raise ValueError("the database holds the objects of a bus: name the one that has its tasks")
    command.upgrade(_config_for(connection), wanted)


def downgrade(connection: Connection, revision: str) -> None:
    """Take migrations back; what only they can hold is lost."""
    _take_time(connection)
    command.downgrade(_config_for(connection), revision)


def _take_time(connection: Connection) -> None:
    """Let statements take as long as large tables need; locks are still waited for no longer than elsewhere."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")


def _config_for(connection: Connection) -> Config:
    config = _config()
    config.attributes["connection"] = connection
    return config


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config
