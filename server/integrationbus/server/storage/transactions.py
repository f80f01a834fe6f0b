"""Transactions: a statement that failed, a commit that failed, and a commit of which nobody knows."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from integrationbus.server.errors import OutcomeUnknown, StoreUnavailable
from integrationbus.server.storage import driver

__all__ = ["Begin", "TransactionConflict", "reading", "repeated", "transaction"]

_T = TypeVar("_T")

Begin: TypeAlias = Callable[[Connection], str]
"""The words that begin a transaction on a connection; the driver must not do so by itself."""

_SERIALIZATION_FAILURE, _DEADLOCK = "40001", "40P01"

# The server says by these that the connection ended, or that it does not know itself how the commit ended.
_NO_ANSWER = ("08", "57P", "40003")

_PAUSES_SECONDS = (0.02, 0.05, 0.1, 0.2)


class TransactionConflict(StoreUnavailable):
    """The database undid a transaction in favour of another one; the same may succeed a moment later."""


@contextmanager
def transaction(engine: Engine, begin: Begin) -> Iterator[Connection]:
    """Commit what happens inside; tell a failed statement from a failed commit.

    The words of ``begin`` are the first statement: as an event they would slow every statement down, measured: 1.3 x.
    Raises StoreUnavailable, of which TransactionConflict is a kind, when nothing was written. Raises OutcomeUnknown
    when the answer to the commit did not come.
    """
    with _begun(engine, begin) as connection:
        try:
            yield connection
        except DBAPIError as error:
            connection.rollback()
            _refuse(error)
            raise
        try:
            connection.commit()
        except DBAPIError as error:
            if _was_answered(error):
                raise _refused("the commit", error) from error
            raise OutcomeUnknown(f"the commit failed: {error.orig}") from error


def _begun(engine: Engine, begin: Begin) -> Connection:
    """A connection in a transaction; on a new one if that of the pool has ended meanwhile.

    To ask for a sign of life first would be a round trip more for every transaction.
    """
    try:
        return _try_to_begin(engine, begin)
    except DBAPIError as error:
        if not error.connection_invalidated:
            _refuse(error)
            raise
    try:
        return _try_to_begin(engine, begin)
    except DBAPIError as error:
        _refuse(error)
        raise


def _try_to_begin(engine: Engine, begin: Begin) -> Connection:
    connection = _connected(engine)
    try:
        connection.begin()
        driver.execute(connection, begin(connection))
    except BaseException:
        connection.close()
        raise
    return connection


def _connected(engine: Engine) -> Connection:
    try:
        return engine.connect()
    except (DBAPIError, PoolTimeoutError) as error:
        raise StoreUnavailable(f"the database cannot be opened: {_words_of(error)}") from error


@contextmanager
def reading(engine: Engine, begin: Begin) -> Iterator[Connection]:
    """As ``transaction``; what only reads has no outcome that could be unknown."""
    try:
        with transaction(engine, begin) as connection:
            yield connection
    except OutcomeUnknown as error:
        raise StoreUnavailable(f"the database went away: {error}") from error


def repeated(begin: Callable[[], AbstractContextManager[Connection]], work: Callable[[Connection], _T]) -> _T:
    """What ``work`` returns, done in a transaction of ``begin``, and once more after a pause for each conflict.

    For work that may be done again from its beginning. The last of five conflicts is raised.
    """
    for pause in _PAUSES_SECONDS:
        try:
            with begin() as connection:
                return work(connection)
        except TransactionConflict:
            # Those who met must not meet again.
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - nobody need be kept from guessing it
    with begin() as connection:
        return work(connection)


def _refuse(error: DBAPIError) -> None:
    """Raise what it means that a statement failed; nothing when that is the statement's own fault."""
    if isinstance(error, OperationalError | InterfaceError | InternalError):
        raise _refused("a statement", error) from error
    # Of this very class is what SQLite says of a damaged file.
    if type(error) is DatabaseError:
        raise StoreUnavailable(f"the database is damaged: {error.orig}") from error


def _refused(what: str, error: DBAPIError) -> StoreUnavailable:
    kind = TransactionConflict if _state(error) in (_SERIALIZATION_FAILURE, _DEADLOCK) else StoreUnavailable
    return kind(f"the database refused {what}: {error.orig}")


def _words_of(error: DBAPIError | PoolTimeoutError) -> str:
    """What the driver or the pool says, without what SQLAlchemy adds for programmers."""
    return str(error.orig if isinstance(error, DBAPIError) else error.args[0]).strip()


def _was_answered(error: DBAPIError) -> bool:
    """Whether a server said that it did not commit; SQLite, which is no server, says nothing of the kind."""
    state = _state(error)
    return bool(state) and not state.startswith(_NO_ANSWER)


def _state(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""
