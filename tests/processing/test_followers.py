"""Tasks that wait behind an earlier one about the same object: their order, their deadlines, and their end."""

from datetime import timedelta

from support.bench import Workbench, new_task
from support.clocks import ManualClock

from integrationbus.server.task import MissingKeyAction, NewTask, ProcessType, TaskActionKind, TaskState, TaskType
from integrationbus.server.task_queries import TaskQuery

WAIT = MissingKeyAction.WAIT
UPDATE = TaskType.UPDATE_OBJECT
RETRY, SKIP = TaskActionKind.RETRY, TaskActionKind.SKIP


def person(external_id: str, boss: str | None = None, task_type: TaskType = TaskType.CREATE_OBJECT) -> NewTask:
    """A person who waits for the boss."""
    fields = {"name": f"p{external_id}"} | ({} if boss is None else {"boss_id": boss})
    return new_task(fields, external_id=external_id, task_type=task_type, missing_key=WAIT)


def test_a_follower_has_no_deadline_of_its_own(bus: Workbench, clock: ManualClock) -> None:
    first = person("1", boss="9")
    follower = new_task(
        {"name": "p1"}, external_id="1", task_type=UPDATE, missing_key=WAIT, wait_limit=timedelta(minutes=5)
    )
    bus.log(first, follower)
    bus.process()
    clock.advance(timedelta(minutes=6))
    bus.workers["people"].poke()
    bus.process()
    task = bus.task(follower.id)
    assert (task.state, task.wait_deadline, task.attempt_count) == (TaskState.WAITING, None, 1)
    bus.act(SKIP, first.id)
    assert bus.settled(follower.id).state is TaskState.SUCCEEDED


def test_a_follower_that_was_called_in_vain_is_not_tried_at_the_deadline_of_its_call(
    database_url: str, clock: ManualClock
) -> None:
    """An operator tries the first one in the middle of its wait, which begins again."""
    with Workbench(database_url, clock, ["support.people:PatientConnector"]) as bus:
        first = new_task({"name": "p1", "boss_id": "9"}, connector="patient", external_id="1")
        follower = new_task({"name": "p1"}, connector="patient", external_id="1", task_type=UPDATE)
        bus.log(first, follower)
        bus.process("patient")
        clock.advance(timedelta(minutes=30))
        bus.act(RETRY, first.id)
        bus.wait_until(lambda: bus.task(first.id).attempt_count, lambda number: number == 2)
        bus.wait_until(lambda: bus.states([first.id, follower.id]), lambda states: states == ["WAITING", "WAITING"])
        attempts = bus.task(follower.id).attempt_count
        clock.advance(timedelta(minutes=31))
        bus.workers["patient"].poke()
        bus.process("patient")
        assert bus.task(follower.id).attempt_count == attempts
        clock.advance(timedelta(minutes=30))
        bus.workers["patient"].poke()
        bus.wait_until(lambda: bus.task(first.id).state, lambda state: state is TaskState.FAILED)


def test_an_earlier_task_does_not_wait_behind_a_later_one(bus: Workbench) -> None:
    earlier = new_task({"do": "retry", "name": "p1"}, external_id="1", process_type=ProcessType.SKIP_ON_ERROR)
    bus.people.failures_left = 99
    bus.log(earlier)
    bus.process()
    assert bus.task(earlier.id).state is TaskState.FAILED
    later = person("1", boss="9", task_type=UPDATE)
    bus.log(later)
    bus.process()
    assert bus.task(later.id).state is TaskState.WAITING
    bus.people.failures_left = 0
    bus.act(RETRY, earlier.id)
    assert bus.settled(earlier.id).state is TaskState.SUCCEEDED


def test_skipping_all_that_wait_takes_the_followers_in_a_later_part_as_well(bus: Workbench) -> None:
    others = [person(f"w{number}", boss="9") for number in range(501)]
    follower = person("w0", task_type=UPDATE)
    bus.log(*others, follower)
    bus.process()
    assert bus.store.connector("people").counts.waiting == 502
    assert bus.act_on(SKIP, TaskQuery(states=[TaskState.WAITING])).affected == 502
    assert bus.task(follower.id).state is TaskState.SKIPPED
