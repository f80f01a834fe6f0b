"""Waiting for a missing key: out of the line, and back as soon as the key is there."""

from dataclasses import replace
from datetime import timedelta

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock
from support.databases import EVERYWHERE

from integrationbus.connectors.keys import ObjectParams
from integrationbus.server.task import (
    AwaitedKey,
    MissingKeyAction,
    NewTask,
    ProcessType,
    TaskActionKind,
    TaskState,
    TaskType,
)
from integrationbus.server.task_queries import TaskQuery

pytestmark = pytest.mark.parametrize("database_url", EVERYWHERE, indirect=True)

WAIT = MissingKeyAction.WAIT
UPDATE, DELETE = TaskType.UPDATE_OBJECT, TaskType.DELETE_OBJECT


def person(external_id: str, boss: str | None = None, task_type: TaskType = TaskType.CREATE_OBJECT) -> NewTask:
    """A person who waits for the boss."""
    fields = {"name": f"p{external_id}"} | ({} if boss is None else {"boss_id": boss})
    return new_task(fields, external_id=external_id, task_type=task_type, missing_key=WAIT)


def test_a_task_waits_out_of_the_line_and_others_go_on(bus: Workbench) -> None:
    waiting, other = person("1", boss="9"), person("2")
    bus.log(waiting, other)
    run = bus.process()
    assert (run.state.name, run.counts.succeeded, run.counts.waiting, run.counts.failed) == ("COMPLETED", 1, 1, 0)
    task = bus.task(waiting.id)
    assert (task.state, task.in_line) == (TaskState.WAITING, False)
    assert task.waiting_for == (AwaitedKey(object_type="test.person", external_id="9", attribute="boss_id"),)
    assert task.last_error
    assert task.last_error.reason == "KEY_NOT_FOUND"
    assert bus.store.connector("people").counts.waiting == 1
    assert bus.process().counts.waiting == 0, "a later run leaves it alone"


def test_it_is_processed_as_soon_as_its_key_is_there_and_before_later_tasks(bus: Workbench) -> None:
    waiting = person("1", boss="9")
    bus.log(waiting)
    bus.process()
    later = [person(str(number)) for number in range(10, 400)]
    bus.log(person("9"), *later)
    bus.process()
    task = bus.settled(waiting.id)
    assert (task.state, task.attempt_count) == (TaskState.SUCCEEDED, 2)
    assert bus.fields_of("test.person", "p1")["boss_id"] is not None
    assert task.finished_at
    last = bus.task(later[-1].id)
    assert last.position > task.position, "the rest of the line came after it"


def test_a_whole_tree_in_the_wrong_order_comes_right(bus: Workbench) -> None:
    bus.log(*(person(str(number), boss=str(number + 1)) for number in range(300)), person("300"))
    bus.process()
    bus.wait_until(lambda: bus.store.connector("people").counts.succeeded, lambda number: number == 301)
    people = {view.code_name: view for view in bus.objects.list("test.person", after_id=0, limit=1000)}
    for number in range(300):
        assert people[f"p{number}"].fields["boss_id"] == people[f"p{number + 1}"].id
    assert bus.store.connector("people").counts.waiting == 0


def test_later_tasks_about_the_same_object_wait_behind_it(bus: Workbench) -> None:
    first, second, third = person("1", boss="9"), person("1", task_type=UPDATE), person("1", task_type=DELETE)
    bus.log(first, second, person("2"), third)
    bus.process()
    assert bus.states([first.id, second.id, third.id]) == ["WAITING"] * 3
    [behind] = bus.task(second.id).waiting_for
    assert (behind.behind, bus.task(second.id).last_error) == (first.id, None)
    bus.log(person("9"))
    bus.process()
    assert [bus.settled(task.id).state.name for task in (first, second, third)] == ["SUCCEEDED"] * 3
    assert bus.names("test.person") == ["p2", "p9"]
    positions = [bus.task(task.id).position for task in (first, second, third)]
    assert positions == sorted(positions)


def test_two_objects_with_one_code_name_but_two_external_ids_do_not_wait_for_each_other(bus: Workbench) -> None:
    bus.log(new_task({"make": "site", "site_name": "main"}))
    forum = {"make": "forum", "forum_name": "general", "forum_site_id": "main"}
    bus.people.params["main", "cms.site"] = ObjectParams(code_name="main")
    waiting = new_task({**forum, "forum_group_id": "9"}, external_id="1", missing_key=WAIT)
    free = new_task({**forum, "forum_description": "another"}, external_id="2", missing_key=WAIT)
    bus.log(waiting, free)
    bus.process()
    assert bus.states([waiting.id, free.id]) == ["WAITING", "SUCCEEDED"]


def test_an_object_of_another_connector_is_waited_for_by_its_code_name(
    database_url: str, target_url: str, clock: ManualClock
) -> None:
    paths = ["support.people:PeopleConnector", "support.people:PatientConnector"]
    with Workbench(database_url, clock, paths, target_url=target_url) as bus:
        patient = bus.registry.get("patient").connector
        patient.params["9", "test.person"] = ObjectParams(code_name="p9")  # type: ignore[union-attr] # a person
        waiting = new_task({"name": "p1", "boss_id": "9"}, connector="patient")
        bus.log(waiting)
        bus.process("patient")
        assert bus.task(waiting.id).state is TaskState.WAITING
        bus.log(new_task({"name": "p9"}))
        bus.process("people")
        assert bus.settled(waiting.id).state is TaskState.SUCCEEDED, "nobody asked for a run of it"


def test_waiting_ends_in_failure_at_its_deadline(bus: Workbench, clock: ManualClock) -> None:
    task = new_task(
        {"name": "p1", "boss_id": "9"},
        external_id="1",
        missing_key=WAIT,
        wait_limit=timedelta(minutes=5),
        process_type=ProcessType.DELETE_ON_ERROR,
    )
    follower = person("1", task_type=UPDATE)
    bus.log(task, follower)
    bus.process()
    assert bus.task(task.id).wait_deadline == clock.now() + timedelta(minutes=5)
    clock.advance(timedelta(minutes=5))
    bus.workers["people"].poke()
    failed = bus.wait_until(lambda: bus.task(task.id), lambda found: found.state is TaskState.DELETED)
    assert failed.last_error
    assert failed.last_error.reason == "KEY_WAIT_EXPIRED"
    assert bus.settled(follower.id).state is TaskState.SUCCEEDED


def test_a_deadline_holds_over_several_waits(bus: Workbench, clock: ManualClock) -> None:
    task = new_task(
        {"name": "p1", "boss_id": "9", "team_id": "8"},
        missing_key=WAIT,
        wait_limit=timedelta(minutes=5),
    )
    bus.log(task)
    bus.process()
    deadline = bus.task(task.id).wait_deadline
    clock.advance(timedelta(minutes=1))
    bus.log(person("9"))
    bus.process()
    again = bus.settled(task.id)
    assert (again.state, again.wait_deadline) == (TaskState.WAITING, deadline)
    awaited = [(key.attribute, key.external_id) for key in again.waiting_for]
    assert sorted(awaited) == [("team_id", "8"), ("team_id", "nobody")], "the team, or the one that stands in for it"


def test_a_connector_can_wait_for_all_its_tasks_and_a_task_can_refuse_to(
    database_url: str, target_url: str, clock: ManualClock
) -> None:
    with Workbench(database_url, clock, ["support.people:PatientConnector"], target_url=target_url) as bus:
        bus.log(new_task({"name": "p1", "boss_id": "9"}, connector="patient"))
        fields = {"name": "p2", "boss_id": "9"}
        bus.log(new_task(fields, connector="patient", missing_key=MissingKeyAction.FAIL))
        bus.process("patient")
        waiting, failed = bus.all_tasks()
        assert waiting.wait_deadline == clock.now() + timedelta(hours=1)
        assert (waiting.state.name, failed.state.name) == ("WAITING", "FAILED")


def test_waiting_tasks_are_found_by_what_they_wait_for(bus: Workbench) -> None:
    tasks = [person("1", boss="8"), person("2", boss="9"), person("3", boss="9")]
    bus.log(*tasks)
    bus.process()

    def waiting(query: TaskQuery) -> list[str]:
        page = bus.store.tasks(query, after=None, limit=10, with_payload=False, newest_first=False)
        return [task.external_id for task in page.tasks]

    assert waiting(TaskQuery(waiting_for_id="9")) == ["2", "3"]
    assert waiting(TaskQuery(waiting_for_id="8", waiting_for_type="test.person")) == ["1"]
    assert waiting(TaskQuery(waiting_for_id="8", waiting_for_type="test.team")) == []


def test_an_operator_can_call_a_waiting_task_or_take_it_out(bus: Workbench) -> None:
    first, second, follower = person("1", boss="9"), person("2", boss="9"), person("2", task_type=UPDATE)
    bus.log(first, second, follower)
    bus.process()
    bus.act(TaskActionKind.RETRY, first.id)
    assert bus.settled(first.id).attempt_count == 2
    assert bus.task(first.id).state is TaskState.WAITING, "it is still missing"
    bus.act(TaskActionKind.SKIP, second.id)
    assert bus.settled(follower.id).state is TaskState.SUCCEEDED, "nothing holds it any more"
    assert bus.task(second.id).state is TaskState.SKIPPED


def test_a_task_that_an_operator_called_waits_again_with_a_new_deadline(bus: Workbench, clock: ManualClock) -> None:
    task = new_task({"name": "p1", "boss_id": "9"}, missing_key=WAIT, wait_limit=timedelta(minutes=5))
    bus.log(task)
    bus.process()
    clock.advance(timedelta(minutes=4))
    bus.act(TaskActionKind.RETRY, task.id)
    assert bus.settled(task.id).wait_deadline == clock.now() + timedelta(minutes=5)


def test_waiting_survives_a_restart(database_url: str, target_url: str, clock: ManualClock) -> None:
    task = new_task({"name": "p1", "boss_id": "9"}, missing_key=WAIT, wait_limit=timedelta(minutes=5))
    with Workbench(database_url, clock, target_url=target_url) as bus:
        bus.log(task)
        bus.process()
    clock.advance(timedelta(minutes=6))
    with Workbench(database_url, clock, target_url=target_url) as bus:
        bus.dispatcher.adopt(["people"])
        bus.wait_until(lambda: bus.task(task.id), lambda found: found.state is TaskState.FAILED)


def test_a_page_waits_for_its_parent(bus: Workbench) -> None:
    page = {"make": "page", "document_culture": "en-US"}
    create = TaskType.CREATE_DOCUMENT
    by_path = new_task({**page, "node_alias": "b", "node_parent_path": "/a"}, task_type=create, site="main")
    by_key = new_task({**page, "node_alias": "c", "node_parent_id": "7"}, task_type=create, site="main")
    waiting = [task_with_wait(by_path), task_with_wait(by_key)]
    bus.log(*waiting)
    bus.process()
    assert bus.states([task.id for task in waiting]) == ["WAITING"] * 2, "the site is missing as well"
    bus.log(new_task({"make": "site", "site_name": "main"}))
    bus.process()
    keys = [bus.settled(task.id).waiting_for[0] for task in waiting]
    assert [(key.object_type, key.external_id, key.attribute) for key in keys] == [
        ("page", "/a", "node_parent_path"),
        ("page", "7", "node_parent_id"),
    ]
    bus.log(new_task({**page, "node_alias": "a"}, task_type=create, site="main", external_id="7"))
    bus.process()
    assert [bus.settled(task.id).state.name for task in waiting] == ["SUCCEEDED"] * 2
    assert bus.names("cms.page") == ["/a", "/a/b", "/a/c"]


@pytest.mark.parametrize("process_type", [ProcessType.DEFAULT, ProcessType.SKIP_ON_ERROR])
def test_a_missing_key_names_the_task_that_will_make_it(bus: Workbench, process_type: ProcessType) -> None:
    early = new_task({"name": "p1", "boss_id": "9"}, process_type=process_type)
    late = new_task({"name": "p9"}, external_id="9")
    bus.log(early, late)
    bus.process()
    error = bus.task(early.id).last_error
    assert error
    assert error.awaited_task == late.id
    assert f"task {late.id}, number 2 of the line, will make it" in error.message


def task_with_wait(task: NewTask) -> NewTask:
    """The same task, which waits."""
    return replace(task, missing_key=WAIT)
