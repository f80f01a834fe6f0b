"""Receipts of stored tasks, written into the answer: a message that is made elsewhere would be copied into it."""

from collections.abc import Iterable

from integrationbus.server.log_entries import LoggedTask
from integrationbus.v1 import task_pb2, task_service_pb2

__all__ = ["write_logged", "write_token"]


def write_logged(receipt: task_service_pb2.LoggedTask, task: LoggedTask, *, duplicate: bool = False) -> None:
    """Write the receipt of a task."""
    receipt.id = task.id
    receipt.connector = task.connector
    receipt.sequence = task.sequence
    receipt.duplicate = duplicate


def write_token(token: task_pb2.ResumeToken, tasks: Iterable[LoggedTask], store_id: str) -> None:
    """Write where the changes of these tasks begin: for each connector, behind the first one's own entry.

    The token stays empty when there are no tasks.
    """
    for task in tasks:
        if task.connector not in token.positions:
            token.positions[task.connector] = task.position
            token.store_id = store_id
