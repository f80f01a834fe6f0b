"""A whole server on each kind of database, used by a real client."""

import pytest
from support.served import serve

from integrationbus.client import AsyncClient, NewTask, TaskChange, TaskState, TaskType
from integrationbus.client.wire.tasks import task_spec
from integrationbus.server.limits import Limits
from integrationbus.server.log_entries import LogEntry, LogReceipt
from integrationbus.server.rpc.intake import check_task, request_key

CONNECTORS = ["support.people:PeopleConnector"]


async def test_what_a_client_logs_is_applied_and_streamed_in_order(database_url: str) -> None:
    tasks = [
        NewTask("people", TaskType.CREATE_OBJECT, {"name": f"p{place}", "boss_id": place - 1}, external_id=place)
        for place in range(1, 300)
    ]
    boss = NewTask("people", TaskType.CREATE_OBJECT, {"name": "p0"}, external_id=0)
    async with serve(database_url, CONNECTORS) as served, AsyncClient(served.address, application="tests") as client:
        logged = await client.log_tasks([boss, *tasks], batch_size=100)
        done: list[int] = []
        async with client.watch(since=logged.resume_token, states=TaskState.SUCCEEDED) as changes:
            async for change in changes:
                assert isinstance(change, TaskChange)
                done.append(change.sequence)
                if len(done) == len(tasks) + 1:
                    break
        people = [person async for person in client.list_objects("test.person")]
    assert done == list(range(1, 301))
    assert [person.code_name for person in people] == [f"p{place}" for place in range(300)]
    assert [person.fields["boss_id"] for person in people] == [None, *(person.id for person in people[:-1])]


async def test_a_misspelt_filter_is_refused_instead_of_matching_everything(database_url: str) -> None:
    async with serve(database_url, CONNECTORS) as served, AsyncClient(served.address, application="tests") as client:
        with pytest.raises(TypeError, match="connector; there are connectors"):
            _ = [task async for task in client.list_tasks(connector="people")]  # type: ignore[call-arg] # misspelt


async def test_a_repeated_request_wakes_whoever_waits_for_it(database_url: str) -> None:
    """A commit whose outcome was unknown woke nobody; the repetition has to."""
    async with serve(database_url, CONNECTORS) as served, AsyncClient(served.address, application="tests") as client:
        bus = served.app.opened
        # Stored behind the server's back, so that nothing but the repetition can wake it.
        task = NewTask("people", TaskType.CREATE_OBJECT, {"name": "Ada"})
        checked = check_task(task_spec(task), registry=served.app.registry, limits=Limits(), creator="tests")
        request = request_key("tests", "r", [checked.digest()])
        [first] = bus.store.append([LogEntry(tasks=[checked], request=request)])
        assert isinstance(first, LogReceipt)
        again = await client.log_task("people", TaskType.CREATE_OBJECT, {"name": "Ada"}, request_id="r")
        assert (again.id, again.duplicate) == (first.tasks[0].id, True)
        async with client.watch(since=again.resume_token, states=TaskState.SUCCEEDED) as changes:
            assert isinstance(await anext(changes), TaskChange)
