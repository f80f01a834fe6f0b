"""What may start a run, and what must not: held connectors stay, and others go on beside them."""

import threading
from collections.abc import Callable

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock

from integrationbus.server.run import Run, RunState
from integrationbus.server.switches import Switch

NAMES = {"people": "support.people:PeopleConnector", "seconds": "support.people:EverySecondConnector"}
OTHERS = ("support.people:PeopleConnector", "support.people:NotifiedConnector")


def logged(bus: Workbench, connector: str) -> str:
    """The id of a task in the line."""
    [task_id] = bus.log(new_task({"name": "a"}, connector=connector))
    return task_id


def halted(bus: Workbench, connector: str) -> str:
    bus.log(new_task({"do": "raise"}, connector=connector))
    assert bus.process(connector).state is RunState.HALTED
    return logged(bus, connector)


def paused(bus: Workbench, connector: str) -> str:
    bus.dispatcher.pause(connector, actor="", reason="")
    return logged(bus, connector)


def disabled(bus: Workbench, connector: str) -> str:
    task_id = logged(bus, connector)
    bus.dispatcher.set_enabled(connector, enabled=False, actor="", reason="")
    return task_id


def processing_off(bus: Workbench, connector: str) -> str:
    bus.dispatcher.set_switch(Switch.PROCESSING, on=False, actor="", reason="")
    return logged(bus, connector)


def runs(bus: Workbench) -> list[Run]:
    return list(bus.store.runs(None, before=None, limit=99))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("connector", NAMES)
@pytest.mark.parametrize("hold", [halted, paused, disabled, processing_off])
def test_neither_new_tasks_nor_the_schedule_start_a_connector_that_is_held(
    database_url: str, clock: ManualClock, connector: str, hold: Callable[[Workbench, str], str]
) -> None:
    with Workbench(database_url, clock, [NAMES[connector]]) as bus:
        task_id = hold(bus, connector)
        before = runs(bus)
        for _ in range(2):
            if connector == "seconds":
                bus.dispatcher.schedule_is_due(connector)
            else:
                bus.dispatcher.tasks_logged([connector])
            bus.wait_until(lambda: bus.workers[connector].is_running, lambda running: not running)
        assert runs(bus) == before
        task = bus.task(task_id)
        assert (task.state.name, task.attempt_count) == ("PENDING", 0)


def test_a_connector_runs_while_another_is_in_hand_and_while_it_is_halted(
    database_url: str, clock: ManualClock
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    with Workbench(database_url, clock, OTHERS) as bus:
        prepare = bus.people.prepare_internal_object

        def slowly(*arguments: object) -> object:
            begun.set()
            assert go_on.wait(10)
            return prepare(*arguments)  # type: ignore[arg-type] # passed on as they came

        bus.people.prepare_internal_object = slowly  # type: ignore[method-assign,assignment] # one instance
        [slow, bad] = bus.log(new_task({"name": "a"}), new_task({"do": "raise"}))
        bus.dispatcher.tasks_logged(["people"])
        assert begun.wait(10)
        [beside] = bus.log(new_task({"name": "b"}, connector="notified"))
        try:
            assert bus.process("notified").counts.succeeded == 1
            assert bus.states([slow, bad, beside]) == ["RUNNING", "PENDING", "SUCCEEDED"]
        finally:
            go_on.set()
        bus.wait_until(lambda: bus.states([slow, bad]), lambda states: states == ["SUCCEEDED", "FAILED"])
        [after] = bus.log(new_task({"name": "c"}, connector="notified"))
        assert bus.process("notified").counts.succeeded == 1
        assert bus.store.connector("people").halted_by == bad
        assert bus.states([after]) == ["SUCCEEDED"]
