"""A task that fits in no message is refused as too large, and takes no other task with it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.either_client import EitherClient
from support.scripted_bus import ScriptedBus
from support.served import serve

from integrationbus.client import AsyncClient, InvalidRequest, NewTask, RejectedTask, TaskType
from integrationbus.v1.task_service_pb2 import LogTasksRequest, LogTasksResponse

MIB = 1024 * 1024


def task(name: str, **options: str) -> NewTask:
    return NewTask("people", TaskType.CREATE_OBJECT, {"name": name}, **options)  # type: ignore[arg-type] # all are texts


TASKS = {
    "payload": task("x" * 5 * MIB),
    "title": task("Bo", title="x" * 5 * MIB),
    "connector": NewTask("x" * 5 * MIB, TaskType.CREATE_OBJECT, {}),
}
REASONS = {"payload": "PAYLOAD_TOO_LARGE", "title": "PAYLOAD_TOO_LARGE", "connector": "INVALID_FIELD"}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[AsyncClient]:
    """A client of a real server."""
    async with (
        serve(f"sqlite:///{tmp_path / 'bus.db'}", ["support.people:PeopleConnector"]) as served,
        AsyncClient(served.address, application="crm") as client,
    ):
        yield client


@pytest.mark.parametrize("what", TASKS)
async def test_a_stream_goes_on_behind_a_task_that_fits_in_no_message(server: AsyncClient, what: str) -> None:
    rejected: list[RejectedTask] = []
    for _ in ("first", "repeated"):
        tasks = [task("Ada"), TASKS[what], task("Cy")]
        result = await server.log_task_stream(tasks, stream_id="s", on_rejected=rejected.append)
        assert (result.settled_number, result.rejected) == (3, 1)
    assert [(each.number, each.refusal.reason) for each in rejected] == [(2, REASONS[what])] * 2
    assert len([each async for each in server.list_tasks()]) == 2


async def test_a_batch_leaves_out_a_task_that_fits_in_no_message(server: AsyncClient) -> None:
    tasks = [task("Ada"), *TASKS.values(), task("Cy")]
    logged = await server.log_tasks(tasks, allow_partial=True)
    assert [(place, refusal.reason) for place, refusal in logged.refused] == [*enumerate(REASONS.values(), 1)]


async def test_without_leaving_out_the_batch_is_refused_and_names_the_task(server: AsyncClient) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await server.log_tasks([task("Ada"), TASKS["payload"]])
    assert caught.value.reason == "PAYLOAD_TOO_LARGE"
    assert [path for path, _ in caught.value.field_violations] == ["tasks[1].payload"]


def test_what_is_sent_instead_can_never_be_stored(bus: ScriptedBus, client: EitherClient) -> None:
    """Not even by a server that takes larger payloads than today's: an encoded payload needs a content type."""
    bus.answers("LogTasks", LogTasksResponse())
    client.call(lambda each: each.log_tasks([TASKS["payload"]]))
    [request] = bus.requests("LogTasks")
    assert isinstance(request, LogTasksRequest)
    [sent] = request.tasks
    assert (sent.connector, sent.payload.WhichOneof("form"), sent.payload.encoded.content_type) == (
        "people",
        "encoded",
        "",
    )
