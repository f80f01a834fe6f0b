"""What a waiting task waits for comes in many ways: renamed, moved, in another culture, or as a default."""

from dataclasses import replace
from uuid import UUID

import pytest
from support.bench import Workbench, new_task

from integrationbus.connectors.keys import DocumentParams, ObjectParams
from integrationbus.server.run import RunState
from integrationbus.server.task import MissingKeyAction, NewTask, ProcessType, TaskDataType, TaskState, TaskType

WAIT = MissingKeyAction.WAIT
UPDATE = TaskType.UPDATE_OBJECT
CREATE_PAGE, UPDATE_PAGE = TaskType.CREATE_DOCUMENT, TaskType.UPDATE_DOCUMENT
GUID = UUID(int=7)
LONG = "x" * 1500
WIDE = "".join(chr(0x4E00 + number * 7) for number in range(999))


@pytest.fixture
def site(bus: Workbench) -> Workbench:
    """A bus with the site "main", known by that name."""
    done(bus, new_task({"make": "site", "site_name": "main"}, external_id="main"))
    return bus


def page(fields: dict[str, object], task_type: TaskType = CREATE_PAGE, external_id: str = "") -> NewTask:
    return new_task(
        {"make": "page", "document_culture": "en-US", **fields},
        task_type=task_type,
        site="main",
        external_id=external_id,
    )


def done(bus: Workbench, *tasks: NewTask) -> None:
    """Log tasks, and see a run through."""
    bus.log(*tasks)
    bus.process(clear_halt=True)


def waits(bus: Workbench, task: NewTask) -> NewTask:
    """The task, after it began to wait."""
    waiting = replace(task, missing_key=WAIT)
    done(bus, waiting)
    assert bus.task(waiting.id).state is TaskState.WAITING
    return waiting


def forum(name: str, **fields: object) -> NewTask:
    return new_task({"make": "forum", "forum_name": name, **fields}, site="main", external_id="f")


def posting(subject: str, task_type: TaskType = UPDATE, **fields: object) -> NewTask:
    return new_task({"make": "post", "post_subject": subject, **fields}, external_id="1", task_type=task_type)


def snapshot(subject: str, **fields: object) -> NewTask:
    """A forum with one post."""
    parts = [{"make": "post", "objects": [{"external_id": "1", "post_subject": subject}]}]
    task = forum("talk", parts=parts, **fields)
    return replace(task, data_type=TaskDataType.SNAPSHOT, missing_key=WAIT)


def subject_of_the_post(bus: Workbench) -> object:
    [post] = bus.objects.list("forums.forumpost", after_id=0, limit=10)
    return post.fields["post_subject"]


def test_a_parent_page_is_there_once_it_has_the_culture(site: Workbench) -> None:
    done(site, page({"node_guid": GUID, "node_alias": "a"}, external_id="a"))
    site.people.params["7", "cms.page"] = DocumentParams(node_guid=GUID, culture_code="de-DE", site_name="main")
    waiting = waits(site, page({"node_alias": "b", "node_parent_id": "7"}))
    done(site, page({"document_culture": "de-DE"}, UPDATE_PAGE, external_id="a"))
    assert site.settled(waiting.id).state is TaskState.SUCCEEDED


def test_a_forum_is_there_once_it_has_moved_to_the_group(site: Workbench) -> None:
    done(site, *(new_task({"make": "group", "group_name": name}, site="main", external_id=name) for name in "gh"))
    done(site, forum("talk", forum_group_id="g"))
    site.people.params["x", "forums.forum"] = ObjectParams(code_name="talk", group_id="h")
    waiting = waits(site, posting("s", TaskType.CREATE_OBJECT, post_forum_id="x"))
    done(site, replace(forum("talk", forum_group_id="h"), task_type=UPDATE))
    assert site.settled(waiting.id).state is TaskState.SUCCEEDED


def test_a_site_that_gets_its_name_calls_those_who_wait_for_its_pages(site: Workbench) -> None:
    done(site, page({"node_guid": GUID, "node_alias": "a"}, external_id="a"))
    site.people.params["7", "cms.page"] = DocumentParams(node_guid=GUID, culture_code="en-US", site_name="shop")
    waiting = waits(site, page({"node_alias": "b", "node_parent_id": "7"}))
    done(site, new_task({"make": "site", "site_name": "shop"}, external_id="main", task_type=UPDATE))
    assert site.settled(waiting.id).attempt_count == 2


def test_the_default_object_calls_those_who_can_do_with_it(bus: Workbench) -> None:
    waiting = waits(bus, new_task({"name": "p1", "team_id": "8"}))
    done(bus, new_task({"make": "team", "name": "nobody"}))
    assert bus.settled(waiting.id).state is TaskState.SUCCEEDED


def test_a_later_task_about_a_part_waits_behind_the_snapshot(site: Workbench) -> None:
    done(site, snapshot("one"))
    earlier = waits(site, snapshot("two", forum_group_id="g"))
    later = posting("three")
    done(site, later)
    done(site, new_task({"make": "group", "group_name": "club"}, site="main", external_id="g"))
    assert [site.settled(task.id).state.name for task in (earlier, later)] == ["SUCCEEDED"] * 2
    assert subject_of_the_post(site) == "three"


def test_a_later_snapshot_waits_behind_a_task_about_one_of_its_parts(site: Workbench) -> None:
    done(site, snapshot("one"))
    site.people.params["x", "forums.forum"] = ObjectParams(code_name="other")
    earlier, later = waits(site, posting("two", post_forum_id="x")), snapshot("three")
    done(site, later)
    done(site, new_task({"make": "forum", "forum_name": "other"}, site="main"))
    assert [site.settled(task.id).state.name for task in (earlier, later)] == ["SUCCEEDED"] * 2
    assert subject_of_the_post(site) == "three"


@pytest.mark.parametrize("name", ["a\0b", LONG, WIDE], ids=["nul", "long", "wide"])
def test_a_task_with_an_odd_name_may_wait_and_interrupts_nothing(bus: Workbench, name: str) -> None:
    bus.log(new_task({"name": name, "boss_id": "9"}, missing_key=WAIT))
    assert bus.process().state in (RunState.COMPLETED, RunState.HALTED)


def test_an_odd_name_is_refused_also_while_others_wait(bus: Workbench) -> None:
    waits(bus, new_task({"name": "w", "boss_id": "9"}))
    odd = new_task({"name": "a\0b"})
    done(bus, odd)
    error = bus.task(odd.id).last_error
    assert error
    assert error.reason == "TARGET_REFUSED"


@pytest.mark.parametrize("boss", [LONG, WIDE], ids=["long", "wide"])
def test_what_follows_a_task_that_misses_a_long_key_is_processed(bus: Workbench, boss: str) -> None:
    odd = new_task({"name": "a", "boss_id": boss}, missing_key=WAIT, process_type=ProcessType.SKIP_ON_ERROR)
    other = new_task({"name": "b"})
    bus.log(odd, other)
    assert bus.process().state is RunState.COMPLETED
    assert bus.task(other.id).state is TaskState.SUCCEEDED
