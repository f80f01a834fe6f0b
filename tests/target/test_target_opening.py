"""Which databases can be a target, and what a server says about those that cannot."""

from contextlib import closing
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import insert, text
from support.bench import Workbench, new_task
from support.clocks import ManualClock
from support.people import PersonInfo
from typer.testing import CliRunner

from integrationbus.client import TaskType
from integrationbus.connectors.object_class import describe
from integrationbus.server.cli.commands import app
from integrationbus.server.door import Door
from integrationbus.server.settings import Settings
from integrationbus.server.storage import schema
from integrationbus.server.storage.database import open_database
from integrationbus.server.storage.opened import open_store
from integrationbus.server.target.tables import ensure_tables
from integrationbus.server.target_database import open_target

PEOPLE = ["support.people:PeopleConnector"]


@pytest.fixture
def queue(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'bus.db'}"


@pytest.fixture
def target(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'target.db'}"


@pytest.mark.parametrize(
    ("database_url", "target_url"),
    [
        ("sqlite:///bus.db", "sqlite:///./bus.db"),
        ("postgresql://a:x@host/bus", "postgresql+psycopg://b:y@host:5432/bus"),
        ("postgresql:///bus?host=/run/postgres", "postgresql://me@/bus?host=/run/postgres"),
    ],
)
def test_one_database_under_two_names_is_refused(database_url: str, target_url: str) -> None:
    with pytest.raises(ValidationError, match=r"target_url\n.*must be another database than database_url"):
        Settings(database_url=database_url, target_url=target_url)


@pytest.mark.parametrize(
    ("target_url", "says"),
    [
        ("mysql://host/name", "sqlite or postgresql"),
        ("nonsense", "must be a URL"),
        ("sqlite://", "must be a file"),
        ("postgresql://127.0.0.1:1/nobody", "the database cannot be opened"),
    ],
)
def test_a_target_that_cannot_be_opened_is_refused_by_name(
    queue: str, target_url: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTEGRATIONBUS_TARGET_URL", target_url)
    result = CliRunner().invoke(app, ["serve", "--database-url", queue])
    assert result.exit_code == 1
    assert says in result.output
    assert "target_url" in result.output


def test_a_target_knows_its_bus(queue: str, target: str, tmp_path: Path, clock: ManualClock) -> None:
    with Workbench(queue, clock, target_url=target) as bus:
        bus.log(new_task({"name": "Ada"}, external_id="1"))
        bus.process()
        store_id = bus.store.store_id
    with Workbench(queue, clock, target_url=target) as bus:
        assert bus.names("test.person") == ["Ada"]
        with bus.target.database.write() as connection:
            connection.execute(text("UPDATE bus_target SET version = 2"))
    with closing(open_store(queue, clock)) as own:
        with pytest.raises(ValueError, match="target_url: the objects of this bus are in a database of their own"):
            open_target(own, "")
        with pytest.raises(ValueError, match="it is new, and the objects of this bus are in another database"):
            open_target(own, f"sqlite:///{tmp_path / 'empty.db'}")
    with closing(open_store(f"sqlite:///{tmp_path / 'other.db'}", clock)) as other:
        with pytest.raises(ValueError, match=f"belongs to the bus with the store id {store_id}: use an empty database"):
            open_target(other, target)
        with pytest.raises(ValueError, match="it holds the queue of a bus: name a database without one"):
            open_target(other, queue)
    with closing(open_store(queue, clock)) as own, pytest.raises(ValueError, match=r"version 2, .* a newer server"):
        open_target(own, target)


def test_a_queue_that_has_objects_does_not_begin_anew_in_an_empty_target(
    queue: str, target: str, clock: ManualClock
) -> None:
    with Workbench(queue, clock) as bus:
        bus.log(new_task({"name": "Ada"}, external_id="1"))
        bus.process()
        with bus.database.read() as connection:
            known = [row._asdict() for row in connection.execute(text("SELECT * FROM key_map"))]
            people = [row._asdict() for row in connection.execute(text("SELECT * FROM test_person"))]
    refusal = "has objects already: copy their tables, and key_map without its foreign key, to the target"
    with closing(open_store(queue, clock)) as opened, pytest.raises(ValueError, match=refusal):
        open_target(opened, target)
    columns = "connector_id BIGINT, object_type TEXT, external_id TEXT, object_id BIGINT"
    copied = open_database(target)
    with copied.write() as connection:
        connection.execute(
            text(f"CREATE TABLE key_map ({columns}, PRIMARY KEY (connector_id, object_type, external_id))")
        )
        connection.execute(insert(schema.key_map), known)
        ensure_tables(connection, [describe(PersonInfo)])
        connection.execute(insert(describe(PersonInfo).table), people)
    copied.close()
    with Workbench(queue, clock, target_url=target) as bus:
        bus.log(new_task({"name": "Bob", "boss_id": "1"}))
        assert bus.process().counts.succeeded == 1


def test_a_table_of_the_target_that_does_not_fit_is_named(queue: str, target: str, clock: ManualClock) -> None:
    database = open_database(target)
    with database.write() as connection:
        connection.execute(text("CREATE TABLE cms_user (user_id INTEGER PRIMARY KEY)"))
    with closing(open_store(queue, clock)) as opened:
        with pytest.raises(ValueError, match=r"target_url: .* table cms_user has no column .*: add it"):
            open_target(opened, target)
        with database.write() as connection:
            connection.execute(text("DROP TABLE cms_user"))
            connection.execute(text("CREATE TABLE test_person (person_id INTEGER PRIMARY KEY)"))
    database.close()
    with Workbench(queue, clock, target_url=target) as bus:
        assert "test_person has no column" in bus.registry.get("people").problem


def test_what_is_logged_through_the_door_goes_to_the_target(queue: str, target: str, clock: ManualClock) -> None:
    with Door(queue, application="import", connectors=PEOPLE, use_entry_points=False, target_url=target) as door:
        door.log_task("people", TaskType.CREATE_OBJECT, {"name": "Ada"})
    with Workbench(queue, clock, target_url=target) as bus:
        with bus.database.read() as connection:
            tables = connection.execute(text("SELECT name FROM sqlite_master")).scalars().all()
        assert "test_person" not in tables
        bus.process()
        assert bus.names("test.person") == ["Ada"]
