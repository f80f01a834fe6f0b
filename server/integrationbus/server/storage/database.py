"""Connections: one way to write and one way to read, whatever the database."""

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool, StaticPool

from integrationbus.server.errors import OutcomeUnknown, StoreUnavailable
from integrationbus.server.storage.postgres import PostgresDatabase
from integrationbus.server.storage.transactions import reading, transaction

__all__ = ["Database", "PostgresDatabase", "SqliteDatabase", "open_database"]

_BUSY_TIMEOUT_SECONDS = 5
_READERS = 4


class Database(Protocol):
    """Hands out connections inside a transaction.

    Both contexts raise StoreUnavailable when the database cannot be used; ``write`` raises OutcomeUnknown when the
    commit itself failed.
    """

    kind: str

    def write(self) -> AbstractContextManager[Connection]:
        """A transaction that may write. It is committed when the context ends, rolled back when an exception leaves."""
        ...

    def read(self) -> AbstractContextManager[Connection]:
        """A short transaction that only reads and sees one state of the database."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


class FairLock:
    """A lock that is handed over in the order of asking, so that logging and processing take turns.

    A plain lock may be taken again at once by the thread that let it go: a stream of group commits then starves the
    connectors.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._queue: deque[threading.Lock] = deque()
        self._held = False

    def __enter__(self) -> None:
        with self._guard:
            if not self._held:
                self._held = True
                return
            turn = threading.Lock()
            turn.acquire()
            self._queue.append(turn)
        turn.acquire()

    def __exit__(self, *_: object) -> None:
        with self._guard:
            if self._queue:
                self._queue.popleft().release()
            else:
                self._held = False


class SqliteDatabase:
    """SQLite: one connection writes and checkpoints, a few others read.

    With a single writing connection no two writers compete, and commits and checkpoints never race. Readers are
    ``query_only`` and leave checkpoints alone.

    A disk that fails under a write leaves open what is in the file and what is only in memory. Nothing is written after
    that, ``on_broken`` is called, and the next process to open the file recovers it.
    """

    kind = "sqlite"

    def __init__(self, url: URL, on_broken: Callable[[], None]) -> None:
        self._on_broken = on_broken
        self._broken = False
        self._written = False
        self._turn = FairLock()
        self._writer = _sqlite_engine(url, StaticPool, query_only=False)
        self._readers = _sqlite_engine(url, QueuePool, query_only=True)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Wait for the turn, then BEGIN IMMEDIATE."""
        with self._turn:
            if self._broken:
                raise StoreUnavailable("the disk of the database failed; start the server again to recover")
            try:
                with transaction(self._writer, _begin_writing) as connection:
                    self._written = True
                    yield connection
            except (OutcomeUnknown, StoreUnavailable) as error:
                if _is_of_the_disk(error.__cause__):
                    self._broken = True
                    self._on_broken()
                raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A deferred transaction on a reading connection."""
        with reading(self._readers, _begin_reading) as connection:
            yield connection

    def close(self) -> None:
        """Close the readers, fold the log into the file if it was written, close the writer; a broken file is left."""
        self._readers.dispose()
        if self._broken:
            return
        with self._turn:
            if self._written:
                self._fold()
            self._writer.dispose()

    def _fold(self) -> None:
        raw = self._writer.raw_connection()
        try:
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            raw.close()


def open_database(url: str, on_broken: Callable[[], None] = lambda: None) -> Database:
    """Open the database of a URL: ``sqlite:///file`` or ``postgresql://...``. Raises ValueError for any other.

    ``on_broken`` is called, on any thread, when nothing can be written until another process has opened the file.
    """
    parsed = make_url(url)
    match parsed.get_backend_name():
        case "sqlite":
            return SqliteDatabase(parsed, on_broken)
        case "postgresql":
            return PostgresDatabase(parsed)
        case other:
            raise ValueError(f"the database must be sqlite or postgresql, not {other}")


def _is_of_the_disk(error: BaseException | None) -> bool:
    """Whether SQLite failed to read, write or sync its file. A disk that is only full is none of these."""
    if not isinstance(error, DBAPIError) or not isinstance(error.orig, sqlite3.Error):
        return False
    # The lower byte is the kind; what is above it says at what it happened. No room for its index is a full disk too.
    code = getattr(error.orig, "sqlite_errorcode", 0)
    return code & 0xFF in _DISK_ERRORS and code != sqlite3.SQLITE_IOERR_SHMSIZE


_DISK_ERRORS = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _sqlite_engine(url: URL, pool: type[StaticPool] | type[QueuePool], *, query_only: bool) -> Engine:
    arguments = {"timeout": _BUSY_TIMEOUT_SECONDS, "check_same_thread": False}
    sizing = {"pool_size": _READERS, "max_overflow": _READERS} if pool is QueuePool else {}
    # Every transaction is ended by whoever began it: the pool has nothing to undo.
    engine = create_engine(url, poolclass=pool, pool_reset_on_return=None, connect_args=arguments, **sizing)

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _: object) -> None:
        # The driver must not open transactions by itself: it would begin them too late, and not IMMEDIATE.
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        if query_only:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("PRAGMA wal_autocheckpoint = 0")

    return engine


def _begin_writing(_: Connection) -> str:
    return "BEGIN IMMEDIATE"


def _begin_reading(_: Connection) -> str:
    return "BEGIN"


_PRAGMAS = (
    "journal_mode = WAL",
    # Power loss must not undo an acknowledged commit; NORMAL would allow it.
    "synchronous = FULL",
    f"busy_timeout = {_BUSY_TIMEOUT_SECONDS * 1000}",
    "foreign_keys = ON",
    "mmap_size = 0",
    "journal_size_limit = 67108864",
    "trusted_schema = OFF",
    "cache_size = -65536",
)
