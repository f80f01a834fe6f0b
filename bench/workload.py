"""The work: tasks that make persons, each with a record of about 300 bytes and the one before as boss."""

from functools import lru_cache

from google.protobuf.timestamp_pb2 import Timestamp

from integrationbus.v1.enums_pb2 import TASK_TYPE_CREATE_OBJECT
from integrationbus.v1.payload_pb2 import Payload, Record, Value
from integrationbus.v1.task_pb2 import TaskSpec
from integrationbus.v1.task_service_pb2 import (
    LogStreamEntry,
    LogTaskRequest,
    LogTasksRequest,
    LogTaskStreamRequest,
)

__all__ = ["APPLICATION", "boss_of", "log_task", "log_task_stream", "log_tasks", "record", "record_bytes", "spec"]

APPLICATION = "bench"

_STREET = "1 Long Street, the third house behind the mill, with the blue door and the bell"
_REGISTERED = Timestamp(seconds=1_700_000_000)


def boss_of(number: int) -> int | None:
    """Who is the boss of a person: somebody earlier, the same for two of them, and nobody for the first."""
    return number // 2 if number else None


def record(number: int) -> Record:
    """The record of a person."""
    boss = boss_of(number)
    return Record(
        fields={
            "login": Value(string_value=f"person-{number}"),
            "name": Value(string_value=f"Ada Person {number}"),
            "email": Value(string_value=f"ada.person.{number}@example.com"),
            "street": Value(string_value=_STREET),
            "city": Value(string_value="Lower Example-upon-Water"),
            "postcode": Value(string_value=f"{number % 100_000:05}"),
            "active": Value(bool_value=True),
            "registered": Value(timestamp_value=_REGISTERED),
            "boss": Value(null_value=True) if boss is None else Value(string_value=str(boss)),
        }
    )


def spec(number: int, connector: str) -> TaskSpec:
    """The task that makes a person."""
    return TaskSpec(
        connector=connector,
        task_type=TASK_TYPE_CREATE_OBJECT,
        external_id=str(number),
        payload=Payload(record=record(number)),
    )


def log_task(number: int, connector: str, request_id: str = "") -> bytes:
    """A request of LogTask, ready to be sent."""
    return LogTaskRequest(task=spec(number, connector), request_id=request_id).SerializeToString()


def log_tasks(numbers: range, connector: str) -> bytes:
    """A request of LogTasks, ready to be sent."""
    return LogTasksRequest(tasks=[spec(number, connector) for number in numbers]).SerializeToString()


def log_task_stream(place: int, number: int, connector: str) -> bytes:
    """A message of LogTaskStream, ready to be sent; ``place`` is its number in the stream."""
    entry = LogStreamEntry(number=place, task=spec(number, connector))
    return LogTaskStreamRequest(entry=entry).SerializeToString()


@lru_cache
def record_bytes() -> int:
    """How large a record is, typically."""
    return record(12_345).ByteSize()
