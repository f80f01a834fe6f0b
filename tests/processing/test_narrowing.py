"""What narrows the search for the target of a key, and for the object of a task: parent, group and GUID."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast
from uuid import UUID

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock
from support.folders import FoldersConnector

from integrationbus.connectors import ExternalId, ObjectParams
from integrationbus.server.object_view import ById
from integrationbus.server.task import MissingKeyAction, NewTask, ProcessType, Task, TaskState, TaskType

UPDATE, DELETE = TaskType.UPDATE_OBJECT, TaskType.DELETE_OBJECT
FOLDER = "test.folder"
GUID = UUID(int=7)


@pytest.fixture
def folders(tmp_path: Path, clock: ManualClock) -> Iterator[Workbench]:
    """The folders p (1) and q (2), known by the external ids "p" and "7", each with a folder "a" in it (3 and 4).

    The "a" in q belongs to the user eve, the other one to ada; they are known by these names.
    """
    with Workbench(f"sqlite:///{tmp_path / 'bus.db'}", clock, ["support.folders:FoldersConnector"]) as bus:
        bus.log(*(task({"make": "user", "user_name": name}, external_id=name) for name in ("ada", "eve")))
        bus.log(task({"name": "p"}, external_id="p"), task({"name": "q"}, external_id="7"))
        bus.log(task({"name": "a", "parent_id": "p", "owner_id": "ada"}))
        bus.log(task({"name": "a", "parent_id": 7, "owner_id": "eve"}))
        assert bus.process("folders").counts.succeeded == 6
        yield bus


def task(fields: dict[str, object], task_type: TaskType = TaskType.CREATE_OBJECT, external_id: str = "") -> NewTask:
    """A task that halts nothing when it fails."""
    return new_task(
        fields,
        connector="folders",
        task_type=task_type,
        external_id=external_id,
        process_type=ProcessType.DELETE_ON_ERROR,
    )


def connector(bus: Workbench) -> FoldersConnector:
    return cast(FoldersConnector, bus.registry.get("folders").connector)


def done(bus: Workbench, new: NewTask) -> Task:
    """The task after a run."""
    bus.log(new)
    bus.process("folders")
    return bus.task(new.id)


def folder_of_note(bus: Workbench, key: str = "x") -> object:
    """The folder that a note is put into, or the reason of the failure."""
    made = done(bus, task({"make": "note", "title": "n", "folder_id": key}))
    if made.result is None:
        assert made.last_error
        return made.last_error.reason
    return bus.objects.get("test.note", ById(made.result.object_id)).fields["folder_id"]


def colors(bus: Workbench) -> list[tuple[str, object, object]]:
    """The folders by id, each with its parent and its color."""
    found = bus.objects.list(FOLDER, after_id=0, limit=10)
    return [(view.code_name, view.fields["parent_id"], view.fields["color"]) for view in found]


@pytest.mark.parametrize(("parent_id", "expected"), [("p", 3), (7, 4), ("7", 4)])
def test_a_parent_is_an_external_id_that_the_key_map_knows(
    folders: Workbench, parent_id: ExternalId, expected: int
) -> None:
    connector(folders).params["x", FOLDER] = ObjectParams(code_name="a", parent_id=parent_id)
    assert folder_of_note(folders) == expected


@pytest.mark.parametrize(("group_id", "expected"), [("ada", 3), ("eve", 4)])
def test_a_group_is_an_external_id_that_the_key_map_knows(folders: Workbench, group_id: str, expected: int) -> None:
    connector(folders).params["x", FOLDER] = ObjectParams(code_name="a", group_id=group_id)
    assert folder_of_note(folders) == expected


def test_the_connector_is_asked_for_parents_of_parents_and_for_groups_as_well(folders: Workbench) -> None:
    done(folders, task({"name": "deep", "parent_id": "p"}, external_id="other"))
    params = connector(folders).params
    params["x", FOLDER] = ObjectParams(code_name="deep", parent_id="y", group_id="owner")
    params["owner", "cms.user"] = ObjectParams(code_name="eve")
    params["y", FOLDER] = ObjectParams(code_name="a", parent_id="z")
    params["z", FOLDER] = ObjectParams(code_name="q")
    connector(folders).calls.clear()
    assert folder_of_note(folders) == "KEY_NOT_FOUND", "the one there is, is in p"
    asked = [call[1] for call in connector(folders).calls if call[0] == "object_params"]
    assert asked == [("x", FOLDER), ("y", FOLDER), ("z", FOLDER), ("owner", "cms.user")]
    params["w", FOLDER] = ObjectParams(code_name="a", parent_id="z")
    done(folders, task({"name": "deep", "parent_id": "w", "owner_id": "owner"}))
    assert folder_of_note(folders) == 6


def test_parent_and_group_have_to_fit_both(folders: Workbench) -> None:
    connector(folders).params["x", FOLDER] = ObjectParams(code_name="a", parent_id="p", group_id="eve")
    assert folder_of_note(folders) == "KEY_NOT_FOUND"
    connector(folders).params["x", FOLDER] = ObjectParams(code_name="a")
    assert folder_of_note(folders) == "KEY_AMBIGUOUS"


@pytest.mark.parametrize(
    ("narrowing", "awaited", "says"),
    [
        (ObjectParams(code_name="late", parent_id="r"), (FOLDER, "r"), "its parent, test.folder 'r', is missing"),
        (ObjectParams(code_name="late", group_id="u"), ("cms.user", "u"), "its group, cms.user 'u', is missing"),
    ],
)
def test_what_narrows_is_waited_for_and_then_the_target(
    folders: Workbench, narrowing: ObjectParams, awaited: tuple[str, str], says: str
) -> None:
    connector(folders).params["x", FOLDER] = narrowing
    note = new_task(
        {"make": "note", "title": "n", "folder_id": "x"}, connector="folders", missing_key=MissingKeyAction.WAIT
    )
    waiting = done(folders, note)
    [key] = waiting.waiting_for
    assert (key.object_type, key.external_id) == awaited
    assert waiting.last_error
    assert says in waiting.last_error.message
    done(folders, task({"name": "r"}, external_id="r"))
    done(folders, task({"make": "user", "user_name": "u"}, external_id="u"))
    [key] = folders.settled(note.id).waiting_for
    assert (key.object_type, key.external_id) == (FOLDER, "x")
    done(folders, task({"name": "late", "parent_id": "r", "owner_id": "u"}))
    assert folders.settled(note.id).state is TaskState.SUCCEEDED


def test_parents_that_go_round_in_a_circle_are_an_error(folders: Workbench) -> None:
    connector(folders).params["x", FOLDER] = ObjectParams(code_name="a", parent_id="y")
    connector(folders).params["y", FOLDER] = ObjectParams(code_name="a", parent_id="x")
    failed = done(folders, task({"make": "note", "title": "n", "folder_id": "x"}))
    assert failed.last_error
    assert (failed.last_error.reason, "circle" in failed.last_error.message) == ("CONNECTOR_FAILED", True)


def test_an_object_is_found_by_its_code_name_within_its_parent(folders: Workbench) -> None:
    done(folders, task({"name": "a", "parent_id": "7", "color": "red"}, UPDATE))
    assert colors(folders)[2:] == [("a", 1, "white"), ("a", 2, "red")]
    assert (made := done(folders, task({"name": "q", "parent_id": "7"}, UPDATE)).result)
    assert (made.effect.name, made.object_id) == ("CREATED", 5), "the other q is not in q"
    ambiguous = done(folders, task({"name": "a", "color": "blue"}, UPDATE))
    assert ambiguous.last_error
    assert ambiguous.last_error.reason == "KEY_AMBIGUOUS"
    done(folders, task({"name": "a", "parent_id": "7"}, DELETE))
    assert [name for name, *_ in colors(folders)] == ["p", "q", "a", "q"]


def test_a_guid_counts_more_than_the_code_name_and_the_external_id(folders: Workbench) -> None:
    done(folders, task({"name": "p", "guid": GUID}, external_id="p"))
    done(folders, task({"guid": GUID, "name": "q", "color": "red"}, UPDATE, external_id="7"))
    assert colors(folders)[:2] == [("q", None, "red"), ("q", None, "white")], "p has another name now"
    assert folder_of_note(folders, "7") == 1, "the external id means the object with the GUID from now on"


def test_a_guid_that_nobody_has_leaves_it_to_the_code_name(folders: Workbench) -> None:
    done(folders, task({"guid": GUID, "name": "p", "color": "red"}, UPDATE))
    assert colors(folders)[:2] == [("p", None, "red"), ("q", None, "white")]
    assert folders.objects.get(FOLDER, ById(1)).guid == str(GUID)
