"""PostgreSQL: a pool of connections, and limits on how long anything may take."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.pool import ConnectionPoolEntry

from integrationbus.server.storage.transactions import reading, transaction

__all__ = ["PostgresDatabase"]

_POOL_SIZE = 10
_POOL_TIMEOUT_SECONDS = 10

# Of the connection, which the URL may say otherwise: how long to wait for it, and when it counts as dead.
_CONNECTION: Mapping[str, Any] = {
    "application_name": "integrationbus",
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}

# Times in milliseconds. Behind a pooler a session is that of many clients: there they are set for each transaction.
_LIMITS: Mapping[str, str] = {
    "timezone": "'UTC'",
    "lock_timeout": "2000",
    "statement_timeout": "10000",
    "idle_in_transaction_session_timeout": "15000",
}
# A server that can look whether its client is still there ends the statements of one that is not.
_CHECK_CLIENT = "client_connection_check_interval = 5000"

# What is about single rows asks to be prepared; PostgreSQL needs 0.7 of the time then (measured). A plan is kept until
# the statistics of its tables change, so it must not be one for small tables: all that the bus looks for has an index,
# and that is used from the first row on. Each class of objects brings some statements of its own.
_PREPARED_AFTER = 1 << 31
_PREPARED_AT_MOST = 1_000
_INDEXES_FIRST = "enable_seqscan = off"


class PostgresDatabase:
    """PostgreSQL, directly or behind a pooler that hands out its connections for one transaction each."""

    kind = "postgresql"

    def __init__(self, url: URL) -> None:
        """Nothing is connected yet. Raises ValueError when the driver is not installed."""
        self._engine = _engine(url)
        event.listen(self._engine, "connect", self._configure)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction on a pooled connection."""
        with transaction(self._engine, _begin_writing) as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction whose statements all see one snapshot."""
        with reading(self._engine, _begin_reading) as connection:
            yield connection

    def close(self) -> None:
        """Close the pool."""
        self._engine.dispose()

    def _configure(self, connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        # The driver must not begin transactions by itself: the limits would cost a round trip of their own.
        connection.autocommit = True
        cursor = connection.cursor()
        try:
            entry.info["settings"] = self._settings(connection, cursor)
        except BaseException:
            # The pool does not have it yet, and would leave it open.
            connection.close()
            raise
        cursor.close()

    def _settings(self, connection: DBAPIConnection, cursor: DBAPICursor) -> str:
        """What begins a transaction besides its BEGIN; nothing on a session of our own, where it is set for good."""
        is_own = _is_own_session(connection, cursor)
        how = "SET" if is_own else "SET LOCAL"
        settings = [f"{how} {name} = {value}" for name, value in _LIMITS.items()]
        # Not every database that speaks PostgreSQL knows these.
        for setting in (_CHECK_CLIENT, _INDEXES_FIRST) if is_own else (_CHECK_CLIENT,):
            with suppress(self._engine.dialect.loaded_dbapi.Error):
                cursor.execute(f"BEGIN; SET LOCAL {setting}")
                settings.append(f"{how} {setting}")
            cursor.execute("ROLLBACK")
        if not is_own:
            return "; " + "; ".join(settings)
        cursor.execute("; ".join(settings))
        connection.prepare_threshold = _PREPARED_AFTER
        connection.prepared_max = _PREPARED_AT_MOST
        return ""


def _engine(url: URL) -> Engine:
    try:
        return create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_size=_POOL_SIZE,
            max_overflow=_POOL_SIZE,
            pool_timeout=_POOL_TIMEOUT_SECONDS,
            # Every transaction is ended by whoever began it: the pool has nothing to undo.
            pool_reset_on_return=None,
            use_native_hstore=False,
            # Statements that the server is to remember belong to a session.
            connect_args={"prepare_threshold": None}
            | {name: value for name, value in _CONNECTION.items() if name not in url.query},
        )
    except ImportError as error:
        raise ValueError(
            f"PostgreSQL needs its driver: {error}; install it with: pip install 'integrationbus[postgres]'"
        ) from error


def _begin_writing(connection: Connection) -> str:
    return f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE{connection.info['settings']}"


def _begin_reading(connection: Connection) -> str:
    return f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY{connection.info['settings']}"


def _is_own_session(connection: DBAPIConnection, cursor: DBAPICursor) -> bool:
    """Whether no pooler stands between: it would have to make up the number by which statements are cancelled."""
    cursor.execute("SELECT pg_backend_pid()")
    row = cursor.fetchone()
    return row is not None and row[0] == connection.info.backend_pid
