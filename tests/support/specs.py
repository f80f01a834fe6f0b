"""Tasks as callers describe them."""

from integrationbus.v1 import enums_pb2, payload_pb2, task_pb2
from integrationbus.v1.task_service_pb2 import LogTaskRequest

__all__ = ["log_request", "person", "text_record"]


def text_record(**fields: str) -> payload_pb2.Record:
    """A record of texts."""
    return payload_pb2.Record(fields={name: payload_pb2.Value(string_value=text) for name, text in fields.items()})


def person(name: str, connector: str = "people", **fields: str) -> task_pb2.TaskSpec:
    """A task that makes a person."""
    return task_pb2.TaskSpec(
        connector=connector,
        task_type=enums_pb2.TASK_TYPE_CREATE_OBJECT,
        external_id=name,
        payload=payload_pb2.Payload(record=text_record(name=name, **fields)),
    )


def log_request(name: str, request_id: str = "", connector: str = "people") -> LogTaskRequest:
    """The request to log it."""
    return LogTaskRequest(task=person(name, connector), request_id=request_id)
