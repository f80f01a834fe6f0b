"""Answers stay below what clients of every language take, and nothing gets lost at the cuts."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from integrationbus.server.rpc.answers import first_page, in_parts
from integrationbus.server.rpc.watching import watch_messages
from integrationbus.server.task import ProcessType, TaskDataType, TaskState, TaskType
from integrationbus.server.task_events import TaskEvent, WatchedTask
from integrationbus.server.watch import ChangeBatch, CheckpointMark, SnapshotPart
from integrationbus.v1.task_pb2 import ResumeToken, Task
from integrationbus.v1.task_service_pb2 import TaskChange

TAKEN_BY_DEFAULT = 4 * 1024 * 1024
MEBI = 1024 * 1024


def sized(number: int, size: int) -> Task:
    return Task(sequence=number, title="x" * size)


def event(connector: str, position: int, label_bytes: int = 0) -> TaskEvent:
    return TaskEvent(
        connector_id=1 if connector == "a" else 2,
        position=position,
        sequence=position,
        task=WatchedTask(
            id=f"{connector}{position}",
            connector=connector,
            task_type=TaskType.CREATE_OBJECT,
            data_type=TaskDataType.SIMPLE_SNAPSHOT,
            process_type=ProcessType.DEFAULT,
            object_type="",
            external_id="",
            site="",
            labels={"l": "x" * label_bytes},
            given_title="",
            creator="",
        ),
        state=TaskState.PENDING,
        occurred_at=datetime(2024, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(("number", "limit", "last"), [(0, 2, None), (1, 2, None), (2, 2, None), (3, 2, 1), (9, 2, 1)])
def test_a_page_ends_at_the_limit_and_says_whether_there_is_more(number: int, limit: int, last: int | None) -> None:
    page, place = first_page(((i, sized(i, 1)) for i in range(number)), limit)
    assert ([task.sequence for task in page], place) == (list(range(min(number, limit))), last)


def test_a_page_ends_before_it_is_too_large() -> None:
    items = iter([(i, sized(i, MEBI)) for i in range(10)])
    page, place = first_page(items, 10)
    assert (len(page), place) == (2, 1)
    assert next(items)[0] == 3, "it reads no more than it takes to know that there is more"


def test_what_is_too_large_for_any_page_stands_alone() -> None:
    page, place = first_page([(0, sized(0, 5 * MEBI)), (1, sized(1, 1))], 10)
    assert ([task.sequence for task in page], place) == ([0], 0)
    parts = list(in_parts([sized(0, 1), sized(1, 5 * MEBI), sized(2, 1)]))
    assert [[task.sequence for task in part] for part in parts] == [[0], [1], [2]]


def test_parts_hold_everything_once_and_in_order() -> None:
    parts = list(in_parts(sized(i, 300_000) for i in range(50)))
    assert [task.sequence for part in parts for task in part] == list(range(50))
    assert len(parts) > 1
    assert list(in_parts(iter(()))) == [[]]


def test_every_part_of_a_batch_of_changes_is_a_place_to_resume_from() -> None:
    events = [event(name, position, 50_000) for name in ("a", "b") for position in range(1, 101)]
    messages = list(watch_messages(ChangeBatch(events=events, positions={"a": 100, "b": 104}), "s"))
    assert len(messages) > 2
    assert all(message.ByteSize() < TAKEN_BY_DEFAULT for message in messages)
    token = ResumeToken()
    left = events
    for message in messages:
        changes: list[TaskChange] = list(message.changes.changes)
        token.MergeFrom(message.resume_token)
        left = left[len(changes) :]
        behind = [each for each in events if each.position > token.positions.get(each.task.connector, 0)]
        assert left == behind, "resumed here, the watch would go on with exactly what has not been sent"
    assert dict(token.positions) == {"a": 100, "b": 104}, "the last one leads as far as the whole batch"


def test_a_snapshot_of_nothing_is_complete_and_leads_to_its_token() -> None:
    item = SnapshotPart(tasks=[], complete=True, positions={"a": 5})
    [message] = watch_messages(item, "s")
    assert message.snapshot.complete
    assert message.WhichOneof("content") == "snapshot"
    assert dict(message.resume_token.positions) == {"a": 5}


def test_a_checkpoint_is_a_message_even_when_nothing_moved() -> None:
    [message] = watch_messages(CheckpointMark(positions={}), "s")
    assert message.WhichOneof("content") == "checkpoint"
    assert message.resume_token == ResumeToken()


def test_the_parts_are_as_few_as_can_be() -> None:
    parts = list(in_parts(sized(i, 700_000) for i in range(20)))
    assert all(sum(task.ByteSize() for task in one + two) > 3 * MEBI for one, two in pairwise(parts))
