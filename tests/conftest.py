"""What holds for all tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from support.bench import Workbench
from support.clocks import ManualClock
from support.databases import APART, fresh_postgres, postgres_server

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


@pytest.fixture
def postgres_url(postgres: str, worker_id: str) -> Iterator[str]:
    """An empty database on a real PostgreSQL."""
    with fresh_postgres(postgres, f"bus_{worker_id}") as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind; for APART, SQLite."""
    if request.param in ("sqlite", APART):
        yield f"sqlite:///{tmp_path / 'bus.db'}"
        return
    yield request.getfixturevalue("postgres_url")


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
