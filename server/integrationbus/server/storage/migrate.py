"""Bringing the schema of a database up to date."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

__all__ = ["SchemaTooNew", "current_revision", "downgrade", "newest_revision", "upgrade"]


class SchemaTooNew(Exception):
    """The database was made by a newer version of the server, which alone knows what its schema means."""


def current_revision(connection: Connection) -> str | None:
    """The revision that the database is at; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str | None:
    """The newest revision that this version of the server knows."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run every migration that the database lacks. Raises SchemaTooNew when it has one that is unknown here."""
    current = current_revision(connection)
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if current is not None and current not in known:
        raise SchemaTooNew(
            f"the database is at schema {current}, this server knows {newest_revision()}: install a newer server"
        )
    _take_time(connection)
    command.upgrade(_config_for(connection), revision)


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
