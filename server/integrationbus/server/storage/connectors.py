"""Connectors on record: names, pauses and halts."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from integrationbus.server.clock import from_micros
from integrationbus.server.connector import ConnectorRecord
from integrationbus.server.errors import ConnectorNotFound
from integrationbus.server.storage import schema
from integrationbus.server.storage.connector_rows import record_from_row, records_select
from integrationbus.server.switches import Switch, SwitchState

__all__ = ["find", "list_switches", "register", "set_enabled", "set_paused", "set_switch"]

_connector, _task, _switch = schema.connector, schema.task, schema.switch


def register(connection: Connection, class_paths: Mapping[str, str], now: int) -> None:
    """See ``Store.register_connectors``."""
    known = {row.name: row for row in connection.execute(select(_connector.c.id, _connector.c.name))}
    for name, class_path in sorted(class_paths.items()):
        if name in known:
            # Only a row that changes is locked: a server that stands still may have it, and this one is to start.
            moved = update(_connector).where(_connector.c.name == name, _connector.c.class_path != class_path)
            connection.execute(moved.values(class_path=class_path))
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


def set_enabled(connection: Connection, name: str, *, enabled: bool, actor: str, reason: str) -> None:
    """See ``Store.set_enabled``."""
    values = {"enabled": enabled, "disabled_by": actor, "disable_reason": reason}
    if connection.execute(update(_connector).where(_connector.c.name == name).values(values)).rowcount == 0:
        raise ConnectorNotFound(name)


def list_switches(connection: Connection) -> list[SwitchState]:
    """See ``Store.switches``."""
    return [_switch_from_row(row) for row in connection.execute(select(_switch).order_by(_switch.c.id))]


def set_switch(connection: Connection, switch: Switch, *, on: bool, actor: str, reason: str, now: int) -> SwitchState:
    """See ``Store.set_switch``."""
    values = {"is_on": on, "changed_by": actor, "reason": reason, "changed_at": now}
    connection.execute(update(_switch).where(_switch.c.id == switch).values(values))
    return _switch_from_row(connection.execute(select(_switch).where(_switch.c.id == switch)).one())


def _switch_from_row(row: Row[Any]) -> SwitchState:
    return SwitchState(
        switch=Switch(row.id),
        on=row.is_on,
        changed_by=row.changed_by,
        reason=row.reason,
        changed_at=None if row.changed_at is None else from_micros(row.changed_at),
    )
