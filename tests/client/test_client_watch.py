"""Watching: an exact token after every item, and no gap or repetition whatever breaks."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta

import grpc
import pytest
from support.either_client import EitherClient, EitherWatch
from support.scripted_bus import HOLD, Answer, Refuse, Restart, ScriptedBus

from integrationbus.client import (
    AsyncClient,
    BusError,
    Cancelled,
    Client,
    InvalidRequest,
    ResumeToken,
    Task,
    TaskChange,
    TaskState,
    TokenExpired,
    Unavailable,
)
from integrationbus.v1 import task_pb2, task_service_pb2
from integrationbus.v1.enums_pb2 import TASK_STATE_FAILED
from integrationbus.v1.task_service_pb2 import WatchTasksRequest, WatchTasksResponse

SOON = timedelta(milliseconds=1)
DRAINING = Refuse(code=grpc.StatusCode.UNAVAILABLE, reason="SERVER_DRAINING", retry_delay=SOON)
TOO_SLOW = Refuse(code=grpc.StatusCode.RESOURCE_EXHAUSTED, reason="WATCHER_TOO_SLOW", retry_delay=SOON)
CUT_OFF = Refuse(code=grpc.StatusCode.CANCELLED)
EXPIRED = Refuse(code=grpc.StatusCode.OUT_OF_RANGE, reason="RESUME_TOKEN_EXPIRED")


def token_message(**positions: int) -> task_pb2.ResumeToken:
    return task_pb2.ResumeToken(store_id="s", positions=positions)


def token(**positions: int) -> ResumeToken:
    return ResumeToken("s", positions)


def checkpoint(**positions: int) -> WatchTasksResponse:
    return WatchTasksResponse(checkpoint=task_service_pb2.Checkpoint(), resume_token=token_message(**positions))


def changes(*places: tuple[str, int], **positions: int) -> WatchTasksResponse:
    items = [task_service_pb2.TaskChange(connector=name, position=position) for name, position in places]
    return WatchTasksResponse(
        changes=task_service_pb2.TaskChanges(changes=items), resume_token=token_message(**positions)
    )


def snapshot(*ids: str, **positions: int) -> WatchTasksResponse:
    part = task_service_pb2.TaskSnapshot(tasks=[task_pb2.Task(id=each) for each in ids], complete=bool(positions))
    return WatchTasksResponse(snapshot=part, resume_token=token_message(**positions) if positions else None)


def starts(bus: ScriptedBus) -> list[task_pb2.ResumeToken | bool | None]:
    """How each call wanted to start: from a token, with a snapshot (True), or with the next change (None)."""
    found: list[task_pb2.ResumeToken | bool | None] = []
    for request in bus.requests("WatchTasks"):
        assert isinstance(request, WatchTasksRequest)
        match request.WhichOneof("start"):
            case "resume_token":
                found.append(request.resume_token)
            case "snapshot":
                found.append(request.snapshot)
            case None:
                found.append(None)
    return found


def take(watch: EitherWatch[Task | TaskChange], count: int) -> list[tuple[str, int]]:
    """The next changes, by connector and position."""
    items = [watch.next() for _ in range(count)]
    return [(item.connector, item.position) for item in items if isinstance(item, TaskChange)]


def test_a_watch_stands_when_its_block_is_entered(bus: ScriptedBus, client: EitherClient) -> None:
    bus.streams("WatchTasks", [checkpoint(crm=7, erp=3), HOLD])
    with client.watch() as watch:
        assert starts(bus) == [None]
        assert watch.resume_token == token(crm=7, erp=3)


def test_the_filter_travels_with_single_values_and_with_several(bus: ScriptedBus, client: EitherClient) -> None:
    bus.streams("WatchTasks", [checkpoint(crm=7), HOLD])
    with client.watch(connectors="crm", states={TaskState.FAILED}, external_ids=[1, "b"], labels={"batch": "x"}):
        pass
    (request,) = bus.requests("WatchTasks")
    assert request == WatchTasksRequest(
        filter=task_pb2.TaskFilter(
            connectors=["crm"], states=[TASK_STATE_FAILED], external_ids=["1", "b"], labels={"batch": "x"}
        )
    )


def test_the_token_moves_with_each_change_that_is_handed_out(bus: ScriptedBus, client: EitherClient) -> None:
    """The last one takes the rest along: what a filter left out between, and behind it."""
    first = changes(("crm", 2), ("erp", 5), ("crm", 4), crm=6, erp=5)
    bus.streams("WatchTasks", [checkpoint(crm=1, erp=1), first, changes(("crm", 7), crm=7), HOLD])
    with client.watch() as watch:
        tokens = []
        for _ in range(4):
            watch.next()
            tokens.append(watch.resume_token)
    assert tokens == [token(crm=2, erp=1), token(crm=2, erp=5), token(crm=6, erp=5), token(crm=7, erp=5)]


def test_a_checkpoint_moves_the_token_before_the_next_item(bus: ScriptedBus, client: EitherClient) -> None:
    bus.streams("WatchTasks", [checkpoint(crm=1), checkpoint(erp=9), changes(("crm", 2), crm=2), HOLD])
    with client.watch(since=token(crm=0)) as watch:
        assert take(watch, 1) == [("crm", 2)]
        assert watch.resume_token == token(crm=2, erp=9)


def test_a_snapshot_comes_first_and_has_a_token_when_it_is_complete(bus: ScriptedBus, client: EitherClient) -> None:
    bus.streams("WatchTasks", [snapshot("a", "b"), snapshot("c", crm=5), changes(("crm", 6), crm=6), HOLD])
    with client.watch(snapshot=True) as watch:
        seen = []
        for _ in range(4):
            item = watch.next()
            seen.append((item.id if isinstance(item, Task) else item.position, watch.resume_token))
    assert seen == [("a", None), ("b", None), ("c", token(crm=5)), (6, token(crm=6))]
    assert starts(bus) == [True]


def test_a_snapshot_that_breaks_off_starts_over(bus: ScriptedBus, client: EitherClient) -> None:
    bus.streams("WatchTasks", [snapshot("a"), DRAINING], [snapshot("a", crm=5), HOLD])
    with client.watch(snapshot=True) as watch:
        assert [item.id for item in (watch.next(), watch.next()) if isinstance(item, Task)] == ["a", "a"]
    assert starts(bus) == [True, True]


def test_an_empty_snapshot_leaves_no_gap(bus: ScriptedBus, client: EitherClient) -> None:
    bus.streams("WatchTasks", [snapshot(crm=5), DRAINING], [changes(("crm", 6), crm=6), HOLD])
    with client.watch(snapshot=True) as watch:
        assert take(watch, 1) == [("crm", 6)]
    assert starts(bus) == [True, token_message(crm=5)]


@pytest.mark.parametrize(
    "end", [[DRAINING], [TOO_SLOW], [CUT_OFF], [Restart()], []], ids=["draining", "too slow", "cut off", "killed", "ok"]
)
def test_a_watch_that_ends_goes_on_where_the_caller_is(
    bus: ScriptedBus, client: EitherClient, end: Sequence[Answer]
) -> None:
    bus.streams(
        "WatchTasks",
        [checkpoint(crm=1), changes(("crm", 2), ("crm", 3), crm=3), *end],
        [checkpoint(crm=3), changes(("crm", 4), crm=4), HOLD],
    )
    with client.watch() as watch:
        assert take(watch, 3) == [("crm", 2), ("crm", 3), ("crm", 4)]
    assert starts(bus) == [None, token_message(crm=3)]


def test_trouble_before_the_first_message_is_waited_out(bus: ScriptedBus, client: EitherClient) -> None:
    bus.streams("WatchTasks", [DRAINING], [DRAINING], [checkpoint(crm=1), HOLD])
    with client.watch() as watch:
        assert watch.resume_token == token(crm=1)
    assert starts(bus) == [None, None, None]


def test_a_server_without_connectors_gives_no_token_to_go_on_from(bus: ScriptedBus, client: EitherClient) -> None:
    """A token without a store would be refused."""
    empty = WatchTasksResponse(checkpoint=task_service_pb2.Checkpoint())
    bus.streams("WatchTasks", [empty, DRAINING], [empty, changes(("crm", 1), crm=1), HOLD])
    with client.watch() as watch:
        assert watch.resume_token is None
        assert take(watch, 1) == [("crm", 1)]
    assert starts(bus) == [None, None]


def test_a_token_that_is_too_old_ends_the_watch(bus: ScriptedBus, client: EitherClient) -> None:
    bus.streams("WatchTasks", [EXPIRED])
    with pytest.raises(TokenExpired), client.watch(since=token(crm=1)):
        pass
    assert starts(bus) == [token_message(crm=1)]


def test_a_token_that_expires_while_the_server_is_away_ends_the_watch(bus: ScriptedBus, client: EitherClient) -> None:
    bus.streams("WatchTasks", [checkpoint(crm=1), DRAINING], [EXPIRED])
    with client.watch() as watch, pytest.raises(TokenExpired):
        watch.next()


def test_patience_ends(bus: ScriptedBus, connect: Callable[..., EitherClient]) -> None:
    client = connect(patience=0)
    bus.streams("WatchTasks", [checkpoint(crm=1), DRAINING])
    with client.watch() as watch, pytest.raises(Unavailable) as caught:
        watch.next()
    assert caught.value.reason == "SERVER_DRAINING"


def test_a_wrong_filter_is_refused_at_once(bus: ScriptedBus, client: EitherClient) -> None:
    bus.streams("WatchTasks", [Refuse(code=grpc.StatusCode.INVALID_ARGUMENT, reason="INVALID_FIELD")])
    with pytest.raises(InvalidRequest), client.watch(object_type="?"):
        pass


def test_two_starts_are_refused(client: EitherClient) -> None:
    with pytest.raises(ValueError, match="not with both"), client.watch(since=token(crm=1), snapshot=True):
        pass


def test_leaving_the_block_ends_the_call(bus: ScriptedBus, client: EitherClient) -> None:
    """The server notices: otherwise it would hold the stream, and stopping it would have to break it."""
    bus.streams("WatchTasks", [checkpoint(crm=1), HOLD])
    with client.watch():
        pass
    (call,) = bus.received("WatchTasks")
    assert call.ended.wait(10)


def test_a_watch_can_be_closed_from_another_thread(bus: ScriptedBus) -> None:
    bus.streams("WatchTasks", [checkpoint(crm=1), HOLD])
    with Client(bus.address, application="crm") as client, client.watch() as watch:
        closing = threading.Thread(target=watch.close)
        closing.start()
        assert list(watch) == []
        closing.join()


def test_closing_the_client_ends_a_watch_with_an_error(bus: ScriptedBus) -> None:
    bus.streams("WatchTasks", [checkpoint(crm=1), HOLD])
    client = Client(bus.address, application="crm")
    with client.watch() as watch:
        closing = threading.Thread(target=client.close)
        closing.start()
        with pytest.raises(Cancelled):
            next(watch)
        closing.join()


async def test_a_watch_can_be_closed_from_another_task(bus: ScriptedBus) -> None:
    bus.streams("WatchTasks", [checkpoint(crm=1), HOLD])
    async with AsyncClient(bus.address, application="crm") as client, client.watch() as watch:
        asyncio.get_running_loop().call_soon(watch.close)
        assert [change async for change in watch] == []


async def test_closing_the_asyncio_client_ends_a_watch_with_an_error(bus: ScriptedBus) -> None:
    bus.streams("WatchTasks", [checkpoint(crm=1), HOLD])
    client = AsyncClient(bus.address, application="crm")
    async with client.watch() as watch:
        closing = asyncio.create_task(client.close())
        with pytest.raises(Cancelled):
            await anext(watch)
        await closing


async def test_a_read_that_is_cancelled_loses_nothing(bus: ScriptedBus) -> None:
    bus.streams("WatchTasks", [checkpoint(crm=1), HOLD], [changes(("crm", 2), crm=2), HOLD])
    async with AsyncClient(bus.address, application="crm") as client, client.watch() as watch:
        with suppress(TimeoutError):
            async with asyncio.timeout(0):
                await anext(watch)
        item = await anext(watch)
        assert isinstance(item, TaskChange)
        assert item.position == 2
    assert starts(bus) == [None, token_message(crm=1)]


async def test_a_task_that_is_cancelled_stays_cancelled(bus: ScriptedBus) -> None:
    bus.streams("WatchTasks", [checkpoint(crm=1), HOLD])
    async with AsyncClient(bus.address, application="crm") as client, client.watch() as watch:

        async def read() -> None:
            with suppress(BusError):
                await anext(watch)

        reading = asyncio.create_task(read())
        asyncio.get_running_loop().call_soon(reading.cancel)
        with pytest.raises(asyncio.CancelledError):
            await reading
