"""Whether a SQLite file is whole."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from integrationbus.server.errors import StoreUnavailable

__all__ = ["DatabaseDamaged", "check_before_use", "check_intact", "check_readable", "read_only"]

_SCHEMA = "SELECT count(*) FROM sqlite_schema"


class DatabaseDamaged(StoreUnavailable):
    """A file that is no SQLite database, or one with pages that do not fit together."""


def check_before_use(path: Path) -> None:
    """Look at a file that a server is about to open. Raises DatabaseDamaged, or StoreUnavailable if it cannot be read.

    The header and the schema are always read. Every page is read only when the last process left a write-ahead log
    behind, which one that stops in order does not: it takes as long as reading the file.
    """
    if not path.exists():
        return
    with _with_advice():
        if _has_log(path):
            check_intact(path)
        else:
            _ask(path, _SCHEMA, alone=True)


def check_readable(path: Path) -> None:
    """Read the header and the schema of a file that others may use meanwhile. Raises what ``check_before_use`` does."""
    with _with_advice():
        _ask(path, _SCHEMA, alone=False)


def check_intact(path: Path) -> None:
    """Read every page of a file that nobody else uses.

    Raises DatabaseDamaged with the first thing that is wrong, or StoreUnavailable if it cannot be read.
    """
    found = _ask(path, "PRAGMA quick_check(1)", alone=True)
    if found != "ok":
        raise _damaged(path, str(found))


def read_only(path: Path, *, alone: bool) -> sqlite3.Connection:
    """A connection that changes nothing: it leaves a write-ahead log as it is, for whoever looks next.

    ``alone`` promises that nobody else uses the file; nothing new appears beside it then.
    """
    immutable = "&immutable=1" if alone and not _has_log(path) else ""
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro{immutable}", uri=True)


def _has_log(path: Path) -> bool:
    log = path.with_name(f"{path.name}-wal")
    return log.exists() and log.stat().st_size > 0


@contextmanager
def _with_advice() -> Iterator[None]:
    try:
        yield
    except DatabaseDamaged as error:
        raise DatabaseDamaged(
            f"{error}. Name another file, or put a backup in its place with: integrationbus db restore BACKUP --force"
        ) from error


def _ask(path: Path, question: str, *, alone: bool) -> object:
    if path.is_dir():
        raise StoreUnavailable(f"{path} cannot be opened: it is a folder")
    try:
        with closing(read_only(path, alone=alone)) as connection:
            answer: object = connection.execute(question).fetchone()[0]
    except sqlite3.OperationalError as error:
        raise StoreUnavailable(f"{path} cannot be opened: {error}") from error
    except sqlite3.DatabaseError as error:
        raise _damaged(path, str(error)) from error
    return answer


def _damaged(path: Path, problem: str) -> DatabaseDamaged:
    return DatabaseDamaged(f"{path} is damaged: {problem}")
