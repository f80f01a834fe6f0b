"""A task that begins to wait and the maker of what it misses meet in the queue, on PostgreSQL."""

import threading
import time
from typing import Any, cast

import pytest
from sqlalchemy import text
from support.bench import Workbench, new_task
from support.clocks import ManualClock
from support.databases import fresh_postgres
from support.people import PeopleConnector

from integrationbus.connectors.keys import ObjectParams
from integrationbus.server.storage.sql_store import SqlSettlingTransaction

PATHS = ["support.people:PeopleConnector", "support.people:PatientConnector"]


def until_it_is_blocked_or_over(bus: Workbench, thread: threading.Thread) -> None:
    """Only the database knows that somebody waits for a lock."""
    deadline = time.monotonic() + 10
    while thread.is_alive() and time.monotonic() < deadline:
        with bus.database.read() as connection:
            if connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one():
                return


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_maker_that_settles_while_a_task_begins_to_wait_finds_it(
    database_url: str, postgres: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = SqlSettlingTransaction.settle
    with (
        # Not SQLite: there the second look itself keeps the maker from writing.
        fresh_postgres(postgres, "target_of_maker") as target_url,
        Workbench(database_url, clock, PATHS, target_url=target_url) as bus,
    ):
        patient = cast(PeopleConnector, bus.registry.get("patient").connector)
        patient.params["9", "test.person"] = ObjectParams(code_name="p9")
        bus.log(new_task({"name": "p9"}))
        [waiting] = bus.log(new_task({"name": "p1", "boss_id": "9"}, connector="patient"))
        maker = threading.Thread(target=bus.process)

        def met(transaction: SqlSettlingTransaction, *arguments: Any) -> Any:
            """The second look is over, and the record that the task waits is not written yet."""
            monkeypatch.setattr(SqlSettlingTransaction, "settle", settle)
            maker.start()
            until_it_is_blocked_or_over(bus, maker)
            return settle(transaction, *arguments)

        monkeypatch.setattr(SqlSettlingTransaction, "settle", met)
        bus.process("patient")
        maker.join()
        bus.wait_until(lambda: bus.states([waiting]), lambda states: states == ["SUCCEEDED"])
