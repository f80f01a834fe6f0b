"""Runs that stay open for a moment, so that tasks that come one by one share them."""

from datetime import timedelta

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock

from integrationbus.server.processing import worker
from integrationbus.server.replicas.lookout import Tidings
from integrationbus.server.run import NotifyOutcome, RunState
from integrationbus.server.task import MissingKeyAction, ProcessType, TaskActionKind, TaskState
from integrationbus.server.task_queries import TaskQuery


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs wait longer for more tasks than any test takes."""
    monkeypatch.setattr(worker, "_LINGER_SECONDS", 600)


def log_and_wait(bus: Workbench, name: str) -> str:
    """Log a task, wait until it is done, and return its run."""
    [task_id] = bus.log(new_task({"name": name}))
    bus.dispatcher.tasks_logged(["people"])
    assert bus.settled(task_id).state is TaskState.SUCCEEDED
    return bus.store.events(bus.store.connector("people").id, after_position=0, limit=100).events[-1].run_id


def wait_until_it_waits(bus: Workbench) -> None:
    """Return when the run has nothing more to do."""
    while bus.workers["people"].is_busy:
        pass  # for a moment: what it did is to be seen already


@pytest.mark.usefixtures("patience")
def test_tasks_that_come_one_by_one_share_a_run_until_somebody_waits_for_its_end(bus: Workbench) -> None:
    run_id = log_and_wait(bus, "Ada")
    assert log_and_wait(bus, "Bob") == run_id
    assert bus.store.run(run_id).state is RunState.RUNNING
    [ticket] = bus.dispatcher.request_runs(["people"], clear_halt=False, actor="tests", reason="")
    assert ticket.run
    assert (ticket.outcome, ticket.run.id) == (NotifyOutcome.COALESCED, run_id)
    assert bus.wait_for(run_id).counts.succeeded == 2


@pytest.mark.usefixtures("patience")
def test_a_run_that_waits_for_more_ends_with_the_server(bus: Workbench) -> None:
    run_id = log_and_wait(bus, "Ada")
    bus.dispatcher.stop()
    assert bus.store.run(run_id).state is RunState.COMPLETED


@pytest.mark.usefixtures("patience")
def test_a_run_that_waits_for_more_can_be_cancelled(bus: Workbench) -> None:
    run_id = log_and_wait(bus, "Ada")
    bus.dispatcher.cancel(run_id, actor="tests", reason="")
    assert bus.wait_for(run_id).state is RunState.CANCELLED


@pytest.mark.usefixtures("patience")
def test_a_run_that_waits_for_more_sees_what_another_process_called(bus: Workbench) -> None:
    run_id = log_and_wait(bus, "Ada")
    [waiting] = bus.log(new_task({"name": "Bob", "boss_id": "nobody"}, missing_key=MissingKeyAction.WAIT))
    bus.dispatcher.tasks_logged(["people"])
    assert bus.settled(waiting).state is TaskState.WAITING
    bus.store.act_on(
        TaskActionKind.RETRY,
        TaskQuery(task_ids=[waiting]),
        after=None,
        limit=1,
        etag="",
        actor="",
        reason="",
        rehearse=False,
    )
    wait_until_it_waits(bus)
    bus.dispatcher.see(
        Tidings(changed=[], logged=[], called=["people"], requested=[], cancelled=[], held=[], halted=[])
    )
    bus.wait_until(lambda: bus.task(waiting), lambda task: task.attempt_count == 2)
    assert bus.store.run(run_id).state is RunState.RUNNING


@pytest.mark.usefixtures("patience")
def test_a_run_that_waits_for_more_keeps_the_connector_from_nobody(bus: Workbench) -> None:
    log_and_wait(bus, "Ada")
    assert bus.dispatcher.give_back(["people"]) == []
    bus.wait_until(lambda: bus.workers["people"].is_running, lambda running: not running)
    log_and_wait(bus, "Bob")
    bus.wait_until(lambda: bus.workers["people"].is_running, lambda running: not running)
    while not bus.dispatcher.give_back(["people"]):
        pass  # the end of the run is being put on record


@pytest.mark.usefixtures("patience")
def test_a_run_does_not_wait_for_more_for_ever(bus: Workbench, clock: ManualClock) -> None:
    run_id = log_and_wait(bus, "Ada")
    wait_until_it_waits(bus)
    clock.advance(timedelta(seconds=5))
    assert log_and_wait(bus, "Bob") == run_id
    assert bus.wait_for(run_id).state is RunState.COMPLETED


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize(("process_type", "age"), [(ProcessType.SKIP_ONCE, 7), (ProcessType.SKIP_ON_ERROR, "wrong")])
def test_a_run_that_passed_a_task_by_leaves_it_to_the_next_one(
    bus: Workbench, process_type: ProcessType, age: object
) -> None:
    [passed_by] = bus.log(new_task({"name": "Ada", "age": age}, process_type=process_type))
    bus.dispatcher.tasks_logged(["people"])
    before = bus.wait_until(lambda: bus.task(passed_by), lambda task: task.state is not TaskState.PENDING)
    bus.wait_until(lambda: bus.workers["people"].is_running, lambda running: not running)
    log_and_wait(bus, "Bob")
    assert bus.task(passed_by).attempt_count > before.attempt_count
