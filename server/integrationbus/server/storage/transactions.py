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
    try:
        connection = engine.connect()
    except (DBAPIError, PoolTimeoutError) as error:
        raise StoreUnavailable(f"the database cannot be opened: {_words_of(error)}") from error
    with connection:
        try:
            connection.exec_driver_sql(begin(connection))
            yield connection
        except (OperationalError, InterfaceError, InternalError) as error:
            connection.rollback()
            raise _refused("a statement", error) from error
        except DatabaseError as error:
            connection.rollback()
            # Of this very class is what SQLite says of a damaged file; other errors are faults of the statement.
            if type(error) is not DatabaseError:
                raise
            raise StoreUnavailable(f"the database is damaged: {error.orig}") from error
        try:
            connection.commit()
        except DBAPIError as error:
            if _was_answered(error):
                raise _refused("the commit", error) from error
            raise OutcomeUnknown(f"the commit failed: {error.orig}") from error


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
