"""Releasing a connector from its halt, and what becomes of the task that caused it."""

from sqlalchemy import Connection, update

from integrationbus.server.connector import HeadAction
from integrationbus.server.errors import TaskRunning
from integrationbus.server.storage import schema
from integrationbus.server.storage.connectors import find
from integrationbus.server.storage.journal import ChangeNote, lock_head
from integrationbus.server.storage.operating import change_tasks
from integrationbus.server.storage.rows import task_from_row, tasks_select
from integrationbus.server.task import TaskActionKind, TaskState

__all__ = ["clear_halt"]

_connector, _task = schema.connector, schema.task

_ACTIONS = {HeadAction.SKIP: TaskActionKind.SKIP, HeadAction.DELETE: TaskActionKind.DELETE}


def clear_halt(connection: Connection, name: str, action: HeadAction, note: ChangeNote) -> bool:
    """See ``Store.clear_halt``."""
    lock_head(connection, find(connection, name).id)
    record = find(connection, name)
    if record.halted_sequence is None:
        return False
    own = (_task.c.connector_id == record.id, _task.c.sequence == record.halted_sequence)
    head = task_from_row(connection.execute(tasks_select(with_payload=False).where(*own)).one())
    if action in _ACTIONS and head.state is TaskState.RUNNING:
        raise TaskRunning(f"task {head.id} is being processed right now; ask again when it is settled")
    if action in _ACTIONS:
        change_tasks(connection, record.id, _ACTIONS[action], [head], note)
    else:
        # A wait that ended in failure may begin anew.
        connection.execute(update(_task).where(*own).values(wait_deadline=None))
    connection.execute(update(_connector).where(_connector.c.id == record.id).values(halted_sequence=None))
    return True
