"""Receipts of stored tasks."""

from collections.abc import Iterable

from integrationbus.server.log_entries import LoggedTask
from integrationbus.server.rpc.queries import write_resume_token
from integrationbus.v1 import task_pb2, task_service_pb2

__all__ = ["render_logged", "token_of"]


def render_logged(task: LoggedTask, *, duplicate: bool) -> task_service_pb2.LoggedTask:
    """The receipt of a task."""
    return task_service_pb2.LoggedTask(
        id=task.id, connector=task.connector, sequence=task.sequence, duplicate=duplicate
    )


def token_of(tasks: Iterable[LoggedTask], store_id: str) -> task_pb2.ResumeToken:
    """Where the changes of these tasks begin: for each connector, behind the first one's own entry."""
    positions: dict[str, int] = {}
    for task in tasks:
        positions.setdefault(task.connector, task.position)
    return write_resume_token(positions, store_id)
