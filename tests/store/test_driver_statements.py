"""Statements that go past SQLAlchemy: their values, their defaults, and how they fail."""

from contextlib import closing
from dataclasses import replace

import pytest
from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError
from support.bench import Workbench, new_task
from support.databases import fresh_postgres

from integrationbus.server.errors import StoreUnavailable
from integrationbus.server.storage import driver, schema
from integrationbus.server.storage.database import open_database
from integrationbus.server.storage.statement import Statement

SWITCH = Statement(insert(schema.switch), ("id", "is_on"))
OF_SWITCH = Statement(
    select(schema.switch.c.is_on, schema.switch.c.reason).where(schema.switch.c.id == bindparam("of"))
)
LABELS = Statement(select(schema.task.c.labels, schema.task.c.in_line).where(schema.task.c.state == 1))


def refuse(connection: Connection) -> None:
    driver.execute(connection, "INSERT INTO run_request (connector_id) VALUES (1)")


def test_an_insert_gives_defaults_to_what_is_not_named(bus: Workbench) -> None:
    with bus.database.write() as connection:
        connection.execute(schema.switch.delete())
        assert SWITCH.run(connection, {"id": 7, "is_on": False}) == 1
        assert OF_SWITCH.row(connection, {"of": 7}) == (False, "")
        assert OF_SWITCH.row(connection, {"of": 8}) is None
        connection.rollback()


def test_values_are_those_of_their_types_on_every_database(bus: Workbench) -> None:
    bus.log(replace(new_task({}), labels={"tür": "%s"}), new_task({}))
    with bus.database.read() as connection:
        assert list(LABELS.rows(connection, {})) == [({"tür": "%s"}, True), (None, True)]


def test_a_change_says_how_many_rows_it_meant(bus: Workbench) -> None:
    pause = Statement(
        update(schema.connector)
        .where(schema.connector.c.name == bindparam("called"))
        .values(paused=bindparam("paused"))
    )
    with bus.database.write() as connection:
        assert pause.run(connection, {"called": "people", "paused": True}) == 1
        assert pause.run(connection, {"called": "nobody", "paused": True}) == 0
    assert bus.store.connector("people").paused


def test_what_the_database_refuses_is_an_error_of_sqlalchemy(bus: Workbench) -> None:
    with pytest.raises(IntegrityError), bus.database.write() as connection:
        refuse(connection)


def test_a_connection_that_has_ended_is_not_used_again(postgres: str) -> None:
    with fresh_postgres(postgres, "bus_ended") as url, closing(open_database(url)) as database:
        with pytest.raises(StoreUnavailable), database.write() as connection:
            driver.execute(connection, "SELECT pg_terminate_backend(pg_backend_pid())")
        with database.write() as connection:
            assert driver.execute(connection, "SELECT 1").fetchone() == (1,)
