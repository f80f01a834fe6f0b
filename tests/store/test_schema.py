"""The schema: where it comes from, what it refuses, and which indexes it is read by."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.exc import IntegrityError
from support.bench import Workbench, new_task
from support.clocks import ManualClock

from integrationbus.connectors import cms
from integrationbus.connectors.models import NodeInfo
from integrationbus.connectors.object_class import describe
from integrationbus.server.storage import schema
from integrationbus.server.storage.copies import backup
from integrationbus.server.storage.database import open_database
from integrationbus.server.storage.file_lock import DatabaseInUse
from integrationbus.server.storage.maintenance import schema_status, upgrade_schema
from integrationbus.server.storage.migrate import (
    SchemaTooNew,
    current_revision,
    downgrade,
    newest_revision,
    upgrade,
)
from integrationbus.server.storage.opened import open_store
from integrationbus.server.task import FINAL_STATES, TRANSITIONS, ProcessType, TaskDataType, TaskState, TaskType

CHECKED_BY_SQLITE = ("task", "task_attempt", "applied", "key_map")
"""The tables whose rows every task brings: PostgreSQL does not look for what they refer to."""

SHIPPED = [getattr(cms, name) for name in cms.__all__ if isinstance(getattr(cms, name), type)]


def test_the_migrations_make_what_the_code_expects(database_url: str) -> None:
    database = open_database(database_url)
    with database.write() as connection:
        upgrade(connection)
    expected = MetaData()
    for table in [*schema.metadata.sorted_tables, NodeInfo.metadata.tables["cms_tree"]]:
        table.to_metadata(expected)
    for cls in SHIPPED:
        describe(cls).table.to_metadata(expected)
    with database.read() as connection:
        found = compare_metadata(MigrationContext.configure(connection), expected)
        if database.kind == "postgresql":
            assert {(kind, key.table.name) for kind, key in found} == {("add_fk", name) for name in CHECKED_BY_SQLITE}
            assert texts_in_the_order_of_a_language(connection) == set()
        else:
            assert found == []
    database.close()


def texts_in_the_order_of_a_language(connection: Connection) -> set[tuple[str, str]]:
    """The texts of the queue whose order depends on how the database was created."""
    columns = connection.execute(
        text(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND data_type IN ('text', 'character varying') AND collation_name IS DISTINCT FROM 'C'"
        )
    )
    return {(table, column) for table, column in columns if table in schema.metadata.tables}


def test_a_schema_of_a_newer_server_is_refused(database_url: str) -> None:
    upgrade_schema(database_url)
    assert schema_status(database_url).is_current
    database = open_database(database_url)
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaTooNew, match="9999"), database.write() as connection:
        upgrade(connection)
    database.close()


def test_the_transitions_and_the_checks_of_the_schema_agree(bus: Workbench) -> None:
    """Whatever state may follow is one that the schema knows, and final states are out of the line."""
    assert set(TRANSITIONS) == set(TaskState)
    assert {TaskState.SUCCEEDED, TaskState.DELETED} == FINAL_STATES
    [task_id] = bus.log(new_task({}))
    for assignment in ("state = 99", "state = 4", "state = 5", "in_line = FALSE", "process_type = 0", "position = 0"):
        with pytest.raises(IntegrityError), bus.database.write() as connection:
            connection.execute(text(f"UPDATE task SET {assignment} WHERE id = '{task_id}'"))  # noqa: S608 - our own


def test_a_database_that_another_process_works_on_is_refused(tmp_path: Path, clock: ManualClock) -> None:
    url = f"sqlite:///{tmp_path / 'bus.db'}"
    first = open_store(url, clock)
    with pytest.raises(DatabaseInUse, match="in use by process"):
        open_store(url, clock)
    first.close()
    open_store(url, clock).close()


def test_a_backup_holds_everything_while_the_bus_works(tmp_path: Path, clock: ManualClock) -> None:
    copy = tmp_path / "copy.db"
    with Workbench(f"sqlite:///{tmp_path / 'bus.db'}", clock) as bus:
        bus.log(new_task({"name": "Ada"}))
        bus.process()
        assert backup(f"sqlite:///{tmp_path / 'bus.db'}", copy) > 0
    with pytest.raises(FileExistsError):
        backup(f"sqlite:///{tmp_path / 'bus.db'}", copy)
    with Workbench(f"sqlite:///{copy}", clock) as restored:
        assert restored.names("test.person") == ["Ada"]


@pytest.mark.parametrize("url", ["mysql://host/name", "sqlite://", "sqlite:///:memory:"])
def test_a_database_that_cannot_be_used_is_refused(url: str, clock: ManualClock) -> None:
    with pytest.raises(ValueError, match=r"sqlite|SQLite"):
        open_store(url, clock)


def test_an_older_database_is_upgraded_with_its_data(empty_database_url: str, clock: ManualClock) -> None:
    database = open_database(empty_database_url)
    with database.write() as connection:
        upgrade(connection, "0001")
        connection.execute(text("INSERT INTO connector VALUES (1, 'people', 'x:Y', FALSE, '', '', NULL, 1)"))
        connection.execute(text("INSERT INTO connector_head VALUES (1, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0)"))
        connection.execute(text("INSERT INTO lease VALUES (1, '', 0, 0)"))
        connection.execute(
            text(
                "INSERT INTO task (connector_id, sequence, id, task_type, data_type, process_type, object_type,"
                " external_id, site, title, creator, trace_parent, payload_form, payload_type, payload_schema, payload,"
                " logged_at, state, in_line, passed_over, isolated, attempt_count, retry_count, failure_count,"
                " crash_count, epoch, position) VALUES (1, 1, 't', 1, 2, 1, '', '7', '', '', 'old', '', 1, '', '',"
                " :payload, 1, 1, TRUE, FALSE, FALSE, 0, 0, 0, 0, 0, 1)"
            ),
            {"payload": new_task({"name": "Ada"}).payload.data},
        )
        connection.execute(
            text("INSERT INTO cms_site VALUES (1, :guid, 'main', '', '', '', '')"), {"guid": "0" * 31 + "1"}
        )
        for node_id, alias, parent in ((1, "a", None), (2, "b", None), (3, "c", 1)):
            values = {"id": node_id, "guid": f"{node_id:032x}", "alias": alias, "parent": parent}
            statement = "INSERT INTO cms_tree VALUES (:id, :guid, 1, :parent, 'cms.page', :alias, :alias)"
            connection.execute(text(statement), values)
    database.close()
    with Workbench(empty_database_url, clock) as bus:
        with bus.database.read() as connection:
            orders = connection.execute(text("SELECT node_order FROM cms_tree ORDER BY node_id")).scalars()
            assert list(orders) == [1, 2, 1]
        assert bus.process().counts.succeeded == 1
        assert bus.names("test.person") == ["Ada"]
        assert [state.on for state in bus.store.switches()] == [True] * 3


def test_every_value_of_an_enumeration_can_be_stored(bus: Workbench) -> None:
    """The checks of a migrated table know the new values, not only those of a fresh one."""
    [task_id] = bus.log(new_task({}))
    values = {"task_type": TaskType, "data_type": TaskDataType, "process_type": ProcessType}
    with bus.database.write() as connection:
        for column, known in values.items():
            for value in known:
                connection.execute(text(f"UPDATE task SET {column} = {int(value)} WHERE id = '{task_id}'"))  # noqa: S608 - our own
        connection.execute(text(f"UPDATE task SET state = 8, in_line = FALSE WHERE id = '{task_id}'"))  # noqa: S608 - our own


def test_the_newest_migration_can_be_taken_back(database_url: str) -> None:
    database = open_database(database_url)
    with database.write() as connection:
        upgrade(connection)
        downgrade(connection, "0001")
        assert current_revision(connection) == "0001"
        upgrade(connection)
        assert current_revision(connection) == newest_revision()
    database.close()
