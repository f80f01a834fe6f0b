"""Rows of connectors to values."""

from typing import Any

from sqlalchemy import Exists, Row, ScalarSelect, Select, exists, func, select

from integrationbus.server.connector import ConnectorRecord, TaskCounts
from integrationbus.server.storage import schema
from integrationbus.server.storage.rows import halting_task, joins_halting_task
from integrationbus.server.switches import Switch
from integrationbus.server.task import TaskState

__all__ = ["record_from_row", "records_select"]

_connector, _head, _run = schema.connector, schema.connector_head, schema.run


def _switched_off() -> ScalarSelect[Any]:
    """How many switches hold all processing."""
    gates = (Switch.BUS, Switch.PROCESSING)
    return select(func.count()).where(schema.switch.c.id.in_(gates), schema.switch.c.is_on.is_(False)).scalar_subquery()


def _run_open() -> Exists:
    return exists().where(_run.c.connector_id == _connector.c.id, schema.OPEN_RUN)


def records_select() -> Select[Any]:
    """Connectors with their counters; for record_from_row."""
    return (
        select(
            _connector,
            _head,
            halting_task.c.id.label("halted_by"),
            _switched_off().label("switched_off"),
            _run_open().label("run_open"),
        )
        .join(_head, _head.c.connector_id == _connector.c.id)
        .outerjoin(halting_task, joins_halting_task())
        .order_by(_connector.c.name)
    )


def record_from_row(row: Row[Any]) -> ConnectorRecord:
    """A connector of records_select."""
    return ConnectorRecord(
        id=row.id,
        name=row.name,
        class_path=row.class_path,
        paused=row.paused,
        paused_by=row.paused_by,
        pause_reason=row.pause_reason,
        enabled=row.enabled,
        disabled_by=row.disabled_by,
        disable_reason=row.disable_reason,
        processing_on=not row.switched_off,
        run_open=row.run_open,
        halted_by=row.halted_by or "",
        halted_sequence=row.halted_sequence,
        position=row.last_position,
        feed_floor=row.feed_floor,
        counts=TaskCounts(**{state.name.lower(): getattr(row, state.name.lower()) for state in TaskState}),
    )
