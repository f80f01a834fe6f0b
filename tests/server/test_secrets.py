"""The password of a database stays where it is: no answer, no line of a log and no table shows it."""

import logging

import pytest
from sqlalchemy import create_engine, make_url, text
from support.served import refusal_of, serve
from typer.testing import CliRunner

from integrationbus.server.cli.commands import app
from integrationbus.v1.task_service_pb2 import ListTasksRequest

SECRET = "s3cret-canary"  # noqa: S105 - what must not be shown
NOBODY = f"postgresql://bus:{SECRET}@127.0.0.1:1/bus"


@pytest.mark.parametrize("command", [("serve",), ("db", "check"), ("db", "upgrade"), ("db", "purge")])
def test_a_database_that_cannot_be_reached_is_named_without_its_password(command: tuple[str, ...]) -> None:
    said = CliRunner().invoke(app, list(command), env={"INTEGRATIONBUS_DATABASE_URL": NOBODY})
    assert said.exit_code != 0
    assert "127.0.0.1" in said.output
    assert SECRET not in said.output


async def test_a_database_that_goes_away_is_told_without_its_password(
    postgres: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    administration = create_engine(
        make_url(postgres).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    with administration.connect() as connection:
        connection.execute(text("CREATE DATABASE bus_secrets"))
        url = make_url(postgres).set(database="bus_secrets", password=SECRET)
        database_url = url.render_as_string(hide_password=False)
        async with serve(database_url, ["support.people:PeopleConnector"], poll_seconds=0.1) as served:
            connection.execute(text("DROP DATABASE bus_secrets WITH (FORCE)"))
            refusal = await refusal_of(served.tasks.ListTasks(ListTasksRequest()))
    administration.dispose()
    assert (refusal.code, refusal.reason) == ("UNAVAILABLE", "STORE_UNAVAILABLE")
    assert "bus_secrets" in caplog.text
    assert SECRET not in refusal.message + caplog.text
