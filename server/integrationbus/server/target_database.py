"""Opening the target: the database of the queue, or one of its own."""

from contextlib import closing
from dataclasses import dataclass

from integrationbus.connectors.object_class import describe
from integrationbus.server.clock import SystemClock
from integrationbus.server.effects import Effects
from integrationbus.server.errors import StoreUnavailable
from integrationbus.server.loading import SHIPPED_CLASSES
from integrationbus.server.processing.one_database import OneDatabase
from integrationbus.server.processing.two_databases import TwoDatabases
from integrationbus.server.storage.copies import check_no_servers
from integrationbus.server.storage.database import Database, open_database
from integrationbus.server.storage.maintenance import check_there
from integrationbus.server.storage.opened import OpenedStore, open_store, sqlite_path
from integrationbus.server.target import key_map
from integrationbus.server.target.ledger import SqlLedger
from integrationbus.server.target.own_tables import (
    KnownToQueue,
    TargetUnusable,
    adopt,
    is_apart,
    note_apart,
    prepare_own_tables,
)
from integrationbus.server.target.tables import TableMismatch, ensure_tables

__all__ = ["OpenedTarget", "adopt_target", "open_target"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedTarget:
    """Where objects, pages and the key map are, and how batches are written there. ``own`` must be closed."""

    database: Database
    effects: Effects
    own: Database | None = None

    def close(self) -> None:
        """Release a database of its own; that of the queue is closed with the store."""
        if self.own is not None:
            self.own.close()


def open_target(opened: OpenedStore, url: str) -> OpenedTarget:
    """Open the target of a URL, and create its tables; an empty one stands for the database of the queue.

    Raises ValueError for one that cannot be used, and StoreUnavailable.
    """
    if not url:
        _check_beside(opened)
        return OpenedTarget(database=opened.database, effects=OneDatabase(opened.store))
    try:
        path = sqlite_path(url)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        database = open_database(url)
    except (OSError, ValueError) as error:
        raise TargetUnusable(f"target_url: {error}") from error
    try:
        _prepare(database, opened)
    except BaseException:
        database.close()
        raise
    effects = TwoDatabases(opened.store, SqlLedger(database))
    return OpenedTarget(database=database, effects=effects, own=database)


def adopt_target(url: str, target_url: str) -> str:
    """Let a target belong to the bus of a database, after both were put back; returns the id of the store.

    Raises what ``open_store`` does, FileNotFoundError for a file that is not there, and TargetUnusable for a database
    that was never a target.
    """
    check_there(url)
    check_there(target_url)
    with closing(open_store(url, SystemClock())) as opened, closing(open_database(target_url)) as target:
        with opened.database.write() as connection:
            check_no_servers(connection)
        with target.write() as connection:
            adopt(connection, opened.store.store_id)
        return opened.store.store_id


def _check_beside(opened: OpenedStore) -> None:
    with opened.database.read() as connection:
        if is_apart(connection):
            raise TargetUnusable("target_url: the objects of this bus are in a database of their own: name that one")


def _prepare(database: Database, opened: OpenedStore) -> None:
    with opened.database.read() as connection:
        known = KnownToQueue(objects=key_map.knows_any(connection), target=is_apart(connection))
    try:
        with database.write() as connection:
            prepare_own_tables(connection, opened.store.store_id, known)
            ensure_tables(connection, map(describe, SHIPPED_CLASSES))
        # A crash before this leaves a target that knows its bus, and is taken by the next start.
        if not known.target:
            with opened.database.write() as connection:
                note_apart(connection)
    except (TableMismatch, TargetUnusable) as error:
        raise TargetUnusable(f"target_url: the target cannot be used: {error}") from error
    except StoreUnavailable as error:
        raise StoreUnavailable(f"target_url: {error}") from error
