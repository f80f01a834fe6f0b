"""Pages: the tree, cultures, deletion."""

from dataclasses import replace
from uuid import UUID

import pytest
from support.bench import Workbench, new_task
from support.databases import EVERYWHERE

from integrationbus.server.task import NewTask, TaskDataType, TaskType

pytestmark = pytest.mark.parametrize("database_url", EVERYWHERE, indirect=True)

CREATE, DELETE = TaskType.CREATE_DOCUMENT, TaskType.DELETE_DOCUMENT
GUID = UUID(int=7)


@pytest.fixture
def site(bus: Workbench) -> Workbench:
    """A bus with the site "main"."""
    bus.log(new_task({"make": "site", "site_name": "main", "site_display_name": "Main"}))
    assert bus.process().counts.succeeded == 1
    return bus


def page(fields: dict[str, object], task_type: TaskType = CREATE, external_id: str = "") -> NewTask:
    return new_task(
        {"make": "page", "document_culture": "en-US", **fields},
        task_type=task_type,
        site="main",
        external_id=external_id,
    )


def test_a_page_is_put_below_its_parent_and_found_by_its_path(site: Workbench) -> None:
    site.log(
        page({"node_alias": "products", "title": "Products"}),
        page({"node_alias": "tea", "node_parent_path": "/products", "title": "Tea"}),
        page({"node_alias": "tea", "node_parent_path": "/products", "title": "Green tea"}),
    )
    assert site.process().counts.succeeded == 3
    assert site.fields_of("cms.page", "/products/tea")["title"] == "Green tea"
    assert site.names("cms.page") == ["/products", "/products/tea"]


def test_a_page_has_a_version_for_each_culture_and_goes_with_its_last_one(site: Workbench) -> None:
    german = {"node_guid": GUID, "document_culture": "de-DE"}
    site.log(
        page({"node_alias": "a", "node_guid": GUID, "title": "Tea"}),
        page({**german, "title": "Tee"}),
        page({"node_guid": GUID}, DELETE),
    )
    assert site.process().counts.succeeded == 3
    assert site.fields_of("cms.page", "/a")["title"] == "Tee"
    site.log(page(german, DELETE), page(german, DELETE))
    site.process()
    assert site.names("cms.page") == []
    assert [task.result.effect.name for task in site.all_tasks() if task.result][-2:] == [
        "DELETED",
        "NOTHING_TO_DELETE",
    ]


def test_a_missing_parent_fails_the_task(site: Workbench) -> None:
    task = page({"node_alias": "tea", "node_parent_path": "/nowhere"})
    site.log(task)
    site.process()
    error = site.task(task.id).last_error
    assert error
    assert error.reason == "PARENT_NOT_FOUND"


def test_the_parent_may_be_named_by_its_external_id(site: Workbench) -> None:
    site.log(page({"node_alias": "a"}, external_id="10"), page({"node_alias": "b", "node_parent_id": 10}))
    assert site.process().counts.succeeded == 2
    assert site.names("cms.page") == ["/a", "/a/b"]


def test_an_unknown_site_fails_the_task(bus: Workbench) -> None:
    task = page({"node_alias": "a"})
    bus.log(task)
    bus.process()
    error = bus.task(task.id).last_error
    assert error
    assert error.reason == "SITE_NOT_FOUND"


def test_a_page_takes_the_pages_below_it_along(site: Workbench) -> None:
    site.log(
        page({"node_alias": "a"}),
        page({"node_alias": "b", "node_parent_path": "/a"}),
        page({"node_alias": "c", "node_parent_path": "/a/b"}),
        page({"node_alias": "a"}, DELETE),
    )
    assert site.process().counts.succeeded == 4
    assert site.names("cms.page") == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"title": "nameless"}, "IDENTITY_MISSING"),
        ({"node_alias": "a", "document_culture": ""}, "IDENTITY_MISSING"),
        ({"node_guid": GUID, "title": "no alias"}, "IDENTITY_MISSING"),
        ({"node_alias": "a/b"}, "TARGET_REFUSED"),
        ({"node_alias": "a", "node_guid": "seven"}, "WRONG_OBJECT"),
        ({"node_alias": 7}, "WRONG_OBJECT"),
        ({"node_alias": "a", "node_parent_id": "9", "node_parent_path": "/x"}, "WRONG_OBJECT"),
        ({"node_alias": "a", "node_parent_id": "9"}, "PARENT_NOT_FOUND"),
        ({"node_alias": "a", "document_node_id": 1}, "WRONG_OBJECT"),
    ],
)
def test_a_page_without_a_place_is_refused(site: Workbench, fields: dict[str, object], reason: str) -> None:
    task = page(fields)
    site.log(task)
    site.process()
    error = site.task(task.id).last_error
    assert error
    assert error.reason == reason


def test_a_simple_page_task_names_its_parent_by_internal_id(site: Workbench) -> None:
    site.log(page({"node_alias": "a"}))
    site.process()
    below = replace(page({"node_alias": "b", "node_parent_id": 1}), data_type=TaskDataType.SIMPLE)
    wrong = replace(page({"node_alias": "c", "node_parent_id": "x"}), data_type=TaskDataType.SIMPLE)
    site.log(below, wrong)
    site.process()
    assert site.names("cms.page") == ["/a", "/a/b"]
    assert site.states([below.id, wrong.id]) == ["SUCCEEDED", "FAILED"]


def test_a_page_whose_parent_is_gone_is_gone_too(site: Workbench) -> None:
    below: dict[str, object] = {"node_alias": "b", "node_parent_path": "/a"}
    site.log(page({"node_alias": "a"}), page(below), page({"node_alias": "a"}, DELETE), page(below, DELETE))
    assert site.process().counts.succeeded == 4
    assert [task.result.effect.name for task in site.all_tasks() if task.result][-1] == "NOTHING_TO_DELETE"
