"""The same work as the Python client and the door take it."""

from datetime import UTC

from bench import workload
from integrationbus.client import NewTask, TaskType

__all__ = ["fields_of", "new_tasks"]


def new_tasks(numbers: range, connector: str) -> list[NewTask]:
    """Tasks that make persons, as in ``workload``."""
    return [NewTask(connector, TaskType.CREATE_OBJECT, fields_of(number), external_id=number) for number in numbers]


def fields_of(number: int) -> dict[str, object]:
    """The record of a person."""
    fields: dict[str, object] = {}
    for name, value in workload.record(number).fields.items():
        kind = value.WhichOneof("kind")
        if kind == "null_value":
            fields[name] = None
        elif kind == "timestamp_value":
            fields[name] = value.timestamp_value.ToDatetime(UTC)
        else:
            fields[name] = value.string_value if kind == "string_value" else value.bool_value
    return fields
