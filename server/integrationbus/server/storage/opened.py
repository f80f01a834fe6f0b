"""Opening a store: lock the file, bring the schema up to date, connect."""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from integrationbus.server.clock import Clock
from integrationbus.server.storage.database import Database, open_database
from integrationbus.server.storage.file_lock import FileLock
from integrationbus.server.storage.integrity import check_before_use
from integrationbus.server.storage.leases import release_all
from integrationbus.server.storage.migrate import upgrade
from integrationbus.server.storage.sql_store import LEASE, SqlStore

__all__ = ["OpenedStore", "open_store", "sqlite_path"]


@dataclass(frozen=True, slots=True)
class OpenedStore:
    """A store that is ready for use, with the database below it. ``lock`` is None when many processes may share it."""

    store: SqlStore
    database: Database
    lock: FileLock | None

    def close(self) -> None:
        """Release everything."""
        self.store.close()
        if self.lock is not None:
            self.lock.release()


def open_store(
    url: str, clock: Clock, lease: timedelta = LEASE, *, on_broken: Callable[[], None] = lambda: None
) -> OpenedStore:
    """Open the database of a URL, and create or migrate its tables. For ``on_broken`` see ``open_database``.

    Raises ValueError for a URL that cannot be used, DatabaseInUse, DatabaseDamaged, SchemaTooNew and StoreUnavailable,
    with nothing left open.
    """
    path = sqlite_path(url)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as opened:
        lock = None if path is None else FileLock(path)
        if path is not None and lock is not None:
            opened.callback(lock.release)
            check_before_use(path)
        database = open_database(url, on_broken)
        opened.callback(_close_quietly, database)
        with database.write() as connection:
            upgrade(connection)
            if lock is not None:
                release_all(connection)
        store = OpenedStore(store=SqlStore(database, clock, lease), database=database, lock=lock)
        opened.pop_all()
        return store


def _close_quietly(database: Database) -> None:
    """Close a database that could not be used: why it could not is what counts, not that it cannot be closed either."""
    with suppress(Exception):
        database.close()


def sqlite_path(url: str) -> Path | None:
    """The file of a SQLite URL; None for another database. Raises ValueError for one in memory, and for no URL."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # Without the text: what is no URL may hold a password all the same.
        raise ValueError("the database must be a URL, for example sqlite:///integrationbus.db") from None
    if parsed.get_backend_name() != "sqlite":
        return None
    if parsed.database in (None, "", ":memory:"):
        raise ValueError("a SQLite database must be a file, for example sqlite:///integrationbus.db")
    return Path(parsed.database)
