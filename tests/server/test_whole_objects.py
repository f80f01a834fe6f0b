"""What a preview tells is what the task then does, and what the watchers of objects see, part by part."""

from collections.abc import Iterable, Sequence

from support.served import serve

from integrationbus.client import (
    AsyncClient,
    MissingKeyAction,
    NewTask,
    ObjectChange,
    TaskDataType,
    TaskEffect,
    TaskState,
    TaskType,
    TouchedObject,
)

CONNECTORS = ["support.people:PeopleConnector"]
TYPES = (
    "cms.site",
    "cms.user",
    "cms.usersite",
    "cms.page",
    "forums.forum",
    "forums.forumpost",
    "test.person",
    "test.team",
)
CREATED, UPDATED, DELETED = TaskEffect.CREATED, TaskEffect.UPDATED, TaskEffect.DELETED
Touched = list[tuple[str, TaskEffect]]


def task(make: str, task_type: TaskType, external_id: str, site: str = "", **fields: object) -> NewTask:
    return NewTask("people", task_type, {"make": make, **fields}, external_id=external_id, site=site)


def forum(*subjects: str) -> NewTask:
    """A snapshot of a forum with posts."""
    posts: list[dict[str, object]] = [{"external_id": subject, "post_subject": subject} for subject in subjects]
    fields = {"make": "forum", "forum_name": "talk", "parts": [{"make": "post", "objects": posts}]}
    return NewTask(
        "people", TaskType.CREATE_OBJECT, fields, external_id="f", site="main", data_type=TaskDataType.SNAPSHOT
    )


def page(path: str, task_type: TaskType) -> NewTask:
    parent, _, alias = path.rpartition("/")
    return task("page", task_type, path, "main", node_alias=alias, node_parent_path=parent, document_culture="en-US")


def person(name: str, **keys: str) -> NewTask:
    return task("person", TaskType.CREATE_OBJECT, name, name=name, **keys)


STEPS: tuple[tuple[NewTask, TaskEffect, Touched], ...] = (
    (task("site", TaskType.CREATE_OBJECT, "main", site_name="main"), CREATED, []),
    # A snapshot: its children, and the one that the next snapshot does not mention.
    (forum("p1", "p2"), CREATED, [("forums.forumpost", CREATED)] * 2),
    (forum("p1", "p3"), UPDATED, [("forums.forumpost", effect) for effect in (UPDATED, CREATED, DELETED)]),
    # Sites, with the binding that joins the object to them.
    (task("user", TaskType.ADD_TO_SITE, "u", "main", user_name="ada"), CREATED, [("cms.usersite", CREATED)]),
    (
        task("user", TaskType.REMOVE_FROM_SITE, "u", "main", user_name="ada"),
        TaskEffect.REMOVED_FROM_SITE,
        [("cms.usersite", DELETED)],
    ),
    (task("user", TaskType.ADD_TO_SITE, "u", "main", user_name="ada"), UPDATED, [("cms.usersite", CREATED)]),
    # Pages, and what goes with one.
    (page("/a", TaskType.CREATE_DOCUMENT), CREATED, []),
    (page("/a/x", TaskType.CREATE_DOCUMENT), CREATED, []),
    (page("/a", TaskType.UPDATE_DOCUMENT), UPDATED, []),
    (page("/a", TaskType.DELETE_DOCUMENT), DELETED, [("cms.page", DELETED)]),
    # Deletions, with what needs the object and what only points at it.
    (person("Ada"), CREATED, []),
    (person("Bob", boss_id="Ada"), CREATED, []),
    (person("Cy", friend_id="Ada"), CREATED, []),
    (
        task("person", TaskType.DELETE_OBJECT, "Ada", name="Ada"),
        DELETED,
        [("test.person", DELETED), ("test.person", UPDATED)],
    ),
    (task("user", TaskType.DELETE_OBJECT, "u", user_name="ada"), DELETED, [("cms.usersite", DELETED)]),
    (
        task("forum", TaskType.DELETE_OBJECT, "f", "main", forum_name="talk"),
        DELETED,
        [("forums.forumpost", DELETED)] * 2,
    ),
)


def told(changes: Iterable[TouchedObject | ObjectChange]) -> Touched:
    return sorted((change.object_type, change.effect) for change in changes)


async def stored(client: AsyncClient) -> list[tuple[str, int, Sequence[object]]]:
    """Every object with what is in its columns."""
    return [
        (name, item.id, sorted(map(repr, item.fields.items())))
        for name in TYPES
        async for item in client.list_objects(name)
    ]


async def test_a_preview_tells_what_the_task_then_does_and_watchers_see_all_of_it(database_url: str) -> None:
    async with serve(database_url, CONNECTORS) as served, AsyncClient(served.address, application="ops") as client:
        async with client.watch_objects(with_objects=True) as changes:
            for number, (new, effect, touched) in enumerate(STEPS):
                before = await stored(client)
                preview = await client.preview_task(
                    new.connector,
                    new.task_type,
                    new.payload,
                    external_id=new.external_id,
                    site=new.site,
                    data_type=new.data_type,
                )
                assert preview.result is not None, (number, preview.problem)
                assert (preview.result.effect, told(preview.result.touched)) == (effect, sorted(touched)), number
                assert await stored(client) == before, number
                [logged] = (await client.log_tasks([new])).logged
                main, *others = [await anext(changes) for _ in range(1 + len(touched))]
                assert (main.object_type, main.external_id, main.effect) == (
                    preview.object_type,
                    new.external_id,
                    effect,
                )
                assert told(others) == sorted(touched), number
                assert {change.task_id for change in (main, *others)} == {logged.id}
                for change in (main, *others):
                    assert (change.object is None) is (change.effect is DELETED), "as it is then"
        assert [name for name, *_ in await stored(client)] == ["cms.site", "test.person"]


async def test_a_preview_of_a_task_that_would_wait_says_for_what(database_url: str) -> None:
    async with serve(database_url, CONNECTORS) as served, AsyncClient(served.address, application="ops") as client:
        for missing_key in MissingKeyAction:
            preview = await client.preview_task(
                "people",
                TaskType.CREATE_OBJECT,
                {"name": "Ada", "boss_id": 9},
                external_id=1,
                missing_key=missing_key,
            )
            assert preview.result is None
            assert preview.problem is not None
            assert (preview.problem.reason, preview.problem.field_paths) == ("KEY_NOT_FOUND", ("boss_id",))
        wait = MissingKeyAction.WAIT
        logged = await client.log_task(
            "people", TaskType.CREATE_OBJECT, {"name": "Ada", "boss_id": 9}, external_id=1, missing_key=wait
        )
        async with client.watch(snapshot=True, task_ids=logged.id, states=TaskState.WAITING) as states:
            await anext(states)
        behind = await client.preview_task("people", TaskType.UPDATE_OBJECT, {"name": "Ada"}, external_id=1)
        assert behind.problem is not None
        assert "an earlier task about the same object waits" in behind.problem.message
