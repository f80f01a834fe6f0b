"""Streams of tasks: each number settled once, whatever breaks."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta

import grpc
import pytest
from google.protobuf.message import Message
from support.either_client import EitherClient
from support.scripted_bus import HOLD, Answer, Refuse, Restart, ScriptedBus

from integrationbus.client import (
    AsyncClient,
    Cancelled,
    Client,
    InvalidRequest,
    NewTask,
    PreconditionFailed,
    RejectedTask,
    ResumeToken,
    StreamedTasks,
    StreamProgress,
    TaskType,
    Unavailable,
)
from integrationbus.client.wire.log_streaming import LogStreamState
from integrationbus.v1 import task_pb2, task_service_pb2
from integrationbus.v1.task_service_pb2 import LogTaskStreamRequest, LogTaskStreamResponse

SOON = timedelta(milliseconds=1)
DRAINING = Refuse(code=grpc.StatusCode.UNAVAILABLE, reason="SERVER_DRAINING", retry_delay=SOON)
CUT_OFF = Refuse(code=grpc.StatusCode.CANCELLED)
OUT_OF_ORDER = Refuse(code=grpc.StatusCode.INVALID_ARGUMENT, reason="STREAM_OUT_OF_ORDER")
TAKEN_OVER = Refuse(code=grpc.StatusCode.ABORTED, reason="STREAM_OUT_OF_ORDER")


def task(number: int) -> NewTask:
    return NewTask("crm", TaskType.CREATE_OBJECT, {"name": "x"}, external_id=number)


def tasks(last: int, first: int = 1) -> list[NewTask]:
    return [task(number) for number in range(first, last + 1)]


def opened(settled_number: int = 0, window: int = 100, together: int = 0) -> LogTaskStreamResponse:
    """How a stream stands; ``together`` is how many tasks a message may hold."""
    content = task_service_pb2.LogStreamOpened(
        settled_number=settled_number, window=window, max_tasks_per_message=together
    )
    return LogTaskStreamResponse(opened=content)


def ack(number: int, **positions: int) -> LogTaskStreamResponse:
    """Up to a number; ``positions`` is where the changes of its tasks begin, empty for those stored before."""
    content = task_service_pb2.LogStreamAck(number=number)
    if positions:
        content.tasks.add(id="t")
        content.resume_token.CopyFrom(task_pb2.ResumeToken(store_id="st", positions=positions))
    return LogTaskStreamResponse(ack=content)


def rejection(number: int) -> LogTaskStreamResponse:
    refusal = task_service_pb2.TaskRefusal(code=3, reason="INVALID_FIELD", message="no", field_path="site")
    return LogTaskStreamResponse(rejection=task_service_pb2.LogStreamRejection(number=number, refusal=refusal))


class Script:
    """A conversation: numbers are how many requests to read, everything else is answered."""

    def __init__(self, *steps: int | Answer) -> None:
        self._steps = steps

    def __call__(self, requests: Iterator[Message]) -> Iterator[Answer]:
        for step in self._steps:
            if isinstance(step, int):
                for _ in range(step):
                    next(requests)
            else:
                yield step


def sent(bus: ScriptedBus) -> list[tuple[str, int]]:
    """The requests so far: starts with the number that the producer knows, and entries by theirs."""
    found: list[tuple[str, int]] = []
    for request in bus.requests("LogTaskStream"):
        assert isinstance(request, LogTaskStreamRequest)
        if request.HasField("start"):
            assert request.start.stream_id == "s"
            found.append(("start", request.start.settled_number))
        else:
            assert request.entry.task.external_id == str(request.entry.number)
            found.append(("task", request.entry.number))
    return found


def stream(client: EitherClient, new_tasks: list[NewTask], **options: Callable[..., object]) -> StreamedTasks:
    return client.call(lambda each: each.log_task_stream(new_tasks, stream_id="s", **options))


def test_tasks_are_numbered_and_the_call_ends_when_all_are_settled(bus: ScriptedBus, client: EitherClient) -> None:
    bus.conversations("LogTaskStream", Script(1, opened(), 3, ack(1, crm=5), ack(3, crm=6, erp=2), HOLD))
    progress: list[StreamProgress] = []
    result = stream(client, tasks(3), progress=progress.append)
    assert result == StreamedTasks(
        stream_id="s", settled_number=3, logged=3, rejected=0, resume_token=ResumeToken("st", {"crm": 5, "erp": 2})
    )
    assert [each.settled_number for each in progress] == [1, 3]
    assert sent(bus) == [("start", 0), ("task", 1), ("task", 2), ("task", 3)]


@pytest.mark.parametrize("end", [[DRAINING], [CUT_OFF], [Restart()], []], ids=["draining", "cut off", "killed", "ok"])
def test_what_is_not_settled_is_sent_again(bus: ScriptedBus, client: EitherClient, end: list[Answer]) -> None:
    bus.conversations(
        "LogTaskStream",
        Script(1, opened(), 3, ack(1, crm=1), *end),
        Script(1, opened(1), 2, ack(3, crm=2), HOLD),
    )
    assert stream(client, tasks(3)).logged == 3
    assert [each for each in sent(bus) if each[0] == "start"] == [("start", 0), ("start", 1)]
    assert sent(bus)[-2:] == [("task", 2), ("task", 3)]


def test_what_was_settled_unheard_is_not_sent_again(bus: ScriptedBus, client: EitherClient) -> None:
    bus.conversations(
        "LogTaskStream",
        Script(1, opened(), 3, DRAINING),
        Script(1, opened(2), rejection(1), ack(2), 1, ack(3, crm=9), HOLD),
    )
    rejected: list[RejectedTask] = []
    result = stream(client, tasks(3), on_rejected=rejected.append)
    assert (result.logged, result.rejected, [each.number for each in rejected]) == (2, 1, [1])
    assert sent(bus)[-2:] == [("start", 0), ("task", 3)]


def test_a_rejection_is_reported_once_with_its_reason(bus: ScriptedBus, client: EitherClient) -> None:
    bus.conversations(
        "LogTaskStream",
        Script(1, opened(), 3, rejection(2), DRAINING),
        Script(1, opened(), 3, rejection(2), ack(3, crm=1), HOLD),
    )
    rejected: list[RejectedTask] = []
    result = stream(client, tasks(3), on_rejected=rejected.append)
    assert (result.logged, result.rejected) == (2, 1)
    [only] = rejected
    assert (only.number, only.refusal.code, only.refusal.field_path) == (2, grpc.StatusCode.INVALID_ARGUMENT, "site")


def test_a_producer_that_starts_again_goes_on_where_the_stream_stands(bus: ScriptedBus, client: EitherClient) -> None:
    bus.conversations("LogTaskStream", Script(1, opened(2), rejection(2), ack(2), 1, ack(3, crm=1), HOLD))
    result = stream(client, tasks(3))
    assert (result.logged, result.rejected, result.settled_number) == (1, 1, 3)
    assert sent(bus) == [("start", 0), ("task", 3)]


def test_a_stream_says_which_task_comes_next(bus: ScriptedBus, client: EitherClient) -> None:
    bus.conversations("LogTaskStream", Script(1, opened(4), ack(4), 2, rejection(5), ack(6, crm=1), HOLD))
    with client.log_stream() as stream:
        assert (stream.numbers.next_number, stream.numbers.settled_number) == (5, 4)
        stream.send(task(5))
        stream.send(task(6))
        assert stream.numbers.next_number == 7
        stream.flush()
        assert (stream.numbers.settled_number, stream.numbers.logged, stream.numbers.rejected) == (6, 1, 1)
        assert stream.numbers.result.logged == 1


def test_a_producer_is_held_up_while_the_window_is_full(bus: ScriptedBus, client: EitherClient) -> None:
    happened: list[str] = []

    def conversation(requests: Iterator[Message]) -> Iterator[Answer]:
        next(requests)
        yield opened(window=2)
        for number in (1, 2):
            next(requests)
            # The producer has made the third task by now, or will; it cannot make the fourth before this.
            happened.append(f"settled {number}")
            yield ack(number, crm=1)
        for number in (3, 4, 5):
            next(requests)
            yield ack(number, crm=1)

    def source() -> Iterator[NewTask]:
        for number in range(1, 6):
            happened.append(f"made {number}")
            yield task(number)

    bus.conversations("LogTaskStream", conversation)
    assert client.call(lambda each: each.log_task_stream(source(), stream_id="s")).settled_number == 5
    assert happened.index("made 4") > happened.index("settled 1")
    assert happened.index("made 5") > happened.index("settled 2")


def test_a_window_is_full_with_so_many_tasks_or_bytes() -> None:
    state = LogStreamState("s")
    fullness = [state.is_full]  # where the stream stands is not known yet
    state.take(opened(window=2))
    for number in (1, 2):
        state.add(task(number))
        fullness.append(state.is_full)
    state.take(ack(1))
    fullness.append(state.is_full)
    assert fullness == [True, False, True, False]
    state.take(opened(1, window=100))
    large = NewTask("crm", TaskType.CREATE_OBJECT, {"name": "x" * 1_000_000})
    added = 0
    while not state.is_full:
        state.add(large)
        added += 1
    assert added == 9, "8 MiB"


def test_nothing_is_sent_on_a_new_connection_before_it_is_known_where_the_stream_stands() -> None:
    state = LogStreamState("s")
    state.take(opened())
    state.add(task(1))
    assert state.next_request() is not None
    state.start()
    state.add(task(2))
    assert state.next_request() is None
    state.take(opened())
    numbers = [LogTaskStreamRequest.FromString(state.next_request() or b"").entry.number for _ in range(2)]
    assert (numbers, state.next_request()) == ([1, 2], None)


def test_tasks_that_wait_are_sent_together() -> None:
    state = LogStreamState("s")
    state.take(opened(together=3))
    for number in range(1, 6):
        state.add(task(number))
    assert [numbers(request) for request in requests_of(state)] == [[1, 2, 3], [4, 5]]
    state.start()
    state.take(opened(1, together=64))
    state.add(NewTask("crm", TaskType.CREATE_OBJECT, {"name": "x" * 200_000}, external_id=6))
    state.add(NewTask("crm", TaskType.CREATE_OBJECT, {"name": "x" * 200_000}, external_id=7))
    assert [numbers(request) for request in requests_of(state)] == [[2, 3, 4, 5, 6], [7]]


def requests_of(state: LogStreamState) -> Iterator[LogTaskStreamRequest]:
    while (request := state.next_request()) is not None:
        yield LogTaskStreamRequest.FromString(request)


def numbers(request: LogTaskStreamRequest) -> list[int]:
    """The numbers of the tasks in a request, which are their external ids as well."""
    first, found = request.entries.number or request.entry.number, request.entries.tasks or [request.entry.task]
    assert [int(each.external_id) for each in found] == list(range(first, first + len(found)))
    return [int(each.external_id) for each in found]


def test_a_producer_with_nothing_to_add_hears_all_that_was_rejected(bus: ScriptedBus, client: EitherClient) -> None:
    bus.conversations("LogTaskStream", Script(1, opened(2), rejection(1), rejection(2), ack(2), HOLD))
    rejected: list[RejectedTask] = []
    result = stream(client, tasks(2), on_rejected=rejected.append)
    assert (result.logged, result.rejected, [each.number for each in rejected]) == (0, 2, [1, 2])


def test_a_stream_is_not_settled_before_it_was_heard_how_it_came_there() -> None:
    state = LogStreamState("s")
    settled = []
    for message in (opened(2), rejection(2), ack(2)):
        state.take(message)
        settled.append(state.is_settled)
    assert settled == [False, False, True]


@pytest.mark.parametrize(("refuse", "error"), [(OUT_OF_ORDER, InvalidRequest), (TAKEN_OVER, PreconditionFailed)])
def test_what_no_repetition_helps_ends_the_stream_and_says_how_far_it_came(
    bus: ScriptedBus, client: EitherClient, refuse: Refuse, error: type[Exception]
) -> None:
    bus.conversations("LogTaskStream", Script(1, opened(), 2, ack(1, crm=1), refuse))
    with pytest.raises(error) as caught:
        stream(client, tasks(2))
    assert caught.value.__notes__ == ["the stream 's' is settled up to task 1"]


def test_a_stream_that_somebody_else_moved_on_is_given_up(bus: ScriptedBus, client: EitherClient) -> None:
    bus.conversations("LogTaskStream", Script(1, opened(), 2, DRAINING), Script(1, opened(7), HOLD))
    with pytest.raises(PreconditionFailed, match="settled up to 7") as caught:
        stream(client, tasks(2))
    assert caught.value.reason == "STREAM_OUT_OF_ORDER"


def test_patience_ends(bus: ScriptedBus, connect: Callable[..., EitherClient]) -> None:
    bus.conversations("LogTaskStream", Script(1, opened(), 1, DRAINING))
    with pytest.raises(Unavailable) as caught:
        stream(connect(patience=0), tasks(1))
    assert caught.value.reason == "SERVER_DRAINING"


def test_a_server_that_opens_streams_and_settles_nothing_uses_patience_up(
    bus: ScriptedBus, connect: Callable[..., EitherClient]
) -> None:
    """A full disk, for example."""
    bus.conversations("LogTaskStream", *[Script(1, opened(), 1, DRAINING)] * 1000)
    with pytest.raises(Unavailable):
        stream(connect(patience=0.1), tasks(1))


def test_a_server_that_refuses_to_open_ends_the_stream(bus: ScriptedBus, client: EitherClient) -> None:
    bus.conversations("LogTaskStream", Script(1, OUT_OF_ORDER))
    with pytest.raises(InvalidRequest), client.log_stream():
        pass


def test_leaving_the_block_with_an_error_waits_for_nothing(bus: ScriptedBus, client: EitherClient) -> None:
    bus.conversations("LogTaskStream", Script(1, opened(), 1, HOLD))

    def fail() -> None:
        with client.log_stream() as stream:
            stream.send(task(1))
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        fail()
    call = bus.received("LogTaskStream")[0]
    assert call.ended.wait(10)


def test_a_task_that_cannot_travel_is_named_and_the_stream_goes_on(bus: ScriptedBus, client: EitherClient) -> None:
    bus.conversations("LogTaskStream", Script(1, opened(), 1, ack(1, crm=1), 1, ack(2, crm=1), HOLD))
    with client.log_stream() as stream:
        stream.send(task(1))
        with pytest.raises(TypeError, match="task 2: "):
            stream.send(NewTask("crm", TaskType.CREATE_OBJECT, {"name": object()}))
        with pytest.raises(TypeError, match="task 2: use NewTask, not dict"):
            stream.send({"connector": "crm"})  # type: ignore[arg-type] # wrong
        stream.send(task(2))
    assert sent(bus)[-1] == ("task", 2)


def test_an_error_of_a_callback_ends_the_stream(bus: ScriptedBus, client: EitherClient) -> None:
    def raise_it(_: RejectedTask) -> None:
        raise RuntimeError("mine")

    bus.conversations("LogTaskStream", Script(1, opened(), 1, rejection(1), HOLD))
    with pytest.raises(RuntimeError, match="mine"):
        stream(client, tasks(1), on_rejected=raise_it)


def test_a_stream_without_an_id_gets_one_of_its_own(bus: ScriptedBus, client: EitherClient) -> None:
    bus.conversations("LogTaskStream", *[Script(1, opened(), 1, ack(1, crm=1), HOLD)] * 2)
    ids = {client.call(lambda each: each.log_task_stream(tasks(1))).stream_id for _ in range(2)}
    assert len(ids) == 2
    assert "" not in ids


def closing_with(new_tasks: list[NewTask], last: Callable[[], object]) -> Iterator[NewTask]:
    """Tasks, and then one thing more."""
    yield from new_tasks
    last()


def test_closing_the_client_ends_a_stream_with_an_error(bus: ScriptedBus) -> None:
    bus.conversations("LogTaskStream", Script(1, opened(), 1, HOLD))
    client = Client(bus.address, application="crm")
    closing = threading.Thread(target=client.close)
    with pytest.raises(Cancelled):
        client.log_task_stream(closing_with(tasks(2), closing.start), stream_id="s")
    closing.join()


async def test_closing_the_asyncio_client_ends_a_stream_with_an_error(bus: ScriptedBus) -> None:
    bus.conversations("LogTaskStream", Script(1, opened(), 1, HOLD))
    client = AsyncClient(bus.address, application="crm")
    closing: list[asyncio.Task[None]] = []

    def close() -> None:
        closing.append(asyncio.create_task(client.close()))

    with pytest.raises(Cancelled):
        await client.log_task_stream(closing_with(tasks(2), close), stream_id="s")
    await closing[0]


async def test_a_task_that_is_cancelled_stays_cancelled(bus: ScriptedBus) -> None:
    bus.conversations("LogTaskStream", Script(1, opened(), 1, HOLD))
    async with AsyncClient(bus.address, application="crm") as client:
        streaming = asyncio.create_task(client.log_task_stream(tasks(1), stream_id="s"))
        asyncio.get_running_loop().call_soon(streaming.cancel)
        with pytest.raises(asyncio.CancelledError):
            await streaming


async def test_an_asynchronous_source_is_read_as_it_comes(bus: ScriptedBus) -> None:
    async def source() -> AsyncIterator[NewTask]:
        for each in tasks(2):
            yield each

    bus.conversations("LogTaskStream", Script(1, opened(), 2, ack(2, crm=1), HOLD))
    async with AsyncClient(bus.address, application="crm") as client:
        assert (await client.log_task_stream(source(), stream_id="s")).logged == 2
