"""What people see of tasks that were given no title."""

from support.served import Served
from support.specs import text_record

from integrationbus.v1 import enums_pb2
from integrationbus.v1.payload_pb2 import Payload
from integrationbus.v1.task_pb2 import TaskFilter, TaskSpec
from integrationbus.v1.task_service_pb2 import ListTasksRequest, LogTaskRequest, LogTasksRequest, WatchTasksRequest

TITLES = {
    ("CREATE_OBJECT", "cms.user"): "Create cms.user 7",
    ("UPDATE_OBJECT", ""): "Update object 7",
    ("DELETE_OBJECT", ""): "Delete object 7",
    ("ADD_TO_SITE", "cms.user"): "Add cms.user 7 to a site",
    ("REMOVE_FROM_SITE", ""): "Remove object 7 from a site",
    ("CREATE_DOCUMENT", ""): "Create page 7",
    ("UPDATE_DOCUMENT", "cms.page"): "Update cms.page 7",
    ("DELETE_DOCUMENT", ""): "Delete page 7",
    ("DELETE_ALL_CULTURES", ""): "Delete page 7 in all cultures",
    ("MOVE_DOCUMENT", ""): "Move page 7",
    ("PUBLISH_DOCUMENT", ""): "Publish page 7",
    ("ARCHIVE_DOCUMENT", "cms.page"): "Archive cms.page 7",
    ("REJECT_DOCUMENT", ""): "Reject page 7",
}


def spec(name: str, object_type: str) -> TaskSpec:
    """A task of a connector that nothing starts."""
    return TaskSpec(
        connector="notified",
        task_type=enums_pb2.TaskType.Value(f"TASK_TYPE_{name}"),
        object_type=object_type,
        external_id="7",
        site="" if name.endswith("_OBJECT") else "main",
        payload=Payload(record=text_record(name="x")),
    )


async def test_a_title_says_what_is_to_be_done_with_what(served: Served) -> None:
    assert {name for name, _ in TITLES} == {name.removeprefix("TASK_TYPE_") for name in enums_pb2.TaskType.keys()[1:]}
    bare = spec("REMOVE_FROM_SITE", "cms.user")
    bare.external_id = ""
    first = await served.tasks.LogTask(LogTaskRequest(task=bare))
    await served.tasks.LogTasks(LogTasksRequest(tasks=[spec(*each) for each in TITLES]))
    listed = (await served.tasks.ListTasks(ListTasksRequest(page_size=50))).tasks
    assert sorted(task.title for task in listed) == sorted(["Remove cms.user from a site", *TITLES.values()])
    task_filter = TaskFilter(connectors=["notified"])
    watch = served.tasks.WatchTasks(WatchTasksRequest(filter=task_filter, resume_token=first.resume_token))
    seen: list[str] = []
    async for message in watch:
        seen += [change.title for change in message.changes.changes]
        if len(seen) >= len(TITLES):
            break
    watch.cancel()
    assert seen == list(TITLES.values())
