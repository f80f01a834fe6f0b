"""Streams of tasks through a whole server on each kind of database, with servers and producers that go away."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process

import pytest
from support.served import Served, serve

from integrationbus.client import (
    AsyncClient,
    Client,
    NewTask,
    PreconditionFailed,
    RejectedTask,
    StreamProgress,
    TaskType,
)

CONNECTORS = ["support.people:NotifiedConnector"]
BAD = NewTask("nobody", TaskType.CREATE_OBJECT, {"name": "x"})

PRODUCER = """
import sys
from integrationbus.client import Client, NewTask, TaskType

def tasks():
    for number in range(1, 100_000):
        yield NewTask("notified", TaskType.CREATE_OBJECT, {"name": f"p{number}"}, external_id=number)

with Client(sys.argv[1], application="tests") as client:
    client.log_task_stream(tasks(), stream_id="s", progress=lambda made: print(made.settled_number, flush=True))
"""


def tasks(last: int) -> list[NewTask]:
    return [
        NewTask("notified", TaskType.CREATE_OBJECT, {"name": f"p{number}"}, external_id=number)
        for number in range(1, last + 1)
    ]


async def stored(client: AsyncClient) -> list[int]:
    """The numbers of the stored tasks in the order of their line."""
    return [int(task.external_id) async for task in client.list_tasks(page_size=1000)]


async def test_a_stream_survives_its_server(database_url: str) -> None:
    """Stopped in the middle and started again: nothing is lost, nothing is there twice, and the order is the same."""
    midway = asyncio.Event()

    def notice(progress: StreamProgress) -> None:
        if progress.settled_number >= 1000:
            midway.set()

    async with serve(database_url, CONNECTORS) as served:
        address = served.address
        client = AsyncClient(address, application="tests")
        streaming = asyncio.create_task(client.log_task_stream(tasks(3000), progress=notice))
        await midway.wait()
    assert not streaming.done()
    async with serve(database_url, CONNECTORS, listen=address), client:
        result = await streaming
        assert (result.settled_number, result.logged, result.rejected) == (3000, 3000, 0)
        assert await stored(client) == list(range(1, 3001))


async def started_producer(served: Served, settled_number: int) -> Process:
    """A producer in a process of its own that has settled so much."""
    producer = await asyncio.create_subprocess_exec(sys.executable, "-c", PRODUCER, served.address, stdout=PIPE)
    assert producer.stdout
    while int(await producer.stdout.readline()) < settled_number:
        pass
    return producer


async def test_a_producer_that_was_killed_goes_on_where_its_stream_stands(database_url: str) -> None:
    async with serve(database_url, CONNECTORS) as served, AsyncClient(served.address, application="tests") as client:
        producer = await started_producer(served, 500)
        producer.kill()
        await producer.wait()
        async with client.log_stream("s") as stream:
            before = stream.settled_number
            for task in tasks(before + 700)[before:]:
                await stream.send(task)
        assert before >= 500
        assert stream.logged == 700
        assert await stored(client) == list(range(1, before + 701))


async def test_two_producers_of_one_stream_do_not_mix(database_url: str) -> None:
    """The second one takes over from the first, which hears of it; each number is stored once."""
    async with serve(database_url, CONNECTORS) as served, AsyncClient(served.address, application="tests") as client:
        first = await started_producer(served, 300)
        async with client.log_stream("s") as second:
            begun = second.next_number
            for task in tasks(begun + 299)[begun - 1 :]:
                await second.send(task)
        assert await first.wait() == 1
        assert await stored(client) == list(range(1, begun + 300))


async def test_a_producer_that_is_taken_over_is_told(database_url: str) -> None:
    async with serve(database_url, CONNECTORS) as served:

        def produce() -> None:
            with Client(served.address, application="tests") as client, client.log_stream("s") as first:
                first.send(tasks(1)[0])
                first.flush()
                with client.log_stream("s"):
                    first.send(tasks(2)[1])
                    first.flush()

        with pytest.raises(PreconditionFailed, match="another connection uses the stream 's'"):
            await asyncio.to_thread(produce)
        async with AsyncClient(served.address, application="tests") as client:
            assert await stored(client) == [1]


async def test_rejections_that_a_producer_did_not_hear_of_reach_the_next_one(database_url: str) -> None:
    source = [*tasks(2), BAD, *tasks(5)[3:]]
    rejected: list[RejectedTask] = []
    async with serve(database_url, CONNECTORS) as served, AsyncClient(served.address, application="tests") as client:
        first = await client.log_task_stream(source, stream_id="s")
        assert (first.logged, first.rejected) == (4, 1)
        # Its end was the end of its process: the rejection went with it.
        again = await client.log_task_stream([*source, *tasks(6)[5:]], stream_id="s", on_rejected=rejected.append)
        assert (again.logged, again.rejected) == (1, 1)
        assert [(each.number, each.refusal.reason) for each in rejected] == [(3, "CONNECTOR_NOT_FOUND")]
        assert await stored(client) == [1, 2, 4, 5, 6]
