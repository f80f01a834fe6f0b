"""Logging: in order, in batches, patiently, and nothing twice."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import grpc
import pytest
from google.protobuf.message import Message
from support.either_client import EitherClient
from support.scripted_bus import Answer, Refuse, Restart, ScriptedBus

from integrationbus.client import (
    AsyncClient,
    Exhausted,
    InvalidRequest,
    LoggedTask,
    LoggedTasks,
    LogProgress,
    NewTask,
    OutcomeUnknown,
    ResumeToken,
    TaskRefusal,
    TaskType,
    Unavailable,
)
from integrationbus.v1 import task_pb2, task_service_pb2
from integrationbus.v1.task_service_pb2 import LogTaskRequest, LogTaskResponse, LogTasksRequest, LogTasksResponse

SOON = timedelta(milliseconds=1)
QUEUE_FULL = Refuse(code=grpc.StatusCode.RESOURCE_EXHAUSTED, reason="LOG_QUEUE_FULL", retry_delay=SOON)
OUTCOME_UNKNOWN = Refuse(code=grpc.StatusCode.UNAVAILABLE, reason="OUTCOME_UNKNOWN", retry_delay=SOON)
DRAINING = Refuse(code=grpc.StatusCode.UNAVAILABLE, reason="SERVER_DRAINING", retry_delay=SOON)
CUT_OFF = Refuse(code=grpc.StatusCode.CANCELLED)
BAD = Refuse(code=grpc.StatusCode.INVALID_ARGUMENT, reason="INVALID_FIELD", fields=(("tasks[1].site", "is required"),))


@dataclass
class Line:
    """The line of a server: stores batches, each request id once."""

    stored: list[str] = field(default_factory=list)
    answered: dict[str, LogTasksResponse] = field(default_factory=dict)

    def store(self, request: Message) -> LogTasksResponse:
        assert isinstance(request, LogTasksRequest)
        if request.request_id in self.answered:
            return self._duplicate(self.answered[request.request_id])
        position = len(self.stored)
        response = LogTasksResponse(resume_token=token_message(position + 1))
        for task in request.tasks:
            if task.external_id.startswith("bad"):
                response.results.add().refusal.reason = "INVALID_FIELD"
                continue
            self.stored.append(task.external_id)
            response.results.add().task.CopyFrom(
                task_service_pb2.LoggedTask(id=task.external_id, connector="crm", sequence=len(self.stored))
            )
        self.answered[request.request_id] = response
        return response

    def store_and_break(self, request: Message) -> Answer:
        """Store the batch, and break the connection before the answer is sent."""
        self.store(request)
        return Restart()

    @staticmethod
    def _duplicate(response: LogTasksResponse) -> LogTasksResponse:
        copy = LogTasksResponse.FromString(response.SerializeToString())
        for result in copy.results:
            result.task.duplicate = True
        return copy


def token_message(position: int) -> task_pb2.ResumeToken:
    return task_pb2.ResumeToken(store_id="s", positions={"crm": position})


def new_task(name: str, payload: str = "") -> NewTask:
    return NewTask("crm", TaskType.CREATE_OBJECT, {"name": payload}, external_id=name)


def names(count: int) -> list[str]:
    return [f"n{number}" for number in range(count)]


def log(client: EitherClient, tasks: Iterator[NewTask], batch_size: int = 500) -> LoggedTasks:
    return client.call(lambda each: each.log_tasks(tasks, batch_size=batch_size))


def batch_sizes(bus: ScriptedBus) -> list[int]:
    return [len(request.tasks) for request in bus.requests("LogTasks") if isinstance(request, LogTasksRequest)]


def request_ids(bus: ScriptedBus) -> list[str]:
    return [request.request_id for request in bus.requests("LogTasks") if isinstance(request, LogTasksRequest)]


@pytest.fixture
def line() -> Line:
    return Line()


def test_tasks_are_stored_in_their_order_in_batches(bus: ScriptedBus, client: EitherClient, line: Line) -> None:
    bus.answers("LogTasks", *[line.store] * 3)
    result = log(client, map(new_task, names(7)), batch_size=3)
    assert batch_sizes(bus) == [3, 3, 1]
    assert line.stored == names(7)
    assert [task.id for task in result.logged] == names(7)
    assert [task.sequence for task in result.logged] == list(range(1, 8))


def test_a_watch_from_the_result_sees_the_first_task_as_well(
    bus: ScriptedBus, client: EitherClient, line: Line
) -> None:
    bus.answers("LogTasks", *[line.store] * 3)
    result = log(client, map(new_task, names(7)), batch_size=3)
    assert result.resume_token == ResumeToken("s", {"crm": 1})


def test_each_batch_has_a_request_id_of_its_own(bus: ScriptedBus, client: EitherClient, line: Line) -> None:
    bus.answers("LogTasks", *[line.store] * 2)
    log(client, map(new_task, names(2)), batch_size=1)
    first, second = request_ids(bus)
    assert first
    assert second
    assert first != second


def test_nothing_to_log_makes_no_call(bus: ScriptedBus, client: EitherClient) -> None:
    assert log(client, iter(())) == LoggedTasks(results=(), resume_token=None)
    assert bus.requests("LogTasks") == []


def test_large_tasks_are_cut_by_size(bus: ScriptedBus, client: EitherClient, line: Line) -> None:
    bus.answers("LogTasks", *[line.store] * 3)
    log(client, (new_task(name, "x" * 900_000) for name in names(7)))
    assert batch_sizes(bus) == [3, 3, 1]
    assert max(request.ByteSize() for request in bus.requests("LogTasks")) < 4 * 1024 * 1024


def test_tasks_are_taken_from_the_iterable_only_as_needed(bus: ScriptedBus, client: EitherClient, line: Line) -> None:
    """A full batch goes before the next task is asked for, and nothing is read ahead."""
    bus.answers("LogTasks", *[line.store] * 3)
    stored_when_asked: list[int] = []

    def tasks() -> Iterator[NewTask]:
        for name in names(6):
            stored_when_asked.append(len(line.stored))
            yield new_task(name)

    log(client, tasks(), batch_size=2)
    assert stored_when_asked == [0, 0, 2, 2, 4, 4]


def test_progress_is_reported_after_each_batch(bus: ScriptedBus, client: EitherClient, line: Line) -> None:
    bus.answers("LogTasks", *[line.store] * 2)
    reports: list[LogProgress] = []
    tasks = map(new_task, ["a", "bad", "c"])
    client.call(lambda each: each.log_tasks(tasks, batch_size=2, allow_partial=True, progress=reports.append))
    assert reports == [LogProgress(logged=1, refused=1, calls=1), LogProgress(logged=2, refused=1, calls=2)]


def test_refused_tasks_are_reported_with_their_place(bus: ScriptedBus, client: EitherClient, line: Line) -> None:
    bus.answers("LogTasks", *[line.store] * 2)
    tasks = map(new_task, ["a", "b", "c", "bad"])
    result = client.call(lambda each: each.log_tasks(tasks, batch_size=2, allow_partial=True))
    assert [place for place, _ in result.refused] == [3]
    assert isinstance(result.results[3], TaskRefusal)
    assert result.results[3].reason == "INVALID_FIELD"
    assert all(isinstance(item, LoggedTask) for item in result.results[:3])


@pytest.mark.parametrize(
    "trouble", [QUEUE_FULL, OUTCOME_UNKNOWN, DRAINING, CUT_OFF], ids=lambda trouble: trouble.reason
)
def test_trouble_that_passes_is_waited_out_with_the_same_request_id(
    bus: ScriptedBus, client: EitherClient, line: Line, trouble: Refuse
) -> None:
    bus.answers("LogTasks", trouble, trouble, line.store)
    assert len(log(client, map(new_task, names(3))).logged) == 3
    assert len(set(request_ids(bus))) == 1
    assert line.stored == names(3)


def test_a_server_that_dies_after_the_commit_stores_nothing_twice(
    bus: ScriptedBus, client: EitherClient, line: Line
) -> None:
    bus.answers("LogTasks", line.store, line.store_and_break, line.store, line.store)
    result = log(client, map(new_task, names(6)), batch_size=2)
    assert line.stored == names(6)
    assert [task.id for task in result.logged] == names(6)
    assert [task.duplicate for task in result.logged] == [False, False, True, True, False, False]


def test_patience_ends(bus: ScriptedBus, connect: Callable[..., EitherClient]) -> None:
    client = connect(patience=0)
    bus.answers("LogTasks", QUEUE_FULL)
    with pytest.raises(Exhausted) as caught:
        log(client, map(new_task, names(3)))
    assert caught.value.retry_delay == SOON


def test_a_server_that_is_not_there_is_reported_when_patience_ends(
    bus: ScriptedBus, connect: Callable[..., EitherClient]
) -> None:
    client = connect(patience=0)
    bus.stop()
    with pytest.raises(Unavailable):
        log(client, map(new_task, names(3)))


def test_a_batch_that_is_refused_ends_it_and_says_how_far_it_came(
    bus: ScriptedBus, client: EitherClient, line: Line
) -> None:
    bus.answers("LogTasks", line.store, BAD)
    with pytest.raises(InvalidRequest) as caught:
        log(client, map(new_task, names(5)), batch_size=2)
    assert caught.value.field_violations == (("tasks[1].site", "is required"),)
    assert caught.value.__notes__ == ["2 tasks were stored before; tasks[0] of this call is task 2 of all"]
    assert line.stored == names(2)


def test_a_task_that_cannot_travel_is_named_by_its_place(bus: ScriptedBus, client: EitherClient, line: Line) -> None:
    bus.answers("LogTasks", line.store)
    tasks = [new_task("a"), new_task("b"), NewTask("crm", TaskType.CREATE_OBJECT, {"picture": object()})]
    says = r"^tasks\[2\]\.payload\.record\.picture: a record cannot hold object\n2 tasks were stored before$"
    with pytest.raises(TypeError, match=says):
        log(client, iter(tasks), batch_size=2)
    assert line.stored == ["a", "b"]


def test_an_iterable_or_a_progress_that_fails_says_how_much_was_stored(
    bus: ScriptedBus, client: EitherClient, line: Line
) -> None:
    def tasks() -> Iterator[NewTask]:
        yield from map(new_task, names(5))
        raise OSError("the source broke")

    def progress(report: LogProgress) -> None:
        if report.calls == 2:
            raise ArithmeticError("the bar broke")

    bus.answers("LogTasks", *[line.store] * 4)
    with pytest.raises(OSError, match="the source broke") as of_iterable:
        log(client, tasks(), batch_size=2)
    assert of_iterable.value.__notes__ == ["4 tasks were stored before"]
    with pytest.raises(ArithmeticError) as of_progress:
        client.call(lambda each: each.log_tasks(map(new_task, names(6)), batch_size=2, progress=progress))
    assert of_progress.value.__notes__ == ["4 tasks were stored before"]
    assert line.stored == [*names(4), *names(4)], "what the iterable had given for the next batch is not stored"


def test_a_batch_size_below_one_is_refused(client: EitherClient) -> None:
    with pytest.raises(ValueError, match="batch_size must be at least 1, not 0"):
        log(client, map(new_task, names(1)), batch_size=0)


async def test_an_asynchronous_iterable_is_taken_as_well(bus: ScriptedBus, line: Line) -> None:
    async def tasks() -> AsyncIterator[NewTask]:
        for name in names(3):
            yield new_task(name)

    bus.answers("LogTasks", *[line.store] * 2)
    async with AsyncClient(bus.address, application="crm") as client:
        assert len((await client.log_tasks(tasks(), batch_size=2)).logged) == 3
    assert line.stored == names(3)


def test_one_task_is_logged_with_what_was_said_about_it(bus: ScriptedBus, client: EitherClient) -> None:
    logged = task_service_pb2.LoggedTask(id="1", connector="crm", sequence=7)
    bus.answers("LogTask", LogTaskResponse(task=logged, resume_token=token_message(7)))
    receipt = client.call(
        lambda each: each.log_task("crm", TaskType.DELETE_OBJECT, {}, external_id=42, labels={"batch": "1"}, site="a")
    )
    assert receipt == LoggedTask(
        id="1", connector="crm", sequence=7, duplicate=False, resume_token=ResumeToken("s", {"crm": 7})
    )
    (request,) = bus.requests("LogTask")
    assert isinstance(request, LogTaskRequest)
    assert (request.task.external_id, request.task.site, dict(request.task.labels)) == ("42", "a", {"batch": "1"})
    assert request.request_id


def test_one_task_is_repeated_by_grpc_under_the_given_request_id(bus: ScriptedBus, client: EitherClient) -> None:
    logged = task_service_pb2.LoggedTask(id="1", connector="crm", sequence=7, duplicate=True)
    bus.answers("LogTask", OUTCOME_UNKNOWN, LogTaskResponse(task=logged))
    receipt = client.call(lambda each: each.log_task("crm", TaskType.DELETE_OBJECT, {}, request_id="mine"))
    assert receipt.duplicate
    ids = [request.request_id for request in bus.requests("LogTask") if isinstance(request, LogTaskRequest)]
    assert ids == ["mine", "mine"]


def test_an_outcome_that_stays_unknown_is_reported(bus: ScriptedBus, client: EitherClient) -> None:
    bus.answers("LogTask", *[OUTCOME_UNKNOWN] * 4)
    with pytest.raises(OutcomeUnknown):
        client.call(lambda each: each.log_task("crm", TaskType.DELETE_OBJECT, {}))
