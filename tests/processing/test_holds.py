"""What holds a connector, and that it is forgotten as soon as it is gone."""

import threading
from datetime import timedelta

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock

from integrationbus.server.claims import Claim, ClaimRequest
from integrationbus.server.connector import HeadAction, Lease
from integrationbus.server.errors import TaskRunning
from integrationbus.server.run import RunState
from integrationbus.server.switches import Switch
from integrationbus.server.task import MissingKeyAction, NewTask, ProcessType, TaskActionKind, TaskState, TaskType

WAIT = MissingKeyAction.WAIT
RETRY, SKIP, DELETE = TaskActionKind.RETRY, TaskActionKind.SKIP, TaskActionKind.DELETE
BAD = {"do": "raise"}
BROKEN = {"do": "retry"}
"""Fails for as long as the connector says."""

# What holds a connector is known to its worker, whatever the database.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def log_and_wake(bus: Workbench, task: NewTask) -> str:
    """Log a task as the server does."""
    bus.log(task)
    bus.dispatcher.tasks_logged([task.connector])
    return task.id


def wait_until_idle(bus: Workbench, connector: str = "people") -> None:
    bus.wait_until(lambda: bus.workers[connector].is_running, lambda running: not running)


def wait_for_state(bus: Workbench, task_id: str, state: TaskState) -> None:
    bus.wait_until(lambda: bus.task(task_id).state, lambda found: found is state)


def set_processing(bus: Workbench, *, on: bool) -> None:
    bus.dispatcher.set_switch(Switch.PROCESSING, on=on, actor="", reason="")


def set_enabled(bus: Workbench, connector: str, *, enabled: bool) -> None:
    bus.dispatcher.set_enabled(connector, enabled=enabled, actor="", reason="")


def test_new_tasks_run_after_the_only_task_that_halted_was_skipped(bus: Workbench) -> None:
    bad = log_and_wake(bus, new_task(BAD))
    wait_until_idle(bus)
    bus.act(SKIP, bad)
    assert bus.store.connector("people").halted_by == ""
    wait_for_state(bus, log_and_wake(bus, new_task({"name": "a"})), TaskState.SUCCEEDED)


def test_the_line_goes_on_after_a_retry_released_the_connector(bus: Workbench) -> None:
    bus.people.failures_left = 99
    first = log_and_wake(bus, new_task({**BROKEN, "name": "a"}))
    wait_until_idle(bus)
    second = log_and_wake(bus, new_task({"name": "b"}))
    bus.people.failures_left = 0
    bus.act(RETRY, first)
    wait_for_state(bus, first, TaskState.SUCCEEDED)
    wait_for_state(bus, second, TaskState.SUCCEEDED)
    assert bus.store.connector("people").halted_by == ""


def test_new_tasks_run_after_the_line_was_cleared_while_processing_was_off(bus: Workbench) -> None:
    set_processing(bus, on=False)
    task_id = log_and_wake(bus, new_task({"name": "a"}))
    wait_until_idle(bus)
    bus.act(DELETE, task_id)
    set_processing(bus, on=True)
    wait_for_state(bus, log_and_wake(bus, new_task({"name": "b"})), TaskState.SUCCEEDED)


def test_a_schedule_that_was_due_while_processing_was_off_is_due_again(database_url: str, clock: ManualClock) -> None:
    with Workbench(database_url, clock, ["support.people:EverySecondConnector"]) as bus:
        set_processing(bus, on=False)
        bus.dispatcher.schedule_is_due("seconds")
        wait_until_idle(bus, "seconds")
        set_processing(bus, on=True)
        [task_id] = bus.log(new_task({"name": "a"}, connector="seconds"))
        bus.dispatcher.schedule_is_due("seconds")
        wait_for_state(bus, task_id, TaskState.SUCCEEDED)


@pytest.fixture
def claimed(bus: Workbench, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set whenever a run has asked for tasks."""
    claimed, claim = threading.Event(), bus.store.claim

    def telling(lease: Lease, request: ClaimRequest) -> Claim:
        found = claim(lease, request)
        claimed.set()
        return found

    monkeypatch.setattr(bus.store, "claim", telling)
    return claimed


def test_a_deadline_that_passes_while_processing_is_off_counts_when_it_is_on(
    bus: Workbench, clock: ManualClock, claimed: threading.Event
) -> None:
    [task_id] = bus.log(
        new_task({"name": "p1", "boss_id": "9"}, missing_key=WAIT, wait_limit=timedelta(minutes=5)),
    )
    bus.process()
    set_processing(bus, on=False)
    claimed.clear()
    clock.advance(timedelta(minutes=6))
    bus.workers["people"].poke()
    assert claimed.wait(10)
    wait_until_idle(bus)
    assert bus.task(task_id).state is TaskState.WAITING
    set_processing(bus, on=True)
    wait_for_state(bus, task_id, TaskState.FAILED)


def test_what_is_asked_for_while_a_notified_connector_is_off_runs_when_it_is_on(
    database_url: str, clock: ManualClock
) -> None:
    with Workbench(database_url, clock, ["support.people:NotifiedConnector"]) as bus:
        [task_id] = bus.log(new_task({"name": "a"}, connector="notified"))
        set_enabled(bus, "notified", enabled=False)
        bus.act(RETRY, task_id)
        wait_until_idle(bus, "notified")
        assert bus.task(task_id).state is TaskState.PENDING
        set_enabled(bus, "notified", enabled=True)
        wait_for_state(bus, task_id, TaskState.SUCCEEDED)


def test_a_task_that_was_passed_over_runs_when_its_connector_is_switched_on(bus: Workbench) -> None:
    [task_id] = bus.log(new_task({"name": "a"}, process_type=ProcessType.SKIP_ONCE))
    bus.process()
    assert bus.task(task_id).state is TaskState.SKIPPED
    set_enabled(bus, "people", enabled=False)
    set_enabled(bus, "people", enabled=True)
    wait_for_state(bus, task_id, TaskState.SUCCEEDED)


def test_clearing_the_halt_tries_the_head_before_what_was_called_with_it(bus: Workbench) -> None:
    head = new_task({**BROKEN, "name": "p1", "boss_id": "9", "age": 1}, external_id="1", missing_key=WAIT)
    follower = new_task({"name": "p1", "age": 2}, external_id="1", task_type=TaskType.UPDATE_OBJECT)
    bus.log(head, follower)
    bus.process()
    assert bus.states([head.id, follower.id]) == ["WAITING", "WAITING"]
    bus.people.failures_left = 99
    bus.log(new_task({"name": "p9"}, external_id="9"))
    bus.process()
    assert bus.settled(head.id).state is TaskState.FAILED
    assert bus.task(follower.id).state is TaskState.PENDING
    bus.people.failures_left = 0
    bus.process(clear_halt=True)
    assert bus.states([head.id, follower.id]) == ["SUCCEEDED", "SUCCEEDED"]
    assert bus.task(head.id).position < bus.task(follower.id).position
    assert bus.fields_of("test.person", "p1")["age"] == 2


@pytest.mark.parametrize(
    ("action", "state"), [(HeadAction.SKIP, TaskState.SKIPPED), (HeadAction.DELETE, TaskState.DELETED)]
)
def test_resume_takes_out_a_head_that_was_asked_for(bus: Workbench, action: HeadAction, state: TaskState) -> None:
    [head, other] = bus.log(new_task({**BROKEN, "name": "a"}), new_task({"name": "b"}))
    bus.people.failures_left = 99
    bus.process()
    bus.dispatcher.pause("people", actor="", reason="")
    bus.act(RETRY, head)
    bus.people.failures_left = 0
    run = bus.dispatcher.resume("people", action, actor="", reason="")
    wait_for_state(bus, other, TaskState.SUCCEEDED)
    assert bus.task(head).state is state
    assert bus.wait_for(run.id).state is RunState.COMPLETED


def test_resume_leaves_a_head_alone_that_is_in_hand(bus: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    [head] = bus.log(new_task(BAD))
    bus.process()
    begun, go_on = threading.Event(), threading.Event()

    def failing(*_: object) -> object:
        begun.set()
        assert go_on.wait(10)
        raise ValueError("still no luck")

    monkeypatch.setattr(bus.people, "prepare_internal_object", failing)
    bus.act(RETRY, head)
    assert begun.wait(10)
    try:
        with pytest.raises(TaskRunning):
            bus.dispatcher.resume("people", HeadAction.DELETE, actor="", reason="")
    finally:
        go_on.set()
    assert bus.settled(head).state is TaskState.FAILED
    attempts, _ = bus.store.attempts(head)
    assert [attempt.outcome and attempt.outcome.name for attempt in attempts] == ["FAILED", "FAILED"]


def test_what_resume_does_with_the_head_is_among_the_actions_on_it(bus: Workbench) -> None:
    [task_id] = bus.log(new_task(BAD))
    bus.process()
    bus.dispatcher.resume("people", HeadAction.SKIP, actor="me", reason="known")
    _, actions = bus.store.attempts(task_id)
    assert [(item.state, item.actor, item.reason) for item in actions] == [(TaskState.SKIPPED, "me", "known")]
