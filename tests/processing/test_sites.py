"""Which objects belong to which sites."""

import pytest
from support.bench import Workbench, new_task

from integrationbus.server.task import NewTask, Task, TaskDataType, TaskType

ADD, REMOVE = TaskType.ADD_TO_SITE, TaskType.REMOVE_FROM_SITE


@pytest.fixture
def sites(bus: Workbench) -> Workbench:
    """A bus with the sites "main" and "shop"."""
    bus.log(new_task({"make": "site", "site_name": "main"}), new_task({"make": "site", "site_name": "shop"}))
    assert bus.process().counts.succeeded == 2
    return bus


def user(task_type: TaskType, name: str = "ada", site: str = "main", **fields: object) -> NewTask:
    return new_task({"make": "user", "user_name": name, **fields}, task_type=task_type, site=site)


def done(bus: Workbench, task: NewTask) -> Task:
    """The task after a run."""
    bus.log(task)
    bus.process(clear_halt=True)
    return bus.task(task.id)


def assigned(bus: Workbench) -> list[tuple[object, object]]:
    """The users and sites that belong together, by id."""
    found = bus.objects.list("cms.usersite", after_id=0, limit=10)
    return [(view.fields["user_id"], view.fields["site_id"]) for view in found]


def test_an_object_is_created_and_assigned_then_updated_and_assigned(sites: Workbench) -> None:
    first = done(sites, user(ADD, full_name="Ada"))
    assert first.result
    assert (first.result.effect.name, [item.object_type for item in first.result.touched]) == (
        "CREATED",
        ["cms.usersite"],
    )
    second = done(sites, user(ADD, site="shop", full_name="Ada L"))
    assert second.result
    assert second.result.effect.name == "UPDATED"
    assert assigned(sites) == [(1, 1), (1, 2)]
    assert sites.fields_of("cms.user", "ada")["full_name"] == "Ada L"
    again = done(sites, user(ADD))
    assert again.result
    assert again.result.notes == ("it belonged to main before",)
    assert assigned(sites) == [(1, 1), (1, 2)]


def test_an_object_is_taken_off_one_site_and_kept(sites: Workbench) -> None:
    sites.log(user(ADD), user(ADD, site="shop"))
    task = done(sites, user(REMOVE, full_name="ignored"))
    assert task.result
    assert task.result.effect.name == "REMOVED_FROM_SITE"
    assert assigned(sites) == [(1, 2)]
    assert sites.fields_of("cms.user", "ada")["full_name"] == "ada"


@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_what_is_not_there_is_a_success_with_a_note(sites: Workbench, name: str) -> None:
    done(sites, user(ADD, site="shop"))
    task = done(sites, user(REMOVE, name=name))
    assert task.result
    assert (task.result.effect.name, task.result.notes) == ("NOTHING_TO_DELETE", ("it did not belong to main",))


def test_many_are_assigned_in_one_batch(sites: Workbench) -> None:
    sites.log(*(user(ADD, name=f"u{number}") for number in range(50)))
    assert sites.process().counts.succeeded == 50
    assert len(set(assigned(sites))) == 10


@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_nothing_can_be_taken_off_an_unknown_site(sites: Workbench, name: str) -> None:
    done(sites, user(ADD))
    task = done(sites, user(REMOVE, name=name, site="nowhere"))
    assert task.last_error
    assert (task.last_error.reason, task.last_error.field_paths) == ("SITE_NOT_FOUND", ("site",))
    assert assigned(sites) == [(1, 1)]


def test_an_unknown_site_is_an_error_and_leaves_no_object(sites: Workbench) -> None:
    task = done(sites, user(ADD, site="nowhere"))
    assert task.last_error
    assert task.last_error.reason == "SITE_NOT_FOUND"
    assert sites.names("cms.user") == []


@pytest.mark.parametrize("task_type", [ADD, REMOVE])
@pytest.mark.parametrize("data_type", [TaskDataType.SIMPLE_SNAPSHOT, TaskDataType.SNAPSHOT])
def test_a_global_object_can_be_assigned_to_no_site_and_taken_off_none(
    sites: Workbench, task_type: TaskType, data_type: TaskDataType
) -> None:
    done(sites, new_task({"name": "Ada"}))
    task = done(sites, new_task({"name": "Ada", "age": 1}, task_type=task_type, site="main", data_type=data_type))
    assert task.last_error
    assert (task.last_error.reason, "cannot be assigned to sites" in task.last_error.message) == ("WRONG_OBJECT", True)
    assert sites.fields_of("test.person", "Ada")["age"] == 30


def test_a_snapshot_can_be_assigned(sites: Workbench) -> None:
    snapshot = new_task(
        {"make": "user", "user_name": "ada", "parts": []},
        task_type=ADD,
        site="main",
        data_type=TaskDataType.SNAPSHOT,
    )
    done(sites, snapshot)
    assert assigned(sites) == [(1, 1)]
