"""What an operator does to a database besides serving it."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from integrationbus.server.storage.database import open_database
from integrationbus.server.storage.file_lock import FileLock
from integrationbus.server.storage.migrate import current_revision, newest_revision, upgrade
from integrationbus.server.storage.opened import sqlite_path

__all__ = ["SchemaStatus", "backup", "schema_status", "upgrade_schema"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaStatus:
    """Where a schema stands; ``current`` is None for a database without tables."""

    database: str
    current: str | None
    newest: str | None

    @property
    def is_current(self) -> bool:
        """Whether nothing is to be done."""
        return self.current == self.newest


def schema_status(url: str) -> SchemaStatus:
    """Look at the schema of a database. Raises FileNotFoundError for a SQLite file that is not there."""
    path = sqlite_path(url)
    if path is not None and not path.exists():
        raise FileNotFoundError(f"there is no database {path}")
    database = open_database(url)
    try:
        with database.read() as connection:
            current = current_revision(connection)
    finally:
        database.close()
    name = make_url(url).render_as_string(hide_password=True)
    return SchemaStatus(database=name, current=current, newest=newest_revision())


def upgrade_schema(url: str) -> None:
    """Create or migrate the tables. Raises DatabaseInUse, SchemaTooNew or StoreUnavailable."""
    path = sqlite_path(url)
    lock = None if path is None else FileLock(path)
    try:
        database = open_database(url)
        try:
            with database.write() as connection:
                upgrade(connection)
        finally:
            database.close()
    finally:
        if lock is not None:
            lock.release()


def backup(url: str, target: Path) -> int:
    """Copy a SQLite database, whether a server works on it or not; returns the size of the copy in bytes.

    Raises ValueError for another database, FileNotFoundError, and FileExistsError rather than write over a file.
    """
    path = sqlite_path(url)
    if path is None:
        raise ValueError("only SQLite databases are backed up here; use pg_dump for PostgreSQL")
    if not path.exists():
        raise FileNotFoundError(f"there is no database {path}")
    if target.exists():
        raise FileExistsError(f"{target} exists already")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {target.parent}")
    source = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    copy = sqlite3.connect(target)
    try:
        source.backup(copy)
    finally:
        copy.close()
        source.close()
    return target.stat().st_size
