"""LogTaskStream: numbers, acknowledgements and rejections, and what a connection finds that comes later."""

import asyncio
from pathlib import Path

import grpc
import pytest
from support.raw_stream import RawStream, entries, entry, start
from support.served import Refusal, Served, refusal_of, serve
from support.specs import person, text_record

from integrationbus.v1 import payload_pb2, task_pb2
from integrationbus.v1.task_service_pb2 import ListTasksRequest, LogTaskStreamRequest

BAD = task_pb2.TaskSpec(connector="nobody")
SECOND = 2


def people(first: int, last: int) -> list[task_pb2.TaskSpec]:
    return [person(f"p{number}", "notified") for number in range(first, last + 1)]


async def names(served: Served) -> list[str]:
    """The stored tasks in the order of their line."""
    page = await served.tasks.ListTasks(ListTasksRequest(page_size=1000))
    return [task.external_id for task in page.tasks]


async def test_tasks_are_stored_in_their_order_and_acknowledged(served: Served) -> None:
    stream = RawStream(served)
    opened = await stream.open()
    assert opened.settled_number == 0
    assert opened.window > 0
    await stream.send(1, people(1, 300))
    await stream.settled(300)
    tasks = (await served.tasks.ListTasks(ListTasksRequest(page_size=1000))).tasks
    assert [task.external_id for task in tasks] == [f"p{number}" for number in range(1, 301)]
    assert [task.id for task in tasks] == stream.stored
    assert {task.creator for task in tasks} == {"tests"}
    assert stream.rejected == []


async def test_a_task_that_cannot_be_stored_is_rejected_and_the_others_go_on(served: Served) -> None:
    stream = RawStream(served)
    await stream.open()
    nameless = person("x", "notified")
    nameless.payload.Clear()
    await stream.send(1, [BAD, *people(2, 3), nameless, *people(5, 5)])
    first = (await stream.read()).rejection
    assert (first.number, first.refusal.code, first.refusal.reason) == (1, 5, "CONNECTOR_NOT_FOUND")
    await stream.settled(5)
    assert stream.rejected == [4]
    assert await names(served) == ["p2", "p3", "p5"]


async def test_tasks_that_come_in_one_message_are_taken_one_by_one(served: Served) -> None:
    stream = RawStream(served)
    most = (await stream.open()).max_tasks_per_message
    await stream.write(entries(1, [*people(1, 2), BAD, *people(4, most)]))
    # Sent again, as after a connection that broke.
    await stream.write(entries(2, people(2, most + 1)), entry(most + 2, person("last", "notified")))
    await stream.settled(most + 2)
    assert stream.rejected == [3]
    assert await names(served) == [*(f"p{number}" for number in range(1, most + 2) if number != 3), "last"]


async def test_a_rejection_says_which_field_of_the_task_is_at_fault(served: Served) -> None:
    stream = RawStream(served)
    await stream.open()
    await stream.send(1, [task_pb2.TaskSpec(connector="notified")])
    refusal = (await stream.read()).rejection.refusal
    assert (refusal.code, refusal.reason, refusal.field_path) == (3, "INVALID_FIELD", "task_type")


async def test_what_follows_the_last_stored_task_is_settled_as_well(served: Served) -> None:
    stream = RawStream(served)
    await stream.open()
    await stream.send(1, [*people(1, 1), BAD, BAD])
    await stream.settled(3)
    assert stream.rejected == [2, 3]
    again = RawStream(served)
    assert (await again.open(settled_number=3)).settled_number == 3, "the caller knows more than the store"
    await again.send(4, people(4, 4))
    await again.settled(4)
    assert await names(served) == ["p1", "p4"]


async def test_a_connection_that_comes_later_goes_on_behind_what_is_settled(served: Served) -> None:
    stream = RawStream(served)
    await stream.open()
    await stream.send(1, people(1, 3))
    await stream.settled(3)
    stream.cancel()
    again = RawStream(served)
    assert (await again.open()).settled_number == 3
    ack = (await again.read()).ack
    assert (ack.number, len(ack.tasks)) == (3, 0)
    await again.send(2, people(2, 5))
    await again.settled(5)
    assert await names(served) == [f"p{number}" for number in range(1, 6)]


async def test_rejections_come_again_until_the_caller_knows_them(served: Served) -> None:
    stream = RawStream(served)
    await stream.open()
    await stream.send(1, [BAD, *people(2, 2), BAD, *people(4, 4)])
    await stream.settled(4)
    connections = [RawStream(served) for _ in range(3)]
    for again, known, told in zip(connections, (0, 1, 3), ([1, 3], [3], []), strict=True):
        assert (await again.open(settled_number=known)).settled_number == 4
        await again.settled(4)
        assert again.rejected == told
    await connections[-1].send(5, people(5, 5))
    await connections[-1].settled(5)
    forgetful = RawStream(served)
    await forgetful.open()
    await forgetful.settled(5)
    assert forgetful.rejected == [], "what was known once is not kept"


async def test_a_repeated_rejection_says_the_same(served: Served) -> None:
    stream, again = RawStream(served), RawStream(served)
    await stream.open()
    await stream.send(1, [task_pb2.TaskSpec(connector="notified"), *people(2, 2)])
    first = await stream.read()
    await stream.settled(2)
    await again.open()
    assert await again.read() == first


async def test_a_second_connection_takes_the_stream_over(served: Served) -> None:
    old, new = RawStream(served), RawStream(served)
    await old.open()
    await old.send(1, people(1, 2))
    await old.settled(2)
    assert (await new.open(settled_number=2)).settled_number == 2
    refusal = await refusal_of(old.settled(3))
    assert (refusal.code, refusal.reason) == ("ABORTED", "STREAM_OUT_OF_ORDER")
    assert "another connection uses the stream 's'" in refusal.message
    await new.send(3, people(3, 3))
    await new.settled(3)
    assert await names(served) == ["p1", "p2", "p3"]


async def test_streams_belong_to_the_application_that_calls(served: Served) -> None:
    for application in ("crm", "erp"):
        stream = RawStream(served, application)
        assert (await stream.open()).settled_number == 0
        await stream.send(1, people(1, 1))
        await stream.settled(1)
    assert await names(served) == ["p1", "p1"]


async def test_a_caller_that_says_no_more_gets_the_rest_of_the_answers(served: Served) -> None:
    stream = RawStream(served)
    await stream.open()
    await stream.send(1, people(1, 100))
    assert await stream.rest() == 100


@pytest.mark.parametrize(
    ("requests", "reason", "path"),
    [
        ([entry(1, person("p1", "notified"))], "STREAM_OUT_OF_ORDER", "start"),
        ([LogTaskStreamRequest()], "STREAM_OUT_OF_ORDER", "start"),
        ([start("")], "INVALID_FIELD", "start.stream_id"),
        ([start("x" * 65)], "INVALID_FIELD", "start.stream_id"),
        ([start(settled_number=-1)], "INVALID_FIELD", "start.settled_number"),
        ([start(), start()], "STREAM_OUT_OF_ORDER", "entry"),
        ([start(), entry(2, person("p2", "notified"))], "STREAM_OUT_OF_ORDER", "entry.number"),
        ([start(), entry(0, person("p0", "notified"))], "STREAM_OUT_OF_ORDER", "entry.number"),
        ([start(settled_number=7), entry(9, person("p9", "notified"))], "STREAM_OUT_OF_ORDER", "entry.number"),
        ([start(), entries(2, people(2, 3))], "STREAM_OUT_OF_ORDER", "entries.number"),
        ([start(), entries(1, [])], "INVALID_FIELD", "entries.tasks"),
        ([start(), entries(1, people(1, 65))], "INVALID_FIELD", "entries.tasks"),
    ],
)
async def test_what_does_not_follow_ends_the_stream(
    served: Served, requests: list[LogTaskStreamRequest], reason: str, path: str
) -> None:
    stream = RawStream(served)
    await stream.write(*requests)
    if len(requests) == SECOND:
        await stream.read()
    refusal = await refusal_of(stream.read())
    assert (refusal.code, refusal.reason, refusal.path) == ("INVALID_ARGUMENT", reason, path)
    assert await names(served) == []


async def test_what_came_before_a_number_out_of_order_is_stored_and_acknowledged(served: Served) -> None:
    stream = RawStream(served)
    await stream.open()
    await stream.send(1, people(1, 20))
    await stream.send(22, people(22, 22))
    await stream.settled(20)
    refusal = await refusal_of(stream.read())
    assert refusal.reason == "STREAM_OUT_OF_ORDER"
    assert "21 comes next" in refusal.message
    assert len(await names(served)) == 20


async def test_an_empty_call_is_refused(served: Served) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await RawStream(served).rest()
    assert Refusal(caught.value).path == "start"


async def test_a_large_task_is_stored_in_its_place(served: Served) -> None:
    large = person("p2", "notified")
    large.payload.CopyFrom(payload_pb2.Payload(record=text_record(name="x" * 500_000)))
    stream = RawStream(served)
    await stream.open()
    await stream.send(1, [*people(1, 1), large, *people(3, 3)])
    await stream.settled(3)
    assert await names(served) == ["p1", "p2", "p3"]


async def test_what_cannot_be_decoded_ends_the_stream(served: Served) -> None:
    call: grpc.aio.StreamStreamMultiCallable[bytes, bytes]
    call = served.channel.stream_stream("/integrationbus.v1.TaskService/LogTaskStream")
    stream = call(iter([start().SerializeToString(), b"\x12\xff"]))
    await stream.read()
    refusal = await refusal_of(stream.read())
    assert (refusal.code, refusal.reason, refusal.path) == ("INVALID_ARGUMENT", "RECORD_TOO_DEEP", "request")


async def test_the_tokens_of_the_acknowledgements_start_a_watch(served: Served) -> None:
    stream = RawStream(served)
    await stream.open()
    await stream.send(1, people(1, 1))
    ack = (await stream.read()).ack
    assert dict(ack.resume_token.positions) == {"notified": 1}
    assert ack.resume_token.store_id == served.app.opened.store.store_id
    assert [(task.connector, task.sequence, task.duplicate) for task in ack.tasks] == [("notified", 1, False)]


async def test_a_server_that_stops_acknowledges_what_it_stored(served: Served, tmp_path: Path) -> None:
    stream, idle = RawStream(served), RawStream(served)
    await stream.open()
    await idle.open("idle")
    await stream.send(1, people(1, 500))
    stopping = asyncio.create_task(served.app.stop())
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stream.settled(501)
    assert (Refusal(caught.value).code, Refusal(caught.value).reason) == ("UNAVAILABLE", "SERVER_DRAINING")
    refusal = await refusal_of(idle.read())
    assert refusal.reason == "SERVER_DRAINING"
    await stopping
    async with serve(f"sqlite:///{tmp_path / 'bus.db'}", ["support.people:NotifiedConnector"]) as again:
        stored = [task.id for task in (await again.tasks.ListTasks(ListTasksRequest(page_size=1000))).tasks]
    assert stored == stream.stored
