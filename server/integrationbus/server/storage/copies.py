"""Copies of a database: taking one, putting one back, and making the database another one than the lost one was."""

import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection, func, inspect, select, update

from integrationbus.server.errors import StoreUnavailable
from integrationbus.server.storage import schema
from integrationbus.server.storage.common_time import common_now
from integrationbus.server.storage.database import open_database
from integrationbus.server.storage.file_lock import DatabaseInUse, FileLock
from integrationbus.server.storage.integrity import check_before_use, check_intact, read_only
from integrationbus.server.storage.migrate import check_known, current_revision
from integrationbus.server.storage.opened import sqlite_path

__all__ = ["Restored", "backup", "check_no_servers", "restamp", "restore"]

_LEAP = 1_000_000
"""How far epochs move on: further than any holder can have come between the copy and the loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A database that was put back: its new id, and where the file that it replaced is now, if there was one."""

    store_id: str
    aside: Path | None


def backup(url: str, target: Path) -> int:
    """Copy a SQLite database, whether a server works on it or not; returns the size of the copy in bytes.

    Raises ValueError for another database, FileNotFoundError, FileExistsError rather than write over a file, and
    StoreUnavailable for a file that cannot be copied.
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
    _copy(path, target, alone=False)
    return target.stat().st_size


def restore(url: str, source: Path, *, force: bool) -> Restored:
    """Put a copy of a SQLite database in the place of the database, and give it a new identity.

    The copy is checked first, and left as it is. A database that is there already is replaced with ``force`` only, and
    kept beside it. Raises ValueError for another kind of database or a file that is none of the bus, FileNotFoundError,
    FileExistsError, DatabaseInUse, DatabaseDamaged and SchemaTooNew, with nothing changed.
    """
    path = sqlite_path(url)
    if path is None:
        raise ValueError("only SQLite databases are restored here; use pg_restore for PostgreSQL, then: db restamp")
    if not source.exists():
        raise FileNotFoundError(f"there is no file {source}")
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        if path.exists() and not force:
            raise FileExistsError(f"{path} exists already: move it away, or replace it with --force")
        check_intact(source)
        fresh = path.with_name(f"{path.name}.restoring")
        fresh.unlink(missing_ok=True)
        try:
            _copy(source, fresh, alone=True)
            store_id = _restamp(f"sqlite:///{fresh}")
            return Restored(store_id=store_id, aside=_replace(path, fresh))
        finally:
            fresh.unlink(missing_ok=True)
    finally:
        lock.release()


def restamp(url: str) -> str:
    """Give a database that was put back by other means a new identity; returns its new id.

    Tokens of before are refused then, and whoever still holds a connector has lost it. Raises ValueError for a database
    that is none of the bus, FileNotFoundError, DatabaseInUse, SchemaTooNew and StoreUnavailable.
    """
    path = sqlite_path(url)
    if path is None:
        return _restamp(url, shared=True)
    if not path.exists():
        raise FileNotFoundError(f"there is no database {path}")
    lock = FileLock(path)
    try:
        check_before_use(path)
        return _restamp(url)
    finally:
        lock.release()


def _restamp(url: str, *, shared: bool = False) -> str:
    """``shared`` says that servers may work on the database, which no lock tells."""
    database = open_database(url)
    try:
        with database.write() as connection:
            _check_ours(connection)
            if shared:
                check_no_servers(connection)
            store_id = str(uuid4())
            connection.execute(update(schema.store_meta).values(store_id=store_id))
            connection.execute(update(schema.lease).values(owner="", epoch=schema.lease.c.epoch + _LEAP))
            return store_id
    finally:
        database.close()


def _check_ours(connection: Connection) -> None:
    if current_revision(connection) is None or not inspect(connection).has_table(schema.store_meta.name):
        raise ValueError("this is no database of the Integration Bus")
    check_known(connection)


def check_no_servers(connection: Connection) -> None:
    """Raise DatabaseInUse when servers are on record that work on a PostgreSQL database.

    One that goes on under another id would hand out tokens that are good for nothing.
    """
    here = (
        select(func.count()).select_from(schema.replica).where(schema.replica.c.expires_at >= common_now(connection, 0))
    )
    number = connection.execute(here).scalar_one()
    if number:
        raise DatabaseInUse(
            f"servers still work on the database ({number} on record): stop them; one that was killed, or came with the"
            " dump, is on record until its INTEGRATIONBUS_LEASE_SECONDS are over"
        )


def _copy(source: Path, target: Path, *, alone: bool) -> None:
    """A whole copy, which is on the disk when this returns; half of one never has the name of the target."""
    half = target.with_name(f"{target.name}.half")
    half.unlink(missing_ok=True)
    try:
        with closing(read_only(source, alone=alone)) as old, closing(sqlite3.connect(half)) as new:
            old.backup(new)
        _sync(half)
        half.rename(target)
        _sync(target.parent)
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{source} cannot be copied: {error}") from error
    finally:
        half.unlink(missing_ok=True)


def _replace(path: Path, fresh: Path) -> Path | None:
    """Give a file the place of another, which is kept beside it. The log of the old one must not meet the new one."""
    log, shared = (path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))
    aside = None
    if path.exists():
        with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(path)) as old:
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        aside = next(
            name for number in count(1) if not (name := path.with_name(f"{path.name}.replaced-{number}")).exists()
        )
        os.link(path, aside)
        if log.exists():
            os.link(log, aside.with_name(f"{aside.name}-wal"))
    log.unlink(missing_ok=True)
    shared.unlink(missing_ok=True)
    _sync(fresh)
    fresh.replace(path)
    _sync(path.parent)
    return aside


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
