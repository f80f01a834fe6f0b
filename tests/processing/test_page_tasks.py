"""Moving pages, their order and their workflow, and deleting them in all cultures."""

from dataclasses import replace
from uuid import UUID

import pytest
from support.bench import Workbench, new_task

from integrationbus.server.object_view import ByCodeName
from integrationbus.server.task import MissingKeyAction, NewTask, Task, TaskActionKind, TaskDataType, TaskType

CREATE, UPDATE, MOVE = TaskType.CREATE_DOCUMENT, TaskType.UPDATE_DOCUMENT, TaskType.MOVE_DOCUMENT
GUID = UUID(int=7)


@pytest.fixture
def site(bus: Workbench) -> Workbench:
    """A bus with the site "main" and the pages /a, /a/x, /a/x/y and /b, known by these paths."""
    bus.log(new_task({"make": "site", "site_name": "main"}))
    for path in ("/a", "/a/x", "/a/x/y", "/b"):
        parent, _, alias = path.rpartition("/")
        bus.log(page({"node_alias": alias, "node_parent_path": parent}, external_id=path))
    assert bus.process().counts.succeeded == 5
    return bus


def page(fields: dict[str, object], task_type: TaskType = CREATE, external_id: str = "") -> NewTask:
    return new_task(
        {"make": "page", "document_culture": "en-US", **fields},
        task_type=task_type,
        site="main",
        external_id=external_id,
    )


def done(bus: Workbench, task: NewTask) -> Task:
    """The task after a run."""
    bus.log(task)
    bus.process(clear_halt=True)
    return bus.task(task.id)


def outcome(task: Task) -> str:
    """The effect of a task, or the reason of its failure."""
    if task.result:
        return task.result.effect.name
    assert task.last_error
    return task.last_error.reason


def test_a_page_is_moved_with_everything_below_it(site: Workbench) -> None:
    task = done(site, page({"node_parent_path": "/b"}, MOVE, external_id="/a/x"))
    assert outcome(task) == "MOVED"
    assert site.names("cms.page") == ["/a", "/b/x", "/b/x/y", "/b"]
    child = done(site, page({"node_alias": "z", "node_parent_path": "/b/x/y"}))
    assert outcome(child) == "CREATED", "its parent is found by the new path"


def test_a_page_is_moved_to_the_root_and_may_get_another_alias(site: Workbench) -> None:
    done(site, page({"node_parent_path": "/", "node_alias": "top"}, MOVE, external_id="/a/x"))
    assert site.names("cms.page") == ["/a", "/top", "/top/y", "/b"]


def test_a_move_may_name_the_parent_by_its_external_id(site: Workbench) -> None:
    done(site, page({"node_parent_id": "/b"}, MOVE, external_id="/a"))
    assert site.names("cms.page") == ["/b/a", "/b/a/x", "/b/a/x/y", "/b"]


@pytest.mark.parametrize(
    ("fields", "external_id", "reason", "says"),
    [
        ({"node_parent_path": "/b"}, "unknown", "TARGET_NOT_FOUND", "no page 'unknown'"),
        ({"node_parent_path": "/nowhere"}, "/a", "PARENT_NOT_FOUND", "/nowhere"),
        ({"node_parent_path": "/a/x/y"}, "/a", "TARGET_REFUSED", "below itself"),
        ({"node_parent_id": "/a"}, "/a", "TARGET_REFUSED", "below itself"),
        ({"node_parent_path": "/", "node_alias": "b"}, "/a/x", "TARGET_REFUSED", "another page at /b"),
        ({"node_parent_path": "/b", "node_alias": "x"}, "", "IDENTITY_MISSING", "node_guid"),
    ],
    ids=["no page", "no parent", "below itself", "onto itself", "taken", "no identity"],
)
def test_a_move_that_cannot_be_is_an_error_and_moves_nothing(
    site: Workbench, fields: dict[str, object], external_id: str, reason: str, says: str
) -> None:
    task = done(site, page(fields, MOVE, external_id=external_id))
    assert outcome(task) == reason
    assert task.last_error
    assert says in task.last_error.message
    assert site.names("cms.page") == ["/a", "/a/x", "/a/x/y", "/b"]


def test_an_update_that_names_another_alias_renames_the_page_with_everything_below(site: Workbench) -> None:
    assert outcome(done(site, page({"node_alias": "apple"}, UPDATE, external_id="/a"))) == "UPDATED"
    assert site.names("cms.page")[:3] == ["/apple", "/apple/x", "/apple/x/y"]
    guid = UUID(str(site.objects.get("cms.page", ByCodeName("/apple")).guid))
    assert outcome(done(site, page({"node_guid": guid, "node_alias": "first"}, UPDATE))) == "UPDATED"
    assert site.names("cms.page")[:3] == ["/first", "/first/x", "/first/x/y"]


def test_a_page_whose_path_only_begins_like_that_of_a_renamed_one_keeps_its_place(site: Workbench) -> None:
    done(site, page({"node_alias": "ab"}))
    done(site, page({"node_alias": "x", "node_parent_path": "/ab"}))
    done(site, page({"node_alias": "z"}, UPDATE, external_id="/a"))
    assert site.names("cms.page") == ["/z", "/z/x", "/z/x/y", "/b", "/ab", "/ab/x"]


def test_a_rename_does_not_take_over_the_page_that_has_the_alias(site: Workbench) -> None:
    done(site, page({"node_alias": "b", "title": "B"}, UPDATE))
    task = done(site, page({"node_alias": "b", "title": "A"}, UPDATE, external_id="/a"))
    assert outcome(task) == "TARGET_REFUSED"
    assert site.fields_of("cms.page", "/b")["title"] == "B"
    assert site.names("cms.page") == ["/a", "/a/x", "/a/x/y", "/b"]


def test_an_update_that_names_another_parent_leaves_the_page_where_it_is_and_says_so(site: Workbench) -> None:
    done(site, page({"node_alias": "c", "node_guid": GUID}))
    task = done(site, page({"node_guid": GUID, "node_alias": "c", "node_parent_path": "/b"}, UPDATE))
    assert outcome(task) == "UPDATED"
    assert "/c" in site.names("cms.page")
    assert task.result
    assert task.result.notes


def test_pages_have_an_order_among_their_siblings(site: Workbench) -> None:
    def order() -> list[str]:
        with site.database.read() as connection:
            rows = connection.exec_driver_sql(
                "SELECT node_alias FROM cms_tree WHERE node_parent_id IS NULL ORDER BY node_order"
            )
            return [row[0] for row in rows]

    assert order() == ["a", "b"], "a new page comes last"
    done(site, page({"node_alias": "c", "node_order": 1}))
    assert order() == ["c", "a", "b"]
    done(site, page({"node_order": 3}, MOVE, external_id="/a"))
    assert order() == ["c", "b", "a"]
    done(site, page({"node_parent_path": "/", "node_order": 2}, MOVE, external_id="/a/x"))
    assert order() == ["c", "x", "b", "a"]
    assert outcome(done(site, page({"node_alias": "d", "node_order": 0}))) == "TARGET_REFUSED"


@pytest.mark.parametrize(
    ("task_type", "effect", "before", "step"),
    [
        (TaskType.ARCHIVE_DOCUMENT, "ARCHIVED", "published", "archived"),
        (TaskType.REJECT_DOCUMENT, "REJECTED", "published", "edit"),
        (TaskType.PUBLISH_DOCUMENT, "PUBLISHED", "edit", "published"),
    ],
)
def test_the_workflow_moves_one_culture_version(
    site: Workbench, task_type: TaskType, effect: str, before: str, step: str
) -> None:
    done(site, page({"document_workflow_step": before}, UPDATE, external_id="/b"))
    done(site, page({"document_culture": "de-DE", "title": "B"}, external_id="/b", task_type=UPDATE))
    for task in (page({"title": "ignored"}, task_type, external_id="/b"), page({"node_alias": "b"}, task_type)):
        assert outcome(done(site, task)) == effect
    steps = {
        view.fields["document_culture"]: (view.fields["document_workflow_step"], view.fields["title"])
        for view in site.objects.list("cms.page", after_id=0, limit=10)
        if view.code_name == "/b"
    }
    assert steps == {"en-US": (step, ""), "de-DE": ("published", "B")}


@pytest.mark.parametrize("task_type", [TaskType.PUBLISH_DOCUMENT, TaskType.ARCHIVE_DOCUMENT, TaskType.REJECT_DOCUMENT])
@pytest.mark.parametrize(
    ("fields", "external_id"), [({"node_alias": "nothing"}, ""), ({"document_culture": "fr-FR"}, "/b")]
)
def test_a_workflow_action_on_what_is_not_there_is_an_error(
    site: Workbench, task_type: TaskType, fields: dict[str, object], external_id: str
) -> None:
    assert outcome(done(site, page(fields, task_type, external_id=external_id))) == "TARGET_NOT_FOUND"


def test_a_page_may_be_created_in_any_step_but_not_in_an_unknown_one(site: Workbench) -> None:
    done(site, page({"node_alias": "draft", "document_workflow_step": "edit"}))
    assert site.fields_of("cms.page", "/draft")["document_workflow_step"] == "edit"
    assert outcome(done(site, page({"node_alias": "odd", "document_workflow_step": "half"}))) == "CONNECTOR_FAILED"


def test_all_cultures_are_deleted_with_everything_below(site: Workbench) -> None:
    delete = TaskType.DELETE_ALL_CULTURES
    done(site, page({"document_culture": "de-DE"}, external_id="/a", task_type=UPDATE))
    task = done(site, page({}, delete, external_id="/a"))
    assert outcome(task) == "DELETED"
    assert site.names("cms.page") == ["/b"]
    assert task.result
    assert sorted(item.effect.name for item in task.result.touched) == ["DELETED"] * 4
    assert outcome(done(site, page({}, delete, external_id="/a"))) == "NOTHING_TO_DELETE"
    assert outcome(done(site, page({"node_alias": "b"}, delete))) == "DELETED"


def test_a_deep_tree_is_deleted_as_a_whole(site: Workbench) -> None:
    paths = ["/a/x/y" + "/z" * depth for depth in range(150)]
    site.log(*(page({"node_alias": "z", "node_parent_path": path}) for path in paths))
    assert site.process().counts.succeeded == 150
    assert outcome(done(site, page({}, TaskType.DELETE_ALL_CULTURES, external_id="/a"))) == "DELETED"
    assert site.names("cms.page") == ["/b"]


def test_simple_pages_name_their_parent_by_its_internal_id(site: Workbench) -> None:
    with site.database.read() as connection:
        statement = "SELECT node_id FROM cms_tree WHERE node_alias_path = '/b'"
        [node_id] = connection.exec_driver_sql(statement).scalars()
    simple = new_task(
        {"make": "page", "document_culture": "en-US", "node_alias": "s", "node_parent_id": node_id},
        task_type=CREATE,
        data_type=TaskDataType.SIMPLE,
        site="main",
    )
    assert outcome(done(site, simple)) == "CREATED"
    assert "/b/s" in site.names("cms.page")


@pytest.mark.parametrize(
    "task",
    [new_task({"name": "Ada"}, task_type=CREATE), page({"node_alias": "c"}, TaskType.CREATE_OBJECT)],
    ids=["an object for a page task", "a page for an object task"],
)
def test_what_was_prepared_has_to_fit_the_task_type(site: Workbench, task: NewTask) -> None:
    assert outcome(done(site, task)) == "WRONG_OBJECT"
    assert site.names("cms.page") == ["/a", "/a/x", "/a/x/y", "/b"]


def test_an_update_of_a_page_that_is_missing_creates_it_and_says_so(site: Workbench) -> None:
    fields: dict[str, object] = {"node_alias": "c", "node_parent_path": "/b"}
    assert outcome(done(site, page(fields, UPDATE, external_id="c"))) == "CREATED"
    assert outcome(done(site, page(fields | {"document_culture": "de-DE"}, UPDATE, external_id="c"))) == "CREATED"
    assert outcome(done(site, page(fields, UPDATE, external_id="c"))) == "UPDATED"
    assert outcome(done(site, page(fields, CREATE, external_id="c"))) == "UPDATED"


@pytest.mark.parametrize(
    ("place", "awaited"),
    [
        ({"node_parent_path": "/nowhere"}, ("node_parent_path", "/nowhere")),
        ({"node_parent_id": "unknown"}, ("node_parent_id", "unknown")),
    ],
)
def test_an_update_of_a_page_below_a_missing_parent_is_an_error_or_waits(
    site: Workbench, place: dict[str, object], awaited: tuple[str, str]
) -> None:
    task = done(site, page({"node_alias": "c", **place}, UPDATE))
    assert outcome(task) == "PARENT_NOT_FOUND"
    assert task.last_error
    assert task.last_error.field_paths == (awaited[0],)
    assert site.names("cms.page") == ["/a", "/a/x", "/a/x/y", "/b"]
    waiting = replace(page({"node_alias": "d", **place}, UPDATE), missing_key=MissingKeyAction.WAIT)
    site.log(waiting)
    site.act(TaskActionKind.RETRY, waiting.id)
    [key] = site.settled(waiting.id).waiting_for
    assert (key.attribute, key.external_id) == awaited
