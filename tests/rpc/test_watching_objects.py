"""WatchObjects: every change of an object, with the task that made it."""

import asyncio
import json
from collections.abc import Sequence

import grpc
import pytest
from sqlalchemy import text
from support.served import Refusal, Served
from support.specs import log_request, person

from integrationbus.v1 import enums_pb2, task_pb2
from integrationbus.v1.enums_pb2 import TASK_EFFECT_CREATED, TASK_EFFECT_DELETED, TASK_EFFECT_UPDATED
from integrationbus.v1.notify_service_pb2 import RequestTasksProcessingRequest, WatchRunRequest
from integrationbus.v1.object_service_pb2 import (
    GetObjectRequest,
    ObjectChange,
    WatchObjectsRequest,
    WatchObjectsResponse,
)
from integrationbus.v1.task_pb2 import TaskSpec
from integrationbus.v1.task_service_pb2 import LogTasksRequest

DELETE = enums_pb2.TASK_TYPE_DELETE_OBJECT


class Watch:
    """A watch that keeps its token as clients should."""

    def __init__(self, served: Served, request: WatchObjectsRequest | None = None) -> None:
        self.token = task_pb2.ResumeToken()
        self._call = served.objects.WatchObjects(request or WatchObjectsRequest())
        self._messages = aiter(self._call)

    async def next(self) -> WatchObjectsResponse:
        message = await anext(self._messages)
        self.token.MergeFrom(message.resume_token)
        return message

    async def changes(self, number: int) -> list[ObjectChange]:
        """So many changes or a few more: those of whole messages."""
        changes: list[ObjectChange] = []
        while len(changes) < number:
            changes += (await self.next()).changes.changes
        return changes

    def cancel(self) -> None:
        self._call.cancel()


def deletion(name: str) -> TaskSpec:
    spec = person(name)
    spec.task_type = DELETE
    return spec


def team(name: str) -> TaskSpec:
    return person(name, make="team")


async def log(served: Served, *tasks: TaskSpec) -> task_pb2.ResumeToken:
    return (await served.tasks.LogTasks(LogTasksRequest(tasks=tasks))).resume_token


def told(changes: Sequence[ObjectChange]) -> list[tuple[str, str, int]]:
    return [(change.object_type, change.external_id, change.effect) for change in changes]


async def test_the_target_of_every_task_that_succeeded_is_told(served: Served) -> None:
    watch = Watch(served)
    assert (await watch.next()).HasField("checkpoint")
    assert "people" in watch.token.positions
    receipt = await served.tasks.LogTask(log_request("Ada"))
    [change] = await watch.changes(1)
    stored = await served.objects.GetObject(GetObjectRequest(object_type="test.person", code_name="Ada"))
    assert (change.object_id, change.task_id) == (stored.object.id, receipt.task.id)
    assert (change.connector, change.run_id != "", change.HasField("object")) == ("people", True, False)
    assert change.occurred_at.seconds > 0
    await log(served, person("Ada"), deletion("Nobody"), team("A"), deletion("Ada"))
    assert told(await watch.changes(3)) == [
        ("test.person", "Ada", TASK_EFFECT_UPDATED),
        ("test.team", "A", TASK_EFFECT_CREATED),
        ("test.person", "Ada", TASK_EFFECT_DELETED),
    ], "a deletion of nothing changes no object"


async def test_filters_let_through_what_they_name(served: Served) -> None:
    teams = Watch(served, WatchObjectsRequest(object_types=["test.team"]))
    others = Watch(served, WatchObjectsRequest(connectors=["notified"]))
    await teams.next()
    assert set((await others.next()).resume_token.positions) == {"notified"}
    await log(served, person("Ada"), team("A"), person("Bob"), team("B"))
    assert [change.external_id for change in await teams.changes(2)] == ["A", "B"]
    others.cancel()


async def test_a_watch_goes_on_from_its_token_without_a_gap_or_a_repetition(served: Served) -> None:
    token = await log(served, *(person(f"p{number}") for number in range(300)))
    watch = Watch(served, WatchObjectsRequest(resume_token=token))
    seen = await watch.changes(120)
    watch.cancel()
    resumed = Watch(served, WatchObjectsRequest(resume_token=watch.token))
    await resumed.next()
    seen += await resumed.changes(300 - len(seen))
    assert [change.external_id for change in seen] == [f"p{number}" for number in range(300)]


async def test_objects_come_along_as_they_are_now(served: Served) -> None:
    token = await log(served, person("Ada"), person("Bob"), team("A"), deletion("Ada"))
    await Watch(served, WatchObjectsRequest(resume_token=token)).changes(4)
    watch = Watch(served, WatchObjectsRequest(resume_token=token, include_objects=True))
    ada, bob, a, gone = await watch.changes(4)
    assert (ada.HasField("object"), gone.HasField("object")) == (False, False), "neither is there any more"
    assert bob.object.fields.fields["name"].string_value == "Bob"
    assert (a.object.object_type, a.object.id) == ("test.team", a.object_id)


async def processed(served: Served, *tasks: TaskSpec) -> task_pb2.ResumeToken:
    """Where a watch of these tasks starts; nobody has watched so far, so that it reads what the table holds."""
    token = await log(served, *tasks)
    request = RequestTasksProcessingRequest(connectors=["notified"])
    [ticket] = (await served.notify.RequestTasksProcessing(request)).tickets
    async for _ in served.notify.WatchRun(WatchRunRequest(run_id=ticket.run.id)):
        pass
    return token


def touch(served: Served, sequence: int, touched: Sequence[tuple[str, int, int]]) -> None:
    """Let a task have touched other objects."""
    with served.app.opened.database.write() as connection:
        statement = text("UPDATE task_event SET touched = :touched WHERE state = 4 AND sequence = :sequence")
        connection.execute(statement, {"touched": json.dumps(touched), "sequence": sequence})


async def test_what_a_task_touched_besides_its_target_is_told_after_it(served: Served) -> None:
    token = await processed(served, person("A", "notified", make="team"), person("Ada", "notified"))
    team_a = await served.objects.GetObject(GetObjectRequest(object_type="test.team", code_name="A"))
    touched = [("test.team", team_a.object.id, TASK_EFFECT_UPDATED), ("test.gone", 7, TASK_EFFECT_DELETED)]
    touch(served, 2, [*touched, ("test.gone", 8, TASK_EFFECT_UPDATED)])
    changes = await Watch(served, WatchObjectsRequest(resume_token=token, include_objects=True)).changes(5)
    assert told(changes) == [
        ("test.team", "A", TASK_EFFECT_CREATED),
        ("test.person", "Ada", TASK_EFFECT_CREATED),
        ("test.team", "", TASK_EFFECT_UPDATED),
        ("test.gone", "", TASK_EFFECT_DELETED),
        ("test.gone", "", TASK_EFFECT_UPDATED),
    ]
    assert [change.HasField("object") for change in changes] == [True, True, True, False, False]
    assert len({change.task_id for change in changes[1:]}) == 1
    teams = await Watch(served, WatchObjectsRequest(resume_token=token, object_types=["test.team"])).changes(2)
    assert [change.external_id for change in teams] == ["A", ""]


async def test_a_task_that_touched_more_than_a_message_holds_has_a_token_at_its_end_only(served: Served) -> None:
    """A watch that breaks in the middle of it gets all of it again."""
    token = await processed(served, person("Ada", "notified"), person("Bob", "notified"))
    touch(served, 1, [("test.team", number, TASK_EFFECT_UPDATED) for number in range(1, 40_001)])
    watch = Watch(served, WatchObjectsRequest(resume_token=token))
    await watch.next()
    messages: list[WatchObjectsResponse] = []
    while sum(len(message.changes.changes) for message in messages) < 40_002:
        messages.append(await watch.next())
    assert [bool(message.resume_token.positions) for message in messages] == [False, True, True]
    assert messages[0].ByteSize() < 4 * 2**20
    assert told(messages[2].changes.changes) == [("test.person", "Bob", TASK_EFFECT_CREATED)]


@pytest.mark.parametrize(
    ("request_", "code", "reason", "path"),
    [
        (WatchObjectsRequest(object_types=["test.dog"]), "NOT_FOUND", "OBJECT_TYPE_NOT_FOUND", ""),
        (WatchObjectsRequest(connectors=["nobody"]), "NOT_FOUND", "CONNECTOR_NOT_FOUND", ""),
        (
            WatchObjectsRequest(object_types=["test.team"] * 1001),
            "INVALID_ARGUMENT",
            "INVALID_FIELD",
            "object_types",
        ),
        (
            WatchObjectsRequest(resume_token=task_pb2.ResumeToken(store_id="other")),
            "INVALID_ARGUMENT",
            "RESUME_TOKEN_INVALID",
            "resume_token.store_id",
        ),
    ],
)
async def test_what_cannot_be_watched_is_refused(
    served: Served, request_: WatchObjectsRequest, code: str, reason: str, path: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await Watch(served, request_).next()
    refusal = Refusal(caught.value)
    assert (refusal.code, refusal.reason, refusal.path) == (code, reason, path)


async def test_a_server_that_stops_ends_its_watches_with_a_reason(served: Served) -> None:
    watch = Watch(served)
    await watch.next()
    stopping = asyncio.create_task(served.app.stop())
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await watch.next()
    assert (Refusal(caught.value).code, Refusal(caught.value).reason) == ("UNAVAILABLE", "SERVER_DRAINING")
    await stopping
