"""Migrations of databases with data in them, on each kind of database."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import text
from support import killed_migration
from support.bench import Workbench
from support.books import problems_of_the_books
from support.clocks import ManualClock
from support.databases import fresh_postgres
from support.killed_migration import count_changes
from support.old_database import fill, fresh_shape, shape

from integrationbus.server.storage.database import PostgresDatabase, open_database
from integrationbus.server.storage.migrate import current_revision, known_revisions, newest_revision, upgrade

OLDEST = known_revisions()[-1]
DEADLINE_SECONDS = 30


@pytest.mark.parametrize("revision", known_revisions()[1:])
def test_every_earlier_schema_is_upgraded_with_its_data(
    empty_database_url: str, revision: str, clock: ManualClock
) -> None:
    database = open_database(empty_database_url)
    with database.write() as connection:
        expected = fresh_shape(connection)
    with database.write() as connection:
        upgrade(connection, revision)
        fill(connection)
    with database.write() as connection:
        upgrade(connection)
        assert shape(connection) == expected
    assert problems_of_the_books(database) == []
    with database.read() as connection:
        settled = list(connection.execute(text("SELECT settled_at FROM task ORDER BY sequence")).scalars())
    assert settled == [None, 2000, 3000, None, 5000, 6000]
    database.close()
    with Workbench(empty_database_url, clock) as bus:
        assert bus.process().counts.succeeded == 2
        assert bus.names("test.person") == ["p1", "p4"]
        assert problems_of_the_books(bus.database) == []


def test_a_migration_that_is_killed_leaves_the_old_schema_and_can_be_repeated(empty_database_url: str) -> None:
    database = open_database(empty_database_url)
    with database.write() as connection:
        expected = fresh_shape(connection)
    with database.write() as connection:
        upgrade(connection, OLDEST)
        fill(connection)
    with database.write() as connection:
        before = shape(connection)
        changes = count_changes(connection)
        upgrade(connection)
        connection.rollback()
    for number in (2, len(changes) // 2, len(changes)):
        command = [sys.executable, killed_migration.__file__, empty_database_url, str(number)]
        assert subprocess.run(command, check=False, timeout=DEADLINE_SECONDS).returncode == -9
        with database.write() as connection:
            assert current_revision(connection) == OLDEST
            assert shape(connection) == before
    with database.write() as connection:
        upgrade(connection)
        assert shape(connection) == expected
    assert problems_of_the_books(database) == []
    database.close()


def test_of_two_that_migrate_at_once_one_waits_and_finds_nothing_to_do(postgres: str) -> None:
    with fresh_postgres(postgres, "migrated_twice") as url:
        first, second = open_database(url), open_database(url)
        assert isinstance(first, PostgresDatabase)
        problems: list[BaseException] = []

        def migrate() -> None:
            try:
                with second.write() as connection:
                    upgrade(connection)
            except BaseException as error:  # noqa: BLE001 - it is what the test is about
                problems.append(error)

        other = threading.Thread(target=migrate)
        with first.write() as connection:
            upgrade(connection)
            other.start()
            waits = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            deadline = time.monotonic() + DEADLINE_SECONDS
            while not connection.execute(waits).scalar_one():
                assert time.monotonic() < deadline, "the other one does not wait"
                assert not problems
        other.join()
        assert problems == []
        with second.read() as connection:
            assert current_revision(connection) == newest_revision()
        first.close()
        second.close()


def test_whoever_waits_for_a_migration_waits_longer_than_for_a_row(postgres: str) -> None:
    """Migrations of large tables take their time; the limits of ordinary statements must not end them."""
    with fresh_postgres(postgres, "migrated_slowly") as url:
        database = open_database(url)
        with database.write() as connection:
            upgrade(connection)
            limits = [connection.execute(text(f"SHOW {name}")).scalar_one() for name in _LIMITS]
        assert limits == ["0", "2s"]
        with database.write() as connection:
            assert connection.execute(text("SHOW statement_timeout")).scalar_one() == "10s"
        database.close()


_LIMITS = ("statement_timeout", "lock_timeout")


def test_an_upgrade_of_what_is_up_to_date_changes_nothing(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'bus.db'}")
    with database.write() as connection:
        upgrade(connection)
    with database.write() as connection:
        changes = count_changes(connection)
        upgrade(connection)
        assert changes == []
    database.close()
