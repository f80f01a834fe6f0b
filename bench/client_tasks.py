"""The same work as the Python client and the door take it."""

from datetime import UTC

from bench import workload
from integrationbus.client import NewTask, TaskType

__all__ = ["new_tasks"]


def new_tasks(numbers: range, connector: str) -> list[NewTask]:
    """Tasks that make persons, as in ``workload``."""
    return [_new_task(number, connector) for number in numbers]


def _new_task(number: int, connector: str) -> NewTask:
    fields: dict[str, object] = {}
    for name, value in workload.record(number).fields.items():
        kind = value.WhichOneof("kind")
        if kind == "null_value":
            fields[name] = None
        elif kind == "timestamp_value":
            fields[name] = value.timestamp_value.ToDatetime(UTC)
        else:
            fields[name] = value.string_value if kind == "string_value" else value.bool_value
    return NewTask(connector, TaskType.CREATE_OBJECT, fields, external_id=number)
