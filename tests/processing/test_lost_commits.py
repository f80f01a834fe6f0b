"""Commits that fail, or whose outcome is unknown: nothing that was called is forgotten, and nothing is done twice."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import cast

import pytest
from sqlalchemy import Connection
from support.bench import Workbench, new_task
from support.clocks import ManualClock
from support.databases import EVERYWHERE
from support.people import PeopleConnector

from integrationbus.connectors.keys import ObjectParams
from integrationbus.server.errors import OutcomeUnknown, StoreUnavailable
from integrationbus.server.storage.database import Database
from integrationbus.server.task import MissingKeyAction

pytestmark = pytest.mark.parametrize("database_url", EVERYWHERE, indirect=True)

NAMES = ("people", "patient", "notified")
PEOPLE = 12


@pytest.fixture
def buses(database_url: str, target_url: str, clock: ManualClock) -> Iterator[Workbench]:
    """Three connectors, each of which knows all people by their names."""
    paths = [f"support.people:{name.title()}Connector" for name in NAMES]
    with Workbench(database_url, clock, paths, target_url=target_url) as bus:
        for name in NAMES:
            connector = cast(PeopleConnector, bus.registry.get(name).connector)
            for number in range(PEOPLE):
                connector.params[str(number), "test.person"] = ObjectParams(code_name=f"p{number}")
        yield bus


def log_a_chain(bus: Workbench) -> list[str]:
    """People in mixed order, each of whom waits for the next one, whom another connector makes."""
    tasks = [
        new_task(
            {"name": f"p{number}"} | ({"boss_id": str(number + 1)} if number < PEOPLE - 1 else {}),
            connector=NAMES[number % 3],
            external_id=str(number),
            missing_key=MissingKeyAction.WAIT,
        )
        for number in (place * 7 % PEOPLE for place in range(PEOPLE))
    ]
    return bus.log(*tasks)


def process_all(bus: Workbench, ids: list[str]) -> None:
    bus.dispatcher.request_runs([], clear_halt=False, actor="", reason="")
    bus.wait_until(lambda: bus.states(ids), lambda states: states == ["SUCCEEDED"] * PEOPLE)
    assert [bus.store.connector(name).counts.waiting for name in NAMES] == [0, 0, 0]
    bosses = [bus.fields_of("test.person", f"p{number}")["boss_id"] for number in range(PEOPLE)]
    people = {view.code_name: view.id for view in bus.objects.list("test.person", after_id=0, limit=1000)}
    assert bosses == [*(people[f"p{number}"] for number in range(1, PEOPLE)), None]


def test_connectors_that_wait_for_each_other_come_to_an_end(buses: Workbench) -> None:
    process_all(buses, log_a_chain(buses))


class Flaky:
    """Every third write of a connector fails at first: before it begins, before its commit, or just behind it."""

    def __init__(self, bus: Workbench, database: Database) -> None:
        self._bus = bus
        self.database = database
        self._fates = cycle(["", "", "refused", "", "", "lost", "", "", "done"])
        self._write = database.write
        self._guard = threading.Lock()
        self.failures_left = 6

    @contextmanager
    def write(self) -> Iterator[Connection]:
        how = self._fate()
        if how == "refused":
            raise StoreUnavailable("as the test says")
        with self._write() as connection:
            yield connection
            if how == "lost":
                connection.rollback()
        if how:
            raise OutcomeUnknown("as the test says")

    def _fate(self) -> str:
        name = threading.current_thread().name.removeprefix("connector ")
        with self._guard:
            if name not in NAMES or self.failures_left == 0:
                return ""
            fate = next(self._fates)
            if fate:
                self.failures_left -= 1
                self._bus.workers[name].poke()  # it need not wait before it tries again
            return fate


def test_commits_that_fail_lose_and_repeat_nothing(buses: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = log_a_chain(buses)
    each = [Flaky(buses, database) for database in {buses.database, buses.target.database}]
    for flaky in each:
        monkeypatch.setattr(flaky.database, "write", flaky.write)
    process_all(buses, ids)
    assert [flaky.failures_left for flaky in each] == [0] * len(each)


def test_a_call_is_not_lost_with_the_outcome_of_the_commit_that_made_it(
    buses: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    [waiting] = buses.log(new_task({"name": "p1", "boss_id": "9"}, connector="patient"))
    buses.process("patient")
    buses.log(new_task({"name": "p9"}))
    settling: Callable[..., object] = buses.store.settling

    @contextmanager
    def unknown(*arguments: object) -> Iterator[object]:
        monkeypatch.setattr(buses.store, "settling", settling)
        with settling(*arguments) as transaction:  # type: ignore[attr-defined] # as it came
            yield transaction
        raise OutcomeUnknown("the commit was done, its answer did not come")

    monkeypatch.setattr(buses.store, "settling", unknown)
    buses.process("people")
    buses.wait_until(lambda: buses.states([waiting]), lambda states: states == ["SUCCEEDED"])
