"""How a wait ends in each process type: at its deadline, or with what came past the bus."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert
from support.bench import Workbench, new_task
from support.clocks import ManualClock
from support.people import PersonInfo

from integrationbus.connectors import ObjectParams
from integrationbus.server.connector import HeadAction
from integrationbus.server.task import MissingKeyAction, NewTask, ProcessType, Task, TaskActionKind, TaskState

LIMIT = timedelta(minutes=5)
FAILED, PENDING, SUCCEEDED, WAITING = TaskState.FAILED, TaskState.PENDING, TaskState.SUCCEEDED, TaskState.WAITING


@pytest.fixture
def bus(tmp_path: Path, clock: ManualClock) -> Iterator[Workbench]:
    """A bus on SQLite: the deadlines of both databases are tested elsewhere."""
    with Workbench(f"sqlite:///{tmp_path / 'bus.db'}", clock) as bench:
        yield bench


def waiting(process_type: ProcessType = ProcessType.DEFAULT) -> NewTask:
    """A person who waits for the boss, five minutes."""
    return new_task(
        {"name": "p1", "boss_id": "9"},
        external_id="1",
        process_type=process_type,
        missing_key=MissingKeyAction.WAIT,
        wait_limit=LIMIT,
    )


def boss() -> NewTask:
    return new_task({"name": "boss"}, external_id="9")


def expire(bus: Workbench, clock: ManualClock, task: NewTask) -> Task:
    """Let the deadline of a waiting task pass; returns the task as it is after the attempt that follows."""
    attempts = bus.task(task.id).attempt_count
    clock.advance(LIMIT)
    bus.workers["people"].poke()
    bus.wait_until(lambda: bus.task(task.id).attempt_count, lambda number: number > attempts)
    settled = bus.settled(task.id)
    # The next run must not join this one.
    bus.wait_until(lambda: bus.workers["people"].is_running, lambda running: not running)
    return settled


def reason(task: Task) -> str:
    return task.last_error.reason if task.last_error else ""


def test_the_deadline_of_a_default_task_halts_the_connector(bus: Workbench, clock: ManualClock) -> None:
    task, other = waiting(), new_task({"name": "other"})
    bus.log(task)
    bus.process()
    failed = expire(bus, clock, task)
    assert (failed.state, failed.in_line, reason(failed)) == (FAILED, True, "KEY_WAIT_EXPIRED")
    bus.log(other)
    [ticket] = bus.dispatcher.request_runs(["people"], clear_halt=False, actor="tests", reason="")
    assert (ticket.outcome.name, bus.task(other.id).state) == ("REFUSED_HALTED", PENDING)
    run = bus.dispatcher.resume("people", HeadAction.SKIP, actor="tests", reason="")
    bus.wait_for(run.id)
    assert bus.states([task.id, other.id]) == ["SKIPPED", "SUCCEEDED"]


def test_a_resume_after_a_deadline_lets_the_task_wait_anew(bus: Workbench, clock: ManualClock) -> None:
    task = waiting()
    bus.log(task)
    bus.process()
    expire(bus, clock, task)
    run = bus.dispatcher.resume("people", HeadAction.RETRY, actor="tests", reason="")
    assert bus.wait_for(run.id).counts.waiting == 1
    assert (bus.task(task.id).state, bus.task(task.id).wait_deadline) == (WAITING, clock.now() + LIMIT)
    bus.log(boss())
    assert bus.process().halted_by == ""
    assert bus.settled(task.id).state is SUCCEEDED


def test_a_skip_on_error_task_fails_at_its_deadline_and_later_runs_try_it_again(
    bus: Workbench, clock: ManualClock
) -> None:
    task, other = waiting(ProcessType.SKIP_ON_ERROR), new_task({"name": "other"})
    bus.log(task, other)
    bus.process()
    assert bus.states([task.id, other.id]) == ["WAITING", "SUCCEEDED"]
    failed = expire(bus, clock, task)
    assert (failed.state, failed.in_line, reason(failed)) == (FAILED, True, "KEY_WAIT_EXPIRED")
    assert bus.process().counts.failed == 1
    assert (bus.task(task.id).attempt_count, reason(bus.task(task.id))) == (3, "KEY_WAIT_EXPIRED")
    bus.log(boss())
    bus.process()
    assert bus.task(task.id).state is FAILED, "it comes before the boss in the line, and is called by nobody"
    bus.process()
    assert bus.task(task.id).state is SUCCEEDED


def test_a_skip_once_task_waits_from_the_second_run_on_and_is_as_default_then(
    bus: Workbench, clock: ManualClock
) -> None:
    task = waiting(ProcessType.SKIP_ONCE)
    bus.log(task)
    bus.process()
    assert bus.task(task.id).state is TaskState.SKIPPED
    clock.advance(LIMIT)
    assert bus.process().counts.waiting == 1
    assert (bus.task(task.id).state, bus.task(task.id).wait_deadline) == (WAITING, clock.now() + LIMIT)
    failed = expire(bus, clock, task)
    assert (failed.state, reason(failed)) == (FAILED, "KEY_WAIT_EXPIRED")
    assert bus.store.connector("people").halted_by == task.id


def test_a_skip_once_task_is_not_passed_over_again_when_it_is_called_back(bus: Workbench) -> None:
    task = waiting(ProcessType.SKIP_ONCE)
    bus.log(task)
    bus.process()
    bus.process()
    assert bus.task(task.id).state is WAITING
    bus.log(boss())
    bus.process()
    assert bus.settled(task.id).state is SUCCEEDED


@pytest.mark.parametrize("by", ["an operator", "the deadline"])
def test_what_came_past_the_bus_is_found_by_the_next_attempt(bus: Workbench, clock: ManualClock, by: str) -> None:
    bus.people.params["9", "test.person"] = ObjectParams(code_name="boss")
    task = waiting()
    bus.log(task)
    bus.process()
    with bus.database.write() as connection:
        connection.execute(insert(PersonInfo).values(person_id=77, name="boss"))
    bus.process()
    assert bus.task(task.id).state is WAITING, "nobody has told the bus"
    if by == "an operator":
        bus.act(TaskActionKind.RETRY, task.id)
    else:
        expire(bus, clock, task)
    assert bus.settled(task.id).state is SUCCEEDED
    assert bus.fields_of("test.person", "p1")["boss_id"] == 77
