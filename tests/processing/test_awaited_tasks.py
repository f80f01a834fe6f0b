"""The task that a failure names, because it will make what is missing."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock
from support.people import PeopleConnector

from integrationbus.connectors import ObjectParams
from integrationbus.server.task import MissingKeyAction, NewTask, ProcessType, TaskError, TaskState, TaskType

WAIT = MissingKeyAction.WAIT
CREATE_PAGE, MOVE_PAGE, DELETE_PAGE = TaskType.CREATE_DOCUMENT, TaskType.MOVE_DOCUMENT, TaskType.DELETE_DOCUMENT


@pytest.fixture
def quick(tmp_path: Path, clock: ManualClock) -> Iterator[Workbench]:
    """A bus on SQLite with the connectors "people", "patient" and "folders", and the site "main"."""
    names = ("people:PeopleConnector", "people:PatientConnector", "folders:FoldersConnector")
    paths = [f"support.{name}" for name in names]
    with Workbench(f"sqlite:///{tmp_path / 'bus.db'}", clock, paths) as bus:
        bus.log(new_task({"make": "site", "site_name": "main"}))
        assert bus.process().counts.succeeded == 1
        yield bus


def person(name: str, boss: str | None = None, connector: str = "people") -> NewTask:
    """A person, whose external id is the number in the name."""
    fields = {"name": name} if boss is None else {"name": name, "boss_id": boss}
    return new_task(fields, connector=connector, external_id=name[1:])


def page(fields: dict[str, object], task_type: TaskType = CREATE_PAGE, external_id: str = "") -> NewTask:
    fields = {"make": "page", "document_culture": "en-US", **fields}
    return new_task(fields, task_type=task_type, site="main", external_id=external_id)


def error_of(bus: Workbench, task: NewTask) -> TaskError:
    """The error of a task, which a run took out because of it."""
    bus.process(task.connector)
    error = bus.task(task.id).last_error
    assert error
    return error


def failing(task: NewTask) -> NewTask:
    """The same task, which fails at once and is in nobody's way then."""
    return replace(task, missing_key=MissingKeyAction.FAIL, process_type=ProcessType.DELETE_ON_ERROR)


def test_a_task_in_the_line_of_another_connector_is_not_meant_by_an_external_id(quick: Workbench) -> None:
    task = failing(person("p1", boss="9"))
    quick.log(person("p9", connector="patient"), task)
    error = error_of(quick, task)
    assert (error.reason, error.awaited_task) == ("KEY_NOT_FOUND", ""), "each connector has its own external ids"


def test_a_task_that_waits_itself_is_named(quick: Workbench) -> None:
    maker = replace(person("p9", boss="99"), missing_key=WAIT)
    quick.log(maker)
    quick.process()
    task = failing(person("p1", boss="9"))
    quick.log(task)
    error = error_of(quick, task)
    assert error.awaited_task == maker.id
    assert f"task {maker.id}, which waits itself, will make it" in error.message


def test_a_task_of_another_connector_that_waits_is_named_when_its_object_has_the_code_name(quick: Workbench) -> None:
    maker = person("p9", boss="99", connector="patient")
    quick.log(maker)
    quick.process("patient")
    people = cast(PeopleConnector, quick.registry.get("people").connector)
    people.params["boss", "test.person"] = ObjectParams(code_name="p9")
    task = failing(person("p1", boss="boss"))
    quick.log(task)
    error = error_of(quick, task)
    assert error.awaited_task == maker.id
    assert f"task {maker.id} of patient, which waits itself, will make it" in error.message


def test_what_has_left_the_line_for_good_is_not_named(quick: Workbench) -> None:
    gone, task = failing(person("p9", boss="99")), failing(person("p1", boss="9"))
    quick.log(gone, task)
    assert error_of(quick, task).awaited_task == ""
    assert quick.task(gone.id).state is TaskState.DELETED


def test_the_task_that_will_make_a_page_is_named_by_its_external_id(quick: Workbench) -> None:
    task = failing(page({"node_alias": "x", "node_parent_id": "7"}))
    quick.log(
        task,
        person("p7"),
        page({"node_parent_path": "/"}, MOVE_PAGE, external_id="7"),
        page({}, DELETE_PAGE, external_id="7"),
        maker := page({"node_alias": "a"}, external_id="7"),
    )
    error = error_of(quick, task)
    assert (error.reason, error.awaited_task) == ("PARENT_NOT_FOUND", maker.id), "neither a person, nor a move"


def test_the_task_that_will_make_the_page_at_a_path_is_named_if_it_waits(quick: Workbench) -> None:
    maker = replace(page({"node_alias": "b", "node_parent_path": "/a"}), missing_key=WAIT)
    quick.log(maker)
    quick.process()
    task = failing(page({"node_alias": "c", "node_parent_path": "/a/b"}))
    quick.log(task)
    error = error_of(quick, task)
    assert (error.reason, error.awaited_task) == ("PARENT_NOT_FOUND", maker.id)


def test_the_task_that_will_make_the_page_of_a_foreign_key_is_named(quick: Workbench) -> None:
    note = {"make": "note", "title": "n", "folder_id": "f", "page_id": "7"}
    task = failing(new_task(note, connector="folders"))
    maker = replace(page({"node_alias": "a"}, external_id="7"), connector="folders")
    quick.log(new_task({"name": "folder"}, connector="folders", external_id="f"), task, maker)
    error = error_of(quick, task)
    assert (error.reason, error.awaited_task) == ("KEY_NOT_FOUND", maker.id)
