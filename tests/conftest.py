"""What holds for all tests."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from support.bench import Workbench
from support.clocks import ManualClock
from support.databases import APART, copied_postgres, fresh_postgres, new_identity, postgres_server

from integrationbus.server.storage.maintenance import upgrade_schema

# Those who run tests on several cores say how wide the terminal is, which the command line would believe for good.
os.environ.pop("COLUMNS", None)

# The same examples every time, however slow the machine: a failure is one of the change, never of the day.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Tests that break servers by chance say which seed they took; with it they do the same again."""
    parser.addoption("--faults-seed", default="", help="the seed of the tests in tests/faults; a new one by default")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a real PostgreSQL."""
    with postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
def migrated_postgres(postgres: str, worker_id: str) -> Iterator[str]:
    """The name of a database with all tables, to be copied."""
    name = f"bus_template_{worker_id}"
    with fresh_postgres(postgres, name) as url:
        upgrade_schema(url)
        yield name


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with all tables, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "bus.db"
    upgrade_schema(f"sqlite:///{path}")
    return path


@pytest.fixture
def postgres_url(postgres: str, migrated_postgres: str, worker_id: str) -> Iterator[str]:
    """A database without tasks on a real PostgreSQL."""
    with copied_postgres(postgres, f"bus_{worker_id}", migrated_postgres) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path, migrated_file: Path) -> Iterator[str]:
    """A database without tasks, of each kind; for APART, SQLite."""
    if request.param in ("sqlite", APART):
        url = f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'bus.db')}"
        new_identity(url)
        yield url
        return
    yield request.getfixturevalue("postgres_url")


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables, of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'bus.db'}"
        return
    with fresh_postgres(request.getfixturevalue("postgres"), f"bus_{request.getfixturevalue('worker_id')}") as url:
        yield url


@pytest.fixture
def target_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where objects are kept: a database of their own for APART, else that of the queue."""
    cases = getattr(request.node, "callspec", None)
    apart = cases is not None and cases.params.get("database_url") == APART
    return f"sqlite:///{tmp_path / 'target.db'}" if apart else ""


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still."""
    return ManualClock()


@pytest.fixture
def bus(database_url: str, target_url: str, clock: ManualClock) -> Iterator[Workbench]:
    """A bus with the connector "people", on each kind of database."""
    with Workbench(database_url, clock, target_url=target_url) as bench:
        yield bench
