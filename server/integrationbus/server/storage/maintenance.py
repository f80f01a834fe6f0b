"""Looking at the schema of a database, and migrating it, without a server."""

from dataclasses import dataclass

from sqlalchemy import make_url

from integrationbus.server.storage.database import open_database
from integrationbus.server.storage.file_lock import FileLock
from integrationbus.server.storage.integrity import check_before_use, check_readable
from integrationbus.server.storage.migrate import current_revision, known_revisions, newest_revision, upgrade
from integrationbus.server.storage.opened import sqlite_path

__all__ = ["SchemaStatus", "check_there", "schema_status", "upgrade_schema"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaStatus:
    """Where a schema stands.

    ``revision`` is None for a database without tables; ``is_known`` is False for one that a newer version made.
    """

    database: str
    revision: str | None
    newest: str
    is_known: bool

    @property
    def is_current(self) -> bool:
        """Whether nothing is to be done."""
        return self.revision == self.newest


def check_there(url: str) -> None:
    """Raise FileNotFoundError for a SQLite file that is not there, rather than make one."""
    path = sqlite_path(url)
    if path is not None and not path.exists():
        raise FileNotFoundError(f"there is no database {path}")


def schema_status(url: str) -> SchemaStatus:
    """Look at the schema of a database, also while a server works on it.

    Raises FileNotFoundError for a SQLite file that is not there, and DatabaseDamaged or StoreUnavailable.
    """
    check_there(url)
    path = sqlite_path(url)
    if path is not None:
        check_readable(path)
    database = open_database(url)
    try:
        with database.read() as connection:
            revision = current_revision(connection)
    finally:
        database.close()
    name = make_url(url).render_as_string(hide_password=True)
    known = revision is None or revision in known_revisions()
    return SchemaStatus(database=name, revision=revision, newest=newest_revision(), is_known=known)


def upgrade_schema(url: str) -> None:
    """Create or migrate the tables. Raises what ``open_store`` does, and OSError."""
    path = sqlite_path(url)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    lock = None if path is None else FileLock(path)
    try:
        if path is not None:
            check_before_use(path)
        database = open_database(url)
        try:
            with database.write() as connection:
                upgrade(connection)
        finally:
            database.close()
    finally:
        if lock is not None:
            lock.release()
