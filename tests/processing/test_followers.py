"""Tasks that wait behind an earlier one about the same object: their order, their deadlines, and their end."""

from datetime import timedelta
from uuid import UUID

from support.bench import Workbench, new_task
from support.clocks import ManualClock

from integrationbus.server.task import MissingKeyAction, NewTask, ProcessType, TaskActionKind, TaskState, TaskType
from integrationbus.server.task_queries import TaskQuery

WAIT = MissingKeyAction.WAIT
UPDATE = TaskType.UPDATE_OBJECT
RETRY, SKIP = TaskActionKind.RETRY, TaskActionKind.SKIP
GUID = UUID(int=7)


def person(external_id: str, boss: str | None = None, task_type: TaskType = TaskType.CREATE_OBJECT) -> NewTask:
    """A person who waits for the boss."""
    fields = {"name": f"p{external_id}"} | ({} if boss is None else {"boss_id": boss})
    return new_task(fields, external_id=external_id, task_type=task_type, missing_key=WAIT)


def page(fields: dict[str, object], task_type: TaskType, external_id: str = "") -> NewTask:
    """A page in English, unless the fields say otherwise, which waits for its parent."""
    return new_task(
        {"make": "page", "document_culture": "en-US", **fields},
        task_type=task_type,
        site="main",
        external_id=external_id,
        missing_key=WAIT,
    )


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


def test_another_culture_a_deletion_and_a_move_wait_behind_a_page_however_they_name_it(bus: Workbench) -> None:
    place: dict[str, object] = {"node_alias": "x", "node_parent_path": "/a"}
    tasks = [
        page({**place, "node_guid": GUID}, TaskType.CREATE_DOCUMENT, external_id="x"),
        page({"node_guid": GUID, "document_culture": "de-DE"}, TaskType.UPDATE_DOCUMENT),
        page(place, TaskType.DELETE_DOCUMENT),
        page({"node_parent_path": "/"}, TaskType.MOVE_DOCUMENT, external_id="x"),
    ]
    free = page({"node_alias": "free"}, TaskType.CREATE_DOCUMENT)
    bus.log(new_task({"make": "site", "site_name": "main"}), *tasks, free)
    bus.process()
    assert bus.states([task.id for task in (*tasks, free)]) == ["WAITING"] * 4 + ["SUCCEEDED"]
    behind = [key.behind for task in tasks[1:] for key in bus.task(task.id).waiting_for]
    assert behind == [tasks[0].id] * 3
    bus.log(page({"node_alias": "a"}, TaskType.CREATE_DOCUMENT))
    bus.process()
    results = [bus.settled(task.id).result for task in tasks]
    assert [result and result.effect.name for result in results] == ["CREATED", "CREATED", "DELETED", "MOVED"]
    pages = bus.objects.list("cms.page", after_id=0, limit=9)
    left = [(view.code_name, view.fields["document_culture"]) for view in pages]
    assert sorted(left) == [("/a", "en-US"), ("/free", "en-US"), ("/x", "de-DE")]
