"""Connectors on record: names, pauses and halts."""

from collections.abc import Mapping

from sqlalchemy import Connection, insert, select, update

from integrationbus.server.connector import ConnectorRecord, HeadAction
from integrationbus.server.errors import ConnectorNotFound
from integrationbus.server.storage import schema
from integrationbus.server.storage.journal import Change, ChangeNote, record_changes
from integrationbus.server.storage.rows import record_from_row, records_select, task_from_row, tasks_select
from integrationbus.server.task import TaskState

__all__ = ["clear_halt", "find", "register", "set_paused"]

_connector, _task = schema.connector, schema.task

_AFTER_HALT = {HeadAction.SKIP: TaskState.SKIPPED, HeadAction.DELETE: TaskState.DELETED}


def register(connection: Connection, class_paths: Mapping[str, str], now: int) -> None:
    """See ``Store.register_connectors``."""
    known = {row.name: row for row in connection.execute(select(_connector.c.id, _connector.c.name))}
    for name, class_path in sorted(class_paths.items()):
        if name in known:
            connection.execute(update(_connector).where(_connector.c.name == name).values(class_path=class_path))
            continue
        values = {"name": name, "class_path": class_path, "created_at": now}
        connector_id = connection.execute(insert(_connector).values(values).returning(_connector.c.id)).scalar_one()
        connection.execute(insert(schema.connector_head).values(connector_id=connector_id))
        connection.execute(insert(schema.lease).values(connector_id=connector_id))


def find(connection: Connection, name: str) -> ConnectorRecord:
    """See ``Store.connector``."""
    row = connection.execute(records_select().where(_connector.c.name == name)).one_or_none()
    if row is None:
        raise ConnectorNotFound(name)
    return record_from_row(row)


def set_paused(connection: Connection, name: str, *, paused: bool, actor: str, reason: str) -> None:
    """See ``Store.set_paused``."""
    values = {"paused": paused, "paused_by": actor, "pause_reason": reason}
    if connection.execute(update(_connector).where(_connector.c.name == name).values(values)).rowcount == 0:
        raise ConnectorNotFound(name)


def clear_halt(connection: Connection, name: str, action: HeadAction, note: ChangeNote) -> bool:
    """See ``Store.clear_halt``."""
    record = find(connection, name)
    if record.halted_sequence is None:
        return False
    if action in _AFTER_HALT:
        _settle_head(connection, record, _AFTER_HALT[action], note)
    connection.execute(update(_connector).where(_connector.c.id == record.id).values(halted_sequence=None))
    return True


def _settle_head(connection: Connection, record: ConnectorRecord, state: TaskState, note: ChangeNote) -> None:
    statement = tasks_select(with_payload=False).where(
        _task.c.connector_id == record.id, _task.c.sequence == record.halted_sequence
    )
    head = task_from_row(connection.execute(statement).one())
    change = Change(
        task=head,
        previous=head.state,
        state=state,
        attempt=head.attempt_count,
        columns={"in_line": False, "next_attempt_at": None},
    )
    record_changes(connection, record.id, [change], note)
