"""Two transactions that meet on PostgreSQL, where writers do not take turns: nobody is forgotten."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock
from support.people import PeopleConnector

from integrationbus.connectors.keys import ObjectParams
from integrationbus.server.target.sql_target import SqlTarget
from integrationbus.server.task import TaskActionKind, TaskState, TaskType

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def two(database_url: str, clock: ManualClock) -> Iterator[Workbench]:
    """The connector "people" makes what "patient" waits for."""
    paths = ["support.people:PeopleConnector", "support.people:PatientConnector"]
    with Workbench(database_url, clock, paths) as bus:
        patient = cast(PeopleConnector, bus.registry.get("patient").connector)
        patient.params["9", "test.person"] = ObjectParams(code_name="p9")
        yield bus


def before_the_next_write(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen once, within the transaction of a run and before it writes any object."""
    apply, begun = SqlTarget.apply, threading.Event()

    def interrupted(target: SqlTarget, *arguments: Any) -> Sequence[Any]:
        if not begun.is_set():
            begun.set()
            happens()
        return apply(target, *arguments)

    monkeypatch.setattr(SqlTarget, "apply", interrupted)


def first_waits(bus: Workbench) -> tuple[str, str]:
    """A waiting task, and a later one about the same object that has not been processed."""
    [first] = bus.log(new_task({"name": "p1", "boss_id": "9"}, connector="patient", external_id="1"))
    bus.process("patient")
    assert bus.task(first).state is TaskState.WAITING
    update = TaskType.UPDATE_OBJECT
    [later] = bus.log(new_task({"name": "p1", "age": 5}, connector="patient", external_id="1", task_type=update))
    return first, later


def wait_until_done(bus: Workbench, task_id: str) -> None:
    bus.wait_until(lambda: bus.task(task_id).state, lambda state: state is TaskState.SUCCEEDED)


def test_a_follower_is_not_forgotten_when_the_first_is_called_at_that_moment(
    two: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, later = first_waits(two)
    two.log(new_task({"name": "p9"}))
    before_the_next_write(monkeypatch, lambda: two.process("people"))
    two.process("patient")
    wait_until_done(two, first)
    wait_until_done(two, later)


def test_a_follower_is_not_forgotten_when_the_first_is_skipped_at_that_moment(
    two: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, later = first_waits(two)
    before_the_next_write(monkeypatch, lambda: two.act(TaskActionKind.SKIP, first))
    two.process("patient")
    assert two.task(first).state is TaskState.SKIPPED
    wait_until_done(two, later)
