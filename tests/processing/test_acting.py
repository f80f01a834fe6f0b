"""What operators do with tasks: retry, skip, delete, over any selection; and cancelling runs."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock

from integrationbus.server.errors import EtagMismatch, RunEnded, RunNotFound, TaskFinal, TaskNotFound
from integrationbus.server.run import RunState
from integrationbus.server.task import MissingKeyAction, ProcessType, TaskActionKind, TaskState
from integrationbus.server.task_queries import TaskQuery

RETRY, SKIP, DELETE = TaskActionKind.RETRY, TaskActionKind.SKIP, TaskActionKind.DELETE
BAD = {"do": "raise"}
BROKEN = {"do": "retry"}
"""Fails for as long as the connector says."""


def test_retry_processes_exactly_one_task_wherever_it_stands(bus: Workbench) -> None:
    bus.people.failures_left = 99
    ids = bus.log(*(new_task({**BROKEN, "name": name}) for name in "abc"))
    bus.process()
    assert bus.states(ids) == ["FAILED", "PENDING", "PENDING"]
    bus.people.failures_left = 0
    bus.act(RETRY, ids[2], reason="it is urgent")
    assert bus.settled(ids[2]).state is TaskState.SUCCEEDED
    assert bus.states(ids) == ["FAILED", "PENDING", "SUCCEEDED"], "the connector is halted all the same"
    assert bus.store.connector("people").halted_by == ids[0]
    assert bus.process(clear_halt=True).state is RunState.COMPLETED
    assert bus.states(ids) == ["SUCCEEDED"] * 3


def test_retry_of_the_task_that_halted_the_connector_releases_it_if_it_succeeds(bus: Workbench) -> None:
    bus.people.failures_left = 99
    ids = bus.log(new_task({**BROKEN, "name": "a"}), new_task({"name": "b"}))
    bus.process()
    bus.act(RETRY, ids[0])
    assert bus.settled(ids[0]).state is TaskState.FAILED
    assert bus.store.connector("people").halted_by == ids[0]
    bus.people.failures_left = 0
    bus.act(RETRY, ids[0])
    assert bus.settled(ids[0]).state is TaskState.SUCCEEDED
    assert bus.store.connector("people").halted_by == ""


def test_a_retried_task_keeps_its_process_type(bus: Workbench) -> None:
    ids = bus.log(
        new_task(BAD, process_type=ProcessType.SKIP_ON_ERROR),
        new_task({"name": "a"}, process_type=ProcessType.SKIP_ONCE),
        new_task(BAD, process_type=ProcessType.DELETE_ON_ERROR),
    )
    bus.process()
    assert bus.states(ids) == ["FAILED", "SKIPPED", "DELETED"]
    bus.act(RETRY, ids[0], ids[1])
    settled = [bus.settled(task_id) for task_id in ids[:2]]
    assert [(task.state.name, task.process_type.name) for task in settled] == [
        ("FAILED", "SKIP_ON_ERROR"),
        ("SUCCEEDED", "SKIP_ONCE"),
    ]
    assert bus.store.connector("people").halted_by == ""


def test_a_retried_default_task_that_fails_halts_the_connector(database_url: str, clock: ManualClock) -> None:
    with Workbench(database_url, clock, ["support.people:NotifiedConnector"]) as bus:
        ids = bus.log(*(new_task(BAD, connector="notified") for _ in range(3)))
        bus.act(RETRY, ids[1])
        assert bus.settled(ids[1]).state is TaskState.FAILED
        assert bus.store.connector("notified").halted_by == ids[1]
        bus.act(RETRY, ids[2])
        assert bus.settled(ids[2]).state is TaskState.FAILED
        assert bus.store.connector("notified").halted_by == ids[1], "the earlier one holds it"


def test_skipping_or_deleting_the_task_that_halted_the_connector_releases_it(bus: Workbench) -> None:
    ids = bus.log(new_task(BAD), new_task(BAD), new_task({"name": "c"}))
    bus.process()
    bus.act(SKIP, ids[0], reason="known")
    bus.wait_until(lambda: bus.states(ids), lambda states: states == ["SKIPPED", "FAILED", "PENDING"])
    bus.act(DELETE, ids[1])
    bus.wait_until(lambda: bus.states(ids), lambda states: states == ["SKIPPED", "DELETED", "SUCCEEDED"])
    assert bus.task(ids[1]).last_error, "its error is kept"


def test_every_action_is_on_record_with_who_and_why(bus: Workbench) -> None:
    [task_id] = bus.log(new_task(BAD))
    bus.process()
    bus.act(RETRY, task_id, reason="perhaps now")
    bus.settled(task_id)
    bus.act(DELETE, task_id, reason="hopeless")
    attempts, actions = bus.store.attempts(task_id)
    assert [(item.number, item.outcome and item.outcome.name) for item in attempts] == [(1, "FAILED"), (2, "FAILED")]
    assert all(item.error and item.error.reason == "CONNECTOR_FAILED" and item.ended_at for item in attempts)
    assert [(item.state.name, item.actor, item.reason) for item in actions] == [
        ("PENDING", "operator", "perhaps now"),
        ("DELETED", "operator", "hopeless"),
    ]
    connector_id = bus.store.connector("people").id
    event = bus.store.events(connector_id, after_position=0, limit=100).events[-1]
    assert (event.state.name, event.actor, event.reason) == ("DELETED", "operator", "hopeless")


def test_a_selection_is_counted_before_it_is_acted_upon(bus: Workbench) -> None:
    later = ProcessType.SKIP_ON_ERROR
    ids = bus.log(*(new_task(BAD, process_type=later) for _ in range(1200)), new_task({"name": "a"}))
    bus.process()
    selection = TaskQuery(states=[TaskState.FAILED], connector_ids=[bus.store.connector("people").id])
    assert bus.act_on(DELETE, selection, rehearse=True).affected == 1200
    assert bus.states(ids[:1]) == ["FAILED"]
    assert bus.act_on(DELETE, selection).affected == 1200
    counts = bus.store.connector("people").counts
    assert (counts.deleted, counts.failed, counts.succeeded) == (1200, 0, 1)
    assert bus.act_on(DELETE, selection).affected == 0


def test_a_retry_by_filter_leaves_alone_what_has_not_had_its_turn(bus: Workbench) -> None:
    bus.log(new_task(BAD), new_task({"name": "a"}), new_task({"name": "b"}))
    bus.process()
    everything = TaskQuery(connector_ids=[bus.store.connector("people").id])
    assert bus.act_on(RETRY, everything, rehearse=True).affected == 1
    assert bus.act_on(SKIP, everything, rehearse=True).affected == 3


def test_what_cannot_be_acted_upon_is_reported_and_keeps_the_others_back_from_nothing(bus: Workbench) -> None:
    done, failed = bus.log(new_task({"name": "a"}), new_task(BAD))
    bus.process()
    report = bus.act(DELETE, done, failed, "unknown")
    assert report.affected == 1
    assert {task_id: error.reason for task_id, error in report.not_affected.items()} == {
        done: "TASK_FINAL",
        "unknown": "TASK_NOT_FOUND",
    }
    with pytest.raises(TaskFinal, match="SUCCEEDED"):
        bus.act(RETRY, done)
    with pytest.raises(TaskNotFound):
        bus.act(SKIP, "unknown")


def test_an_etag_guards_against_what_one_has_not_seen(bus: Workbench) -> None:
    [task_id] = bus.log(new_task(BAD))
    bus.process()
    seen = str(bus.task(task_id).position)
    bus.process(clear_halt=True)
    with pytest.raises(EtagMismatch):
        bus.act_on(DELETE, TaskQuery(task_ids=[task_id]), etag=seen)
    assert bus.task(task_id).state is TaskState.FAILED
    bus.act_on(DELETE, TaskQuery(task_ids=[task_id]), etag=str(bus.task(task_id).position))
    assert bus.task(task_id).state is TaskState.DELETED


@pytest.fixture
def at_work(bus: Workbench) -> Iterator[tuple[Workbench, list[str], threading.Event]]:
    """A bus in the middle of its first task, which ends when the event is set."""
    begun, go_on = threading.Event(), threading.Event()
    prepare = bus.people.prepare_internal_object

    def slowly(*arguments: object) -> object:
        begun.set()
        assert go_on.wait(10)
        return prepare(*arguments)  # type: ignore[arg-type] # passed on as they came

    bus.people.prepare_internal_object = slowly  # type: ignore[method-assign,assignment] # one instance
    ids = bus.log(*(new_task({"name": f"p{number}"}) for number in range(300)))
    bus.dispatcher.request_runs(["people"], clear_halt=False, actor="tests", reason="")
    assert begun.wait(10)
    yield bus, ids, go_on
    go_on.set()


def test_a_running_task_is_left_alone(at_work: tuple[Workbench, list[str], threading.Event]) -> None:
    bus, ids, _ = at_work
    report = bus.act(DELETE, ids[0], ids[299])
    assert (report.affected, report.not_affected[ids[0]].reason) == (1, "TASK_RUNNING")


def test_a_cancelled_run_ends_after_the_batch_in_hand(
    at_work: tuple[Workbench, list[str], threading.Event],
) -> None:
    bus, ids, go_on = at_work
    [run] = bus.store.runs(None, before=None, limit=1)
    bus.dispatcher.cancel(run.id, actor="operator", reason="too early")
    go_on.set()
    ended = bus.wait_for(run.id)
    assert (ended.state, ended.cancelled_by, ended.cancel_reason) == (RunState.CANCELLED, "operator", "too early")
    assert bus.states([ids[0], ids[-1]]) == ["SUCCEEDED", "PENDING"]
    with pytest.raises(RunEnded):
        bus.dispatcher.cancel(run.id, actor="operator", reason="")
    assert bus.process().state is RunState.COMPLETED, "the next trigger starts another"
    assert bus.states([ids[-1]]) == ["SUCCEEDED"]


def test_what_is_logged_after_a_cancellation_starts_another_run(
    at_work: tuple[Workbench, list[str], threading.Event],
) -> None:
    bus, ids, go_on = at_work
    [run] = bus.store.runs(None, before=None, limit=1)
    bus.dispatcher.cancel(run.id, actor="operator", reason="")
    [later] = bus.log(new_task({"name": "later"}))
    bus.dispatcher.tasks_logged(["people"])
    go_on.set()
    assert bus.wait_for(run.id).state is RunState.CANCELLED
    bus.wait_until(lambda: bus.states([ids[-1], later]), lambda states: states == ["SUCCEEDED"] * 2)


def test_a_task_that_began_to_wait_in_a_cancelled_run_has_its_deadline(
    bus: Workbench, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancel(*_: object) -> None:
        [run] = bus.store.runs(None, before=None, limit=1)
        bus.dispatcher.cancel(run.id, actor="operator", reason="")

    [task_id] = bus.log(
        new_task({"name": "a", "boss_id": "9"}, missing_key=MissingKeyAction.WAIT, wait_limit=timedelta(minutes=5))
    )
    with monkeypatch.context() as patched:
        patched.setattr(bus.people, "get_internal_object_params", cancel)
        assert bus.process().state is RunState.CANCELLED
    assert bus.task(task_id).state is TaskState.WAITING
    clock.advance(timedelta(minutes=6))
    bus.workers["people"].poke()
    bus.wait_until(lambda: bus.task(task_id).state, lambda state: state is TaskState.FAILED)


def test_an_unknown_run_cannot_be_cancelled(bus: Workbench) -> None:
    with pytest.raises(RunNotFound):
        bus.dispatcher.cancel("unknown", actor="operator", reason="")


def test_a_task_of_a_connector_that_waits_for_notify_is_processed_alone(database_url: str, clock: ManualClock) -> None:
    with Workbench(database_url, clock, ["support.people:NotifiedConnector"]) as bus:
        ids = bus.log(*(new_task({"name": name}, connector="notified") for name in "ab"))
        bus.act(RETRY, ids[1])
        assert bus.settled(ids[1]).state is TaskState.SUCCEEDED
        assert bus.states(ids) == ["PENDING", "SUCCEEDED"], "nobody notified it"
