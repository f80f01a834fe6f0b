"""Delays between attempts: who waits for them, who does not, and what ends them."""

import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from operator import eq

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock
from support.hesitant import DELAY, MAX_ATTEMPTS, MAX_FAILURES
from support.people import PeopleConnector

from integrationbus.server.claims import Claim, ClaimRequest
from integrationbus.server.connector import Lease
from integrationbus.server.run import Run, RunState
from integrationbus.server.task import NewTask, ProcessType, TaskActionKind

LATER = ProcessType.SKIP_ON_ERROR
A_MOMENT = timedelta(seconds=1)
BROKEN = {"do": "retry"}
"""Fails for as long as the connector says."""

# Delays are the business of the runner, whatever the database.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def bus(database_url: str, clock: ManualClock) -> Iterator[Workbench]:
    """A bus with a connector that waits before it tries again."""
    with Workbench(database_url, clock, ["support.hesitant:EagerConnector"]) as bench:
        yield bench


def connector_of(bus: Workbench) -> PeopleConnector:
    """The connector under test."""
    found = bus.registry.get("eager").connector
    assert isinstance(found, PeopleConnector)
    return found


def person(fields: dict[str, object], process_type: ProcessType = ProcessType.DEFAULT) -> NewTask:
    return new_task(fields, connector="eager", process_type=process_type)


def begin(bus: Workbench) -> Run:
    """Ask for a run."""
    [ticket] = bus.dispatcher.request_runs(["eager"], clear_halt=False, actor="", reason="")
    assert ticket.run
    return ticket.run


def wait_for_states(bus: Workbench, ids: Sequence[str], *states: str) -> None:
    bus.wait_until(lambda: bus.states(ids), lambda found: found == list(states))


def test_skip_on_error_is_not_tried_before_its_delay_is_over(bus: Workbench, clock: ManualClock) -> None:
    [task_id] = bus.log(person({"do": "raise"}, LATER))
    expected = DELAY
    for failures in range(1, MAX_FAILURES):
        assert bus.process("eager").state is RunState.COMPLETED
        task = bus.task(task_id)
        assert (task.attempt_count, task.next_attempt_at) == (failures, clock.now() + expected)
        clock.advance(expected - A_MOMENT)
        assert bus.process("eager").state is RunState.COMPLETED
        assert bus.task(task_id).attempt_count == failures, "it was a moment too early"
        clock.advance(A_MOMENT)
        expected = 2 * DELAY
    bus.process("eager")
    task = bus.task(task_id)
    assert (task.attempt_count, task.in_line, task.next_attempt_at) == (MAX_FAILURES, False, None)
    clock.advance(timedelta(days=30))
    bus.process("eager")
    assert bus.task(task_id).attempt_count == MAX_FAILURES


def test_what_is_passed_by_during_its_delay_keeps_nobody_waiting(bus: Workbench, clock: ManualClock) -> None:
    early, late = bus.log(person({"do": "raise"}, LATER), person({"do": "raise"}, LATER))
    bus.process("eager")
    clock.advance(DELAY / 2)
    bus.act(TaskActionKind.RETRY, late)
    bus.wait_until(lambda: bus.task(late).attempt_count, lambda attempts: attempts == 2)
    clock.advance(DELAY / 2)
    [new] = bus.log(person({"name": "a"}))
    bus.process("eager")
    assert [bus.task(task_id).attempt_count for task_id in (early, late, new)] == [2, 2, 1]


@pytest.mark.parametrize(
    ("process_type", "state", "end"),
    [
        (ProcessType.SKIP_ON_ERROR, "FAILED", RunState.COMPLETED),
        (ProcessType.DELETE_ON_ERROR, "DELETED", RunState.COMPLETED),
        (ProcessType.SKIP_ONCE, "FAILED", RunState.HALTED),
        (ProcessType.DEFAULT, "FAILED", RunState.HALTED),
    ],
    ids=["SKIP_ON_ERROR", "DELETE_ON_ERROR", "SKIP_ONCE", "DEFAULT"],
)
def test_retries_with_delays_end_and_then_the_process_type_decides(
    bus: Workbench, clock: ManualClock, process_type: ProcessType, state: str, end: RunState
) -> None:
    if process_type is ProcessType.SKIP_ONCE:
        [task_id] = bus.log(person({**BROKEN, "name": "a"}, process_type))
        bus.process("eager")
        assert bus.states([task_id]) == ["SKIPPED"]
    else:
        [task_id] = bus.log(person({**BROKEN, "name": "a"}, process_type))
    [behind] = bus.log(person({"name": "b"}))
    connector_of(bus).failures_left = MAX_ATTEMPTS
    run = begin(bus)
    for attempts in range(1, MAX_ATTEMPTS):
        bus.wait_until(lambda: bus.task(task_id).next_attempt_at, partial(eq, clock.now() + DELAY * attempts))
        assert bus.states([task_id, behind]) == ["RETRY_WAIT", "PENDING"]
        clock.advance(DELAY * attempts)
        bus.workers["eager"].poke()
    ended = bus.wait_for(run.id)
    assert (ended.state, ended.counts.retried) == (end, MAX_ATTEMPTS - 1)
    task = bus.task(task_id)
    assert (task.state.name, task.in_line, task.attempt_count) == (state, state == "FAILED", MAX_ATTEMPTS)
    assert bus.states([behind]) == ["PENDING" if end is RunState.HALTED else "SUCCEEDED"]


@pytest.mark.parametrize(
    ("action", "state"),
    [(TaskActionKind.RETRY, "SUCCEEDED"), (TaskActionKind.SKIP, "SKIPPED"), (TaskActionKind.DELETE, "DELETED")],
    ids=["retry", "skip", "delete"],
)
def test_what_is_done_with_a_task_ends_the_wait_for_it(bus: Workbench, action: TaskActionKind, state: str) -> None:
    connector_of(bus).failures_left = 1
    ids = bus.log(person({**BROKEN, "name": "a"}), person({"name": "b"}))
    run = begin(bus)
    wait_for_states(bus, ids, "RETRY_WAIT", "PENDING")
    bus.act(action, ids[0])
    wait_for_states(bus, ids, state, "SUCCEEDED")
    assert bus.wait_for(run.id).state is RunState.COMPLETED


def test_a_run_that_only_waits_is_on_record_and_can_be_cancelled(
    bus: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector_of(bus).failures_left = 1
    [task_id] = bus.log(person({**BROKEN, "name": "a"}))
    first = begin(bus)
    wait_for_states(bus, [task_id], "RETRY_WAIT")
    bus.dispatcher.set_enabled("eager", enabled=False, actor="", reason="")
    assert bus.wait_for(first.id).state is RunState.STOPPED
    claimed, claim = threading.Event(), bus.store.claim

    def telling(lease: Lease, request: ClaimRequest) -> Claim:
        found = claim(lease, request)
        claimed.set()
        return found

    monkeypatch.setattr(bus.store, "claim", telling)
    bus.dispatcher.set_enabled("eager", enabled=True, actor="", reason="")
    assert claimed.wait(10)
    [run, _] = bus.store.runs(None, before=None, limit=9)
    assert (run.trigger.name, run.state) == ("RESUME", RunState.RUNNING)
    bus.dispatcher.cancel(run.id, actor="me", reason="")
    assert bus.wait_for(run.id).state is RunState.CANCELLED
    assert bus.states([task_id]) == ["RETRY_WAIT"]
