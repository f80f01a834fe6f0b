"""Holds that come in the middle of a run, or before an operator asks for a task; and runs of what was asked for."""

import threading
from collections.abc import Callable, Iterator
from typing import cast

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock
from support.people import PeopleConnector

from integrationbus.server.connector import HeadAction
from integrationbus.server.processing import batch_size
from integrationbus.server.run import RunState
from integrationbus.server.switches import Switch
from integrationbus.server.task import NewTask, ProcessType, TaskActionKind, TaskState
from integrationbus.server.task_queries import TaskQuery

RETRY = TaskActionKind.RETRY
CLASSES = {
    "people": "support.people:PeopleConnector",
    "notified": "support.people:NotifiedConnector",
}

# What holds a connector is known to its worker, whatever the database.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def pause(bus: Workbench, name: str) -> None:
    bus.dispatcher.pause(name, actor="", reason="")


def resume(bus: Workbench, name: str) -> None:
    bus.dispatcher.resume(name, HeadAction.RETRY, actor="", reason="")


def disable(bus: Workbench, name: str) -> None:
    bus.dispatcher.set_enabled(name, enabled=False, actor="", reason="")


def enable(bus: Workbench, name: str) -> None:
    bus.dispatcher.set_enabled(name, enabled=True, actor="", reason="")


def turn(switch: Switch, *, on: bool) -> Callable[[Workbench, str], None]:
    return lambda bus, _: cast(None, bus.dispatcher.set_switch(switch, on=on, actor="", reason=""))


HOLDS = pytest.mark.parametrize(
    ("hold", "release"),
    [
        (pause, resume),
        (disable, enable),
        (turn(Switch.PROCESSING, on=False), turn(Switch.PROCESSING, on=True)),
        (turn(Switch.BUS, on=False), turn(Switch.BUS, on=True)),
    ],
    ids=["paused", "disabled", "processing off", "bus off"],
)


def connector_of(bus: Workbench, name: str) -> PeopleConnector:
    return cast(PeopleConnector, bus.registry.get(name).connector)


def wait_for_states(bus: Workbench, ids: list[str], *states: str) -> None:
    bus.wait_until(lambda: bus.states(ids), lambda found: found == list(states))


def prepared_names(bus: Workbench, name: str) -> list[object]:
    """The persons that a connector prepared, in the order in which it did."""
    calls = connector_of(bus, name).calls
    return [cast(dict[str, object], given)["name"] for what, given in calls if what == "prepare"]


@HOLDS
@pytest.mark.parametrize("name", CLASSES)
def test_a_retry_waits_until_its_connector_is_released(
    database_url: str,
    clock: ManualClock,
    name: str,
    hold: Callable[[Workbench, str], None],
    release: Callable[[Workbench, str], None],
) -> None:
    with Workbench(database_url, clock, [CLASSES[name]]) as bus:
        later = ProcessType.SKIP_ON_ERROR
        [task_id] = bus.log(new_task({"name": "a", "boss_id": "9"}, connector=name, process_type=later))
        bus.process(name)
        assert bus.states([task_id]) == ["FAILED"]
        bus.log(new_task({"name": "boss"}, connector=name, external_id="9"))
        bus.process(name)
        attempts = bus.task(task_id).attempt_count
        hold(bus, name)
        assert bus.act(RETRY, task_id).affected == 1
        bus.wait_until(lambda: bus.workers[name].is_running, lambda running: not running)
        task = bus.task(task_id)
        assert (task.state, task.attempt_count) == (TaskState.PENDING, attempts)
        release(bus, name)
        wait_for_states(bus, [task_id], "SUCCEEDED")


class Gate:
    """Holds a connector in the middle of a chosen person."""

    def __init__(self, connector: PeopleConnector, name: str, patch: pytest.MonkeyPatch) -> None:
        self._begun, self._go_on = threading.Event(), threading.Event()
        prepare = connector.prepare_internal_object

        def slowly(*arguments: object) -> object:
            if cast(dict[str, object], arguments[0])["name"] == name:
                self._begun.set()
                assert self._go_on.wait(10)
            return prepare(*arguments)  # type: ignore[arg-type] # passed on as they came

        patch.setattr(connector, "prepare_internal_object", slowly)

    def wait_until_reached(self) -> None:
        """Return when the connector is in the middle of it."""
        assert self._begun.wait(10)

    def open(self) -> None:
        """Let the connector go on."""
        self._go_on.set()


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each task is a batch of its own."""
    with monkeypatch.context() as patched:
        patched.setattr(batch_size, "_LARGEST", 1)
        yield


def persons(name: str, *numbers: int) -> list[NewTask]:
    return [new_task({"name": f"p{number}"}, connector=name) for number in numbers]


@HOLDS
@pytest.mark.usefixtures("one_by_one")
def test_a_hold_in_the_middle_of_a_run_ends_it_and_outlives_a_restart(
    database_url: str,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
    hold: Callable[[Workbench, str], None],
    release: Callable[[Workbench, str], None],
) -> None:
    with Workbench(database_url, clock) as bus:
        gate = Gate(bus.people, "p1", monkeypatch)
        ids = bus.log(*persons("people", 0, 1, 2, 3))
        [ticket] = bus.dispatcher.request_runs(["people"], clear_halt=False, actor="", reason="")
        gate.wait_until_reached()
        hold(bus, "people")
        gate.open()
        assert ticket.run
        ended = bus.wait_for(ticket.run.id)
        assert (ended.state, ended.counts.succeeded) == (RunState.STOPPED, 2)
        assert bus.states(ids) == ["SUCCEEDED", "SUCCEEDED", "PENDING", "PENDING"]
    with Workbench(database_url, clock) as bus:
        bus.dispatcher.adopt(["people"])
        [refused] = bus.dispatcher.request_runs(["people"], clear_halt=True, actor="", reason="")
        assert refused.run is None
        bus.wait_until(lambda: bus.workers["people"].is_running, lambda running: not running)
        assert bus.states(ids) == ["SUCCEEDED", "SUCCEEDED", "PENDING", "PENDING"]
        release(bus, "people")
        wait_for_states(bus, ids, *["SUCCEEDED"] * 4)
        assert prepared_names(bus, "people") == ["p2", "p3"]


def failed_persons(bus: Workbench, name: str) -> list[str]:
    """The ids of 12 tasks that failed once, and would not again."""
    connector = connector_of(bus, name)
    ids = bus.log(
        *(
            new_task({"name": f"p{number}", "do": "retry"}, connector=name, process_type=ProcessType.SKIP_ON_ERROR)
            for number in range(1, 13)
        )
    )
    connector.failures_left = 12 * connector.retry.max_attempts
    bus.process(name)
    assert bus.states(ids) == ["FAILED"] * 12
    connector.calls.clear()
    return ids


def test_a_selection_that_is_retried_is_processed_in_its_order(database_url: str, clock: ManualClock) -> None:
    with Workbench(database_url, clock, [CLASSES["notified"]]) as bus:
        ids = failed_persons(bus, "notified")
        # Named in another order than that of the line.
        assert bus.act(RETRY, *reversed(ids)).affected == 12
        wait_for_states(bus, ids, *["SUCCEEDED"] * 12)
        assert prepared_names(bus, "notified") == [f"p{number}" for number in range(1, 13)]
        positions = [bus.task(task_id).position for task_id in ids]
        assert positions == sorted(positions)


@pytest.mark.usefixtures("one_by_one")
def test_the_run_of_a_selection_that_is_retried_can_be_cancelled(
    database_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Workbench(database_url, clock, [CLASSES["notified"]]) as bus:
        ids = failed_persons(bus, "notified")
        gate = Gate(connector_of(bus, "notified"), "p9", monkeypatch)
        bus.act_on(RETRY, TaskQuery(states=[TaskState.FAILED]))
        gate.wait_until_reached()
        [run, _] = bus.store.runs(None, before=None, limit=9)
        bus.dispatcher.cancel(run.id, actor="me", reason="enough")
        gate.open()
        ended = bus.wait_for(run.id)
        assert (ended.trigger.name, ended.state, ended.cancelled_by) == ("CALL", RunState.CANCELLED, "me")
        assert bus.states(ids) == ["SUCCEEDED"] * 9 + ["PENDING"] * 3
        # What was asked for stays asked for: a call of another task brings it, in its order.
        [other] = bus.log(new_task({"name": "other"}, connector="notified"))
        bus.act(RETRY, other)
        wait_for_states(bus, [*ids, other], *["SUCCEEDED"] * 13)
        assert prepared_names(bus, "notified")[9:] == ["p10", "p11", "p12", "other"]


def test_a_resume_whose_head_succeeds_goes_on_in_the_order_behind_it(bus: Workbench) -> None:
    bus.people.failures_left = 99
    ids = bus.log(
        new_task({"name": "p1", "do": "retry", "age": 1}),
        *(new_task({"name": "p1" if number % 2 else f"p{number}", "age": number}) for number in range(2, 13)),
    )
    assert bus.process().state is RunState.HALTED
    assert bus.states(ids) == ["FAILED"] + ["PENDING"] * 11
    bus.people.failures_left = 0
    bus.people.calls.clear()
    run = bus.dispatcher.resume("people", HeadAction.RETRY, actor="me", reason="mended")
    ended = bus.wait_for(run.id)
    assert (ended.state, ended.counts.succeeded, ended.counts.failed) == (RunState.COMPLETED, 12, 0)
    given = [cast(dict[str, object], given)["age"] for what, given in bus.people.calls if what == "prepare"]
    assert given == list(range(1, 13))
    assert bus.fields_of("test.person", "p1")["age"] == 11
    assert bus.store.connector("people").halted_by == ""
