"""Tasks that were just stored, as watchers are told of them."""

from collections.abc import Iterable, Mapping, Sequence

from integrationbus.server.log_entries import LogEntry, LogReceipt
from integrationbus.server.task import TaskState
from integrationbus.server.task_events import TaskEvent, watched

__all__ = ["events_of_logged"]


def events_of_logged(
    stored: Iterable[tuple[LogEntry, LogReceipt]], connector_ids: Mapping[str, int]
) -> Sequence[TaskEvent]:
    """The first change of each task; none of what had been stored before."""
    return [
        TaskEvent(
            connector_id=connector_ids[task.connector],
            position=logged.position,
            sequence=logged.sequence,
            task=watched(task),
            state=TaskState.PENDING,
            occurred_at=receipt.stored_at,
            actor=task.creator,
        )
        for entry, receipt in stored
        if receipt.stored_at is not None
        for task, logged in zip(entry.tasks, receipt.tasks, strict=True)
    ]
