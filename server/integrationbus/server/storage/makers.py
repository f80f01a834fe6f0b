"""Which task will make an object that another one misses."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, select, true, tuple_

from integrationbus.server.object_names import PAGE, is_external_id
from integrationbus.server.problems import MissingKey
from integrationbus.server.storage import schema
from integrationbus.server.storage.rows import task_from_row, tasks_select
from integrationbus.server.task import Task, TaskType

__all__ = ["task_that_will_make"]

_FAR_ENOUGH = 10_000
"""How many tasks of the line are searched."""

_task, _subject, _connector = schema.task, schema.task_subject, schema.connector


def task_that_will_make(
    connection: Connection, connector_id: int, but: Collection[int], key: MissingKey
) -> Task | None:
    """The task of a connector's line that will make a missing object, if it is near, or a waiting task that will.

    ``but`` are the sequences of tasks of the connector that will not. A waiting task may be another connector's, unless
    the object is known by an external id: each connector has its own.
    """
    if not key.awaited.external_id:
        return None
    maker = _own_task(connection, connector_id, but, key)
    return maker if maker is not None or is_external_id(key.name) else _waiting_task(connection, connector_id, key)


def _own_task(connection: Connection, connector_id: int, but: Collection[int], key: MissingKey) -> Task | None:
    object_type = key.awaited.object_type
    near = (
        select(_task.c.sequence)
        .where(_task.c.connector_id == connector_id, _task.c.in_line)
        .order_by(_task.c.sequence)
        .limit(_FAR_ENOUGH)
    )
    waiting = select(_subject.c.sequence).where(_subject.c.connector_id == connector_id, *_is_about(key))
    return _first(
        connection,
        _task.c.connector_id == connector_id,
        _task.c.sequence.not_in(but),
        _task.c.sequence.in_(near) & (_task.c.external_id == key.awaited.external_id) | _task.c.sequence.in_(waiting),
        _task.c.object_type.in_(("", object_type)) if object_type != PAGE else true(),
        _makes(object_type),
    )


def _waiting_task(connection: Connection, connector_id: int, key: MissingKey) -> Task | None:
    """A waiting task of another connector."""
    # The connectors are named because the index begins with them.
    others = select(_connector.c.id).where(_connector.c.id != connector_id)
    waiting = select(_subject.c.connector_id, _subject.c.sequence).where(
        _subject.c.connector_id.in_(others), *_is_about(key)
    )
    place = tuple_(_task.c.connector_id, _task.c.sequence)
    return _first(connection, place.in_(waiting), _makes(key.awaited.object_type))


def _is_about(key: MissingKey) -> tuple[ColumnElement[bool], ...]:
    object_type, name = key.name
    return (_subject.c.object_type == object_type, _subject.c.name == name)


def _makes(object_type: str) -> ColumnElement[bool]:
    for_pages = object_type == PAGE
    return _task.c.task_type.in_([each for each in TaskType if each.writes_columns and each.is_for_pages == for_pages])


def _first(connection: Connection, *conditions: ColumnElement[bool]) -> Task | None:
    statement = tasks_select(with_payload=False).where(*conditions).order_by(_task.c.sequence).limit(1)
    row = connection.execute(statement).first()
    return None if row is None else task_from_row(row)
