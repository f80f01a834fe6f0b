"""Taking a connector whose objects are in another database: what was done there counts, the rest is put back."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from sqlalchemy import Connection

from integrationbus.server.claims import Settled, Settlement
from integrationbus.server.connector import Lease
from integrationbus.server.effects import Finished, Taken
from integrationbus.server.storage import schema
from integrationbus.server.storage.attempts import run_in_hand
from integrationbus.server.storage.journal import ChangeNote
from integrationbus.server.storage.leases import check_fence, recover
from integrationbus.server.storage.rows import task_from_row, tasks_select
from integrationbus.server.storage.settling import settle
from integrationbus.server.task import TaskResult, TaskState

__all__ = ["take_over"]

_task = schema.task


def take_over(
    connection: Connection, lease: Lease, run_id: str, finished: Finished, *, crashed: bool, now: int, duration: int
) -> Taken:
    """See ``Store.take_over``. ``now`` is, and the lease lasts ``duration``, in microseconds."""
    check_fence(connection, lease, now, duration)
    done = list(_done(connection, lease.connector_id, finished.results))
    follows = Settled()
    if done:
        note = ChangeNote(occurred_at=now, run_id=run_in_hand(connection, lease.connector_id))
        follows = settle(connection, lease, done, finished.names, note)
    recover(connection, lease.connector_id, run_id, crashed=crashed, now=now)
    return Taken(lease=lease, settled=len(done), follows=follows)


def _done(connection: Connection, connector_id: int, results: Mapping[str, TaskResult]) -> Iterator[Settlement]:
    """Settlements of the RUNNING tasks that have a result, each with its task as it was before the claim."""
    statement = tasks_select(with_payload=False).where(
        _task.c.connector_id == connector_id, _task.c.in_line, _task.c.state == TaskState.RUNNING
    )
    for task in map(task_from_row, connection.execute(statement.order_by(_task.c.sequence))):
        if task.id in results:
            yield Settlement(task=replace(task, attempt_count=task.attempt_count - 1), result=results[task.id])
