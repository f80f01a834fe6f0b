"""Parts of classes that say more: what is kept, what is left out, and what waits."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock

from integrationbus.server.task import MissingKeyAction, NewTask, ProcessType, Task, TaskDataType, TaskState

WAIT = MissingKeyAction.WAIT


@pytest.fixture
def folders(tmp_path: Path, clock: ManualClock) -> Iterator[Workbench]:
    """A bus on SQLite with the users ada and eve, known by their names."""
    with Workbench(f"sqlite:///{tmp_path / 'bus.db'}", clock, ["support.folders:FoldersConnector"]) as bus:
        for name in ("ada", "eve"):
            assert done(bus, task({"make": "user", "user_name": name}, external_id=name)).result
        yield bus


def task(
    fields: dict[str, object],
    data_type: TaskDataType = TaskDataType.SIMPLE_SNAPSHOT,
    external_id: str = "",
    missing_key: MissingKeyAction | None = None,
) -> NewTask:
    """A task that halts nothing when it fails."""
    return new_task(
        fields,
        connector="folders",
        data_type=data_type,
        external_id=external_id,
        missing_key=missing_key,
        process_type=ProcessType.DELETE_ON_ERROR,
    )


def done(bus: Workbench, new: NewTask) -> Task:
    """The task after a run."""
    bus.log(new)
    bus.process("folders")
    return bus.task(new.id)


def snapshot(missing_key: MissingKeyAction | None = None, **parts: Sequence[dict[str, object]]) -> NewTask:
    """A folder with notes, readers or both."""
    fields: dict[str, object] = {"name": "f", **{name: list(items) for name, items in parts.items()}}
    return task(fields, TaskDataType.SNAPSHOT, external_id="f", missing_key=missing_key)


def reader(user: str, granted_by: str = "ada") -> dict[str, object]:
    return {"user_id": user, "granted_by_id": granted_by}


def readers_of(bus: Workbench) -> list[object]:
    """The ids of those who may read a folder."""
    return [view.fields["user_id"] for view in bus.objects.list("test.reader", after_id=0, limit=10)]


def test_a_class_may_say_that_a_snapshot_keeps_what_it_does_not_mention(folders: Workbench) -> None:
    done(folders, snapshot(notes=[{"title": "one"}], readers=[reader("ada")]))
    done(folders, snapshot(notes=[{"title": "two"}], readers=[reader("eve")]))
    assert folders.names("test.note") == ["one", "two"], "as the class says"
    assert readers_of(folders) == [2], "this class says nothing"


def test_a_binding_in_a_snapshot_is_left_out_and_not_waited_for(folders: Workbench) -> None:
    made = done(folders, snapshot(WAIT, readers=[reader("ada"), reader("bob")]))
    assert made.result
    [note] = made.result.notes
    assert "a test.reader was left out: test.reader.user_id points at cms.user 'bob'" in note
    assert readers_of(folders) == [1]


@pytest.mark.parametrize("user", ["eve", "bob"])
def test_a_binding_is_not_left_out_for_a_key_that_is_required(folders: Workbench, user: str) -> None:
    failed = done(folders, snapshot(readers=[reader("ada"), reader(user, granted_by="cy")]))
    assert failed.last_error
    assert (failed.last_error.reason, failed.last_error.field_paths) == ("KEY_NOT_FOUND", ("granted_by_id",))
    assert (folders.names("test.folder"), readers_of(folders)) == ([], [])
    waiting = done(folders, snapshot(WAIT, readers=[reader("ada"), reader(user, granted_by="cy")]))
    [key] = waiting.waiting_for
    assert (waiting.state, key.attribute, key.external_id) == (TaskState.WAITING, "granted_by_id", "cy")
    done(folders, task({"make": "user", "user_name": "cy"}, external_id="cy"))
    assert folders.settled(waiting.id).state is TaskState.SUCCEEDED
    assert readers_of(folders) == ([1, 2] if user == "eve" else [1])


@pytest.mark.parametrize("in_snapshot", [True, False])
def test_a_binding_is_written_without_what_it_does_not_need(folders: Workbench, in_snapshot: bool) -> None:
    binding = {**reader("eve"), "proposed_by_id": "bob"}
    done(folders, snapshot(readers=[]))
    new = snapshot(readers=[binding]) if in_snapshot else task({"make": "reader", "folder_id": "f", **binding})
    made = done(folders, new)
    assert made.result
    assert made.result.notes == ("test.reader.proposed_by_id was left empty: there is no cms.user 'bob'",)
    assert readers_of(folders) == [2]


@pytest.mark.parametrize(
    ("binding", "attribute"), [(reader("bob"), "user_id"), (reader("eve", granted_by="bob"), "granted_by_id")]
)
def test_a_task_about_a_binding_fails_or_waits_when_a_target_is_missing(
    folders: Workbench, binding: dict[str, object], attribute: str
) -> None:
    done(folders, task({"name": "f"}, external_id="f"))
    fields = {"make": "reader", "folder_id": "f", **binding}
    failed = done(folders, task(fields))
    assert failed.last_error
    assert (failed.last_error.reason, failed.last_error.field_paths) == ("KEY_NOT_FOUND", (attribute,))
    waiting = done(folders, task(fields, missing_key=WAIT))
    assert [(key.attribute, key.external_id) for key in waiting.waiting_for] == [(attribute, "bob")]
    assert readers_of(folders) == []
    done(folders, task({"make": "user", "user_name": "bob"}, external_id="bob"))
    assert folders.settled(waiting.id).state is TaskState.SUCCEEDED
    assert len(readers_of(folders)) == 1


def test_a_child_whose_required_key_is_missing_fails_the_snapshot_or_makes_it_wait(folders: Workbench) -> None:
    notes: list[dict[str, object]] = [{"title": "one"}, {"title": "two", "author_id": "bob"}]
    failed = done(folders, snapshot(notes=notes))
    assert failed.last_error
    assert (failed.last_error.reason, failed.last_error.field_paths) == ("KEY_NOT_FOUND", ("author_id",))
    waiting = done(folders, snapshot(WAIT, notes=notes))
    assert (waiting.state, folders.names("test.folder"), folders.names("test.note")) == (TaskState.WAITING, [], [])
    done(folders, task({"make": "user", "user_name": "bob"}, external_id="bob"))
    assert folders.settled(waiting.id).state is TaskState.SUCCEEDED
    assert folders.names("test.note") == ["one", "two"]
