"""Snapshots: an object with its children and bindings, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from support.bench import Workbench, new_task

from integrationbus.server.task import MissingKeyAction, NewTask, ProcessType, Task, TaskDataType, TaskState, TaskType

SNAPSHOT = TaskDataType.SNAPSHOT
Fields = Mapping[str, object]


@pytest.fixture
def site(bus: Workbench) -> Workbench:
    """A bus with the site "main" and the roles "admin" and "editor", known by their names."""
    bus.log(new_task({"make": "site", "site_name": "main"}))
    for name in ("admin", "editor"):
        bus.log(new_task({"make": "role", "role_name": name}, external_id=name))
    assert bus.process().counts.succeeded == 3
    return bus


def forum(posts: Sequence[Fields], external_id: str = "f", forum: Fields | None = None, **part: object) -> NewTask:
    """A forum with posts."""
    parts = [{"make": "post", "objects": list(posts), **part}]
    fields = {"make": "forum", "forum_name": "talk", **(forum or {}), "parts": parts}
    return new_task(fields, data_type=SNAPSHOT, external_id=external_id, site="main")


def user(roles: Sequence[str], task_type: TaskType = TaskType.CREATE_OBJECT, **part: object) -> NewTask:
    """A user with roles."""
    parts = [{"make": "user_role", "objects": [{"role_id": role} for role in roles], **part}]
    return new_task({"make": "user", "user_name": "ada", "parts": parts}, data_type=SNAPSHOT, task_type=task_type)


def post(external_id: str, subject: str, answers: str | None = None) -> Fields:
    """A post, perhaps an answer to another."""
    fields = {"external_id": external_id, "post_subject": subject}
    return fields if answers is None else {**fields, "post_parent_id": answers}


def done(bus: Workbench, task: NewTask) -> Task:
    """The task after a run."""
    bus.log(task)
    bus.process(clear_halt=True)
    return bus.task(task.id)


def posts_of(bus: Workbench) -> dict[object, object]:
    """The posts by subject, each with the subject of the one that it answers."""
    found = bus.objects.list("forums.forumpost", after_id=0, limit=1000)
    subjects: dict[object, object] = {view.id: view.fields["post_subject"] for view in found}
    return {view.fields["post_subject"]: subjects.get(view.fields["post_parent_id"]) for view in found}


def roles_of(bus: Workbench) -> list[object]:
    """The ids of the roles that the user has."""
    return sorted(view.fields["role_id"] for view in bus.objects.list("cms.userrole", after_id=0, limit=10))  # type: ignore[type-var] # ids


def test_children_are_written_below_their_parent(site: Workbench) -> None:
    task = done(site, forum([post("1", "Hello"), post("2", "Bye")]))
    assert task.result
    assert task.result.effect.name == "CREATED"
    assert [(item.object_type, item.effect.name) for item in task.result.touched] == [
        ("forums.forumpost", "CREATED"),
        ("forums.forumpost", "CREATED"),
    ]
    forums = site.objects.list("forums.forum", after_id=0, limit=10)
    found = site.objects.list("forums.forumpost", after_id=0, limit=10)
    assert {view.fields["post_forum_id"] for view in found} == {forums[0].id}


def test_keys_may_point_at_what_comes_later_in_the_same_snapshot(site: Workbench) -> None:
    done(
        site, forum([post("2", "Answer", answers="1"), post("3", "Answer to the answer", answers="2"), post("1", "Q")])
    )
    assert posts_of(site) == {"Q": None, "Answer": "Q", "Answer to the answer": "Answer"}


def test_what_a_complete_snapshot_does_not_mention_is_deleted(site: Workbench) -> None:
    done(site, forum([post("1", "One"), post("2", "Two")]))
    task = done(site, forum([post("2", "Two!"), post("3", "Three")]))
    assert posts_of(site) == {"Two!": None, "Three": None}
    assert task.result
    assert [item.effect.name for item in task.result.touched] == ["UPDATED", "CREATED", "DELETED"]


def test_what_an_incremental_snapshot_does_not_mention_is_kept(site: Workbench) -> None:
    done(site, forum([post("1", "One")]))
    done(site, forum([post("2", "Two")], handling="INCREMENTAL"))
    assert posts_of(site) == {"One": None, "Two": None}
    done(site, forum([]))
    assert posts_of(site) == {}


def test_bindings_are_written_and_deleted_like_children(site: Workbench) -> None:
    done(site, user(["admin", "editor"]))
    assert len(roles_of(site)) == 2
    done(site, user(["editor"], task_type=TaskType.UPDATE_OBJECT))
    assert len(roles_of(site)) == 1
    done(site, user(["admin"], handling="INCREMENTAL"))
    assert len(roles_of(site)) == 2


def test_a_binding_whose_other_end_is_missing_is_left_out(site: Workbench) -> None:
    task = done(site, user(["admin", "boss"]))
    assert task.state is TaskState.SUCCEEDED
    assert len(roles_of(site)) == 1
    assert task.result
    [note] = task.result.notes
    assert "a cms.userrole was left out" in note
    assert "boss" in note


def test_a_part_that_is_left_out_is_left_alone(site: Workbench) -> None:
    done(site, user(["admin", "editor"]))
    bare = {"make": "user", "user_name": "ada", "full_name": "Ada", "parts": [{"make": "user_site", "objects": []}]}
    task = done(site, new_task(bare, data_type=SNAPSHOT))
    assert task.result
    assert task.result.touched == (), "its sites were named, of which there are none, and its roles were not"
    assert (len(roles_of(site)), site.fields_of("cms.user", "ada")["full_name"]) == (2, "Ada")


def test_a_child_that_fails_leaves_the_parent_as_it_was(site: Workbench) -> None:
    done(site, forum([post("1", "One")]))
    bad = forum([post("1", "Changed"), {"post_subject": "nothing to find it by"}], forum={"forum_description": "new"})
    others = [new_task({"name": name}) for name in ("before", "after")]
    site.log(others[0], replace(bad, process_type=ProcessType.DELETE_ON_ERROR), others[1])
    site.process()
    error = site.task(bad.id).last_error
    assert error
    assert error.reason == "IDENTITY_MISSING"
    assert (posts_of(site), site.fields_of("forums.forum", "talk")["forum_description"]) == ({"One": None}, "")
    assert site.names("test.person") == ["before", "after"]


def test_a_child_whose_key_is_missing_makes_the_whole_snapshot_wait(site: Workbench) -> None:
    def club(**child: object) -> NewTask:
        fields = {"make": "group", "group_name": "club", "group_description": "new"}
        parts = [{"make": "forum", "objects": [{"forum_name": "talk", **child}]}]
        task = new_task({**fields, "parts": parts}, data_type=SNAPSHOT, site="main")
        return replace(task, missing_key=MissingKeyAction.WAIT)

    done(site, new_task({"make": "group", "group_name": "club"}, site="main"))
    task = done(site, club(forum_site_id="9"))
    [key] = task.waiting_for
    assert (key.object_type, key.external_id, key.attribute) == ("cms.site", "9", "forum_site_id")
    assert (site.names("forums.forum"), site.fields_of("community.group", "club")["group_description"]) == ([], "")
    done(site, new_task({"make": "site", "site_name": "blog"}, external_id="9"))
    assert site.settled(task.id).state is TaskState.SUCCEEDED
    assert site.fields_of("community.group", "club")["group_description"] == "new"
    assert site.names("forums.forum") == ["talk"]


def test_a_snapshot_waits_as_a_whole(site: Workbench) -> None:
    site.log(new_task({"make": "group", "group_name": "club"}, site="main"))
    fields = {"make": "forum", "forum_name": "talk", "forum_group_id": "g", "parts": []}
    task = new_task(fields, data_type=SNAPSHOT, site="main", missing_key=MissingKeyAction.WAIT)
    done(site, task)
    assert site.task(task.id).state is TaskState.WAITING
    assert site.names("forums.forum") == []
    done(site, new_task({"make": "group", "group_name": "club"}, site="main", external_id="g"))
    assert site.settled(task.id).state is TaskState.SUCCEEDED


def test_children_of_children_are_written_as_well(site: Workbench) -> None:
    def club(*posts: Fields) -> NewTask:
        forums = [{"forum_name": "talk", "parts": [{"make": "post", "objects": list(posts)}]}]
        fields = {"make": "group", "group_name": "club", "parts": [{"make": "forum", "objects": forums}]}
        return new_task(fields, data_type=SNAPSHOT, site="main")

    done(site, club(post("1", "Deep"), post("2", "Deeper", answers="1")))
    assert posts_of(site) == {"Deep": None, "Deeper": "Deep"}
    [group] = site.objects.list("community.group", after_id=0, limit=10)
    assert site.fields_of("forums.forum", "talk")["forum_group_id"] == group.id
    done(site, club(post("2", "Alone")))
    assert posts_of(site) == {"Alone": None}


def test_two_parts_of_one_class_are_one_and_do_not_delete_each_other(site: Workbench) -> None:
    parts = [{"make": "post", "objects": [post("1", "One")]}, {"make": "post", "objects": [post("2", "Two")]}]
    fields = {"make": "forum", "forum_name": "talk", "parts": parts}
    task = done(site, new_task(fields, data_type=SNAPSHOT, site="main"))
    assert task.state is TaskState.SUCCEEDED
    assert posts_of(site) == {"One": None, "Two": None}


def test_a_child_that_is_mentioned_twice_is_one(site: Workbench) -> None:
    task = done(site, forum([post("1", "One"), {**post("1", "One"), "post_text": "again"}]))
    assert task.state is TaskState.SUCCEEDED
    assert posts_of(site) == {"One": None}


def test_children_that_move_up_by_one_name_do_not_delete_what_was_just_written(site: Workbench) -> None:
    def club(*names: str) -> NewTask:
        forums = [{"external_id": str(number), "forum_name": name} for number, name in enumerate(names)]
        fields = {"make": "group", "group_name": "club", "parts": [{"make": "forum", "objects": forums}]}
        return new_task(fields, data_type=SNAPSHOT, external_id="g", site="main")

    done(site, club("a", "b"))
    assert done(site, club("b", "c")).state is TaskState.SUCCEEDED
    assert sorted(site.names("forums.forum")) == ["b", "c"]


def test_hundreds_of_children_that_answer_each_other_come_at_once_and_go_at_once(site: Workbench) -> None:
    chain = [post(str(number), f"s{number}", answers=str(number + 1)) for number in range(200)]
    assert done(site, forum(chain)).state is TaskState.SUCCEEDED
    assert len(posts_of(site)) == 200
    assert done(site, forum([])).state is TaskState.SUCCEEDED
    assert posts_of(site) == {}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"parts": [{"make": "role", "objects": []}]}, "cms.role is no part of cms.user; its parts are: cms.userrole"),
        (
            {"parts": [{"make": "user_role", "objects": [], "through": "role_id"}]},
            "no part of cms.user through role_id",
        ),
        ({"parts": [{"make": "user_role", "objects": [{"user_id": "1"}]}]}, "user_id is set by the bus"),
    ],
)
def test_parts_that_do_not_fit_are_refused(site: Workbench, fields: Fields, says: str) -> None:
    task = done(site, new_task({"make": "user", "user_name": "ada", **fields}, data_type=SNAPSHOT))
    assert task.last_error
    assert (task.last_error.reason, says in task.last_error.message) == ("WRONG_OBJECT", True)


def test_parts_stay_out_of_a_task_that_is_no_snapshot(site: Workbench) -> None:
    parts = [{"make": "user_role", "objects": [{"role_id": "admin"}]}]
    task = done(site, new_task({"make": "user", "user_name": "ada", "parts": parts}))
    assert task.result
    assert task.result.notes == ("its children and bindings were left out: the task is a SIMPLE_SNAPSHOT",)
    assert roles_of(site) == []


def test_a_snapshot_can_be_deleted(site: Workbench) -> None:
    done(site, user(["admin"]))
    task = done(site, user(["admin"], task_type=TaskType.DELETE_OBJECT))
    assert task.result
    assert [(item.object_type, item.effect.name) for item in task.result.touched] == [("cms.userrole", "DELETED")]
    assert site.names("cms.user") == []
