"""Tasks that were just stored, as watchers are told of them."""

from collections.abc import Iterable, Mapping, Sequence

from integrationbus.server.log_entries import LogEntry, LogReceipt
from integrationbus.server.task import TaskState
from integrationbus.server.task_queries import TaskEvent

__all__ = ["events_of_logged"]


def events_of_logged(
    stored: Iterable[tuple[LogEntry, LogReceipt]], connector_ids: Mapping[str, int]
) -> Sequence[TaskEvent]:
    """The first change of each task; none of what had been stored before."""
    return [
        TaskEvent(
            connector_id=connector_ids[task.connector],
            connector=task.connector,
            position=logged.position,
            sequence=logged.sequence,
            task_id=task.id,
            state=TaskState.PENDING,
            previous_state=None,
            attempt=0,
            error=None,
            result=None,
            run_id="",
            occurred_at=receipt.stored_at,
            task_type=task.task_type,
            data_type=task.data_type,
            process_type=task.process_type,
            object_type=task.object_type,
            external_id=task.external_id,
            site=task.site,
            creator=task.creator,
            title=task.title,
            labels=task.labels,
            actor=task.creator,
        )
        for entry, receipt in stored
        if receipt.stored_at is not None
        for task, logged in zip(entry.tasks, receipt.tasks, strict=True)
    ]
