"""Questions about tasks, events and runs."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Row, Select, bindparam, select, tuple_

from integrationbus.server.clock import from_micros
from integrationbus.server.errors import RunNotFound, TaskNotFound
from integrationbus.server.run import Run
from integrationbus.server.storage import schema
from integrationbus.server.storage.labels import HasLabel
from integrationbus.server.storage.rows import (
    event_from_row,
    events_select,
    run_from_row,
    runs_select,
    task_from_row,
    tasks_select,
)
from integrationbus.server.storage.waiting import awaited_keys
from integrationbus.server.task import Task, TaskState
from integrationbus.server.task_events import EventPage
from integrationbus.server.task_queries import TaskPage, TaskQuery

__all__ = [
    "list_tasks",
    "oldest_waiting",
    "read_events",
    "read_run",
    "read_runs",
    "read_task",
    "task_conditions",
]

_task, _event, _run, _head = schema.task, schema.task_event, schema.run, schema.connector_head


def read_task(connection: Connection, task_id: str, *, with_payload: bool) -> Task:
    """See ``Store.task``."""
    row = connection.execute(tasks_select(with_payload=with_payload).where(_task.c.id == task_id)).one_or_none()
    if row is None:
        raise TaskNotFound(task_id)
    return _with_waits(connection, [row])[0]


def list_tasks(
    connection: Connection,
    query: TaskQuery,
    *,
    after: tuple[int, int] | None,
    limit: int,
    with_payload: bool,
    newest_first: bool,
) -> TaskPage:
    """See ``Store.tasks``. One row more than asked for is read, to know whether there is a next part."""
    place = tuple_(_task.c.connector_id, _task.c.sequence)
    statement = tasks_select(with_payload=with_payload).where(*task_conditions(query)).limit(limit + 1)
    if after is not None:
        statement = statement.where(place < after if newest_first else place > after)
    keys = (_task.c.connector_id, _task.c.sequence)
    statement = statement.order_by(*(key.desc() if newest_first else key for key in keys))
    rows = connection.execute(statement).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return TaskPage(
        tasks=_with_waits(connection, rows[:limit]),
        next_after=None if last is None else (last.connector_id, last.sequence),
    )


def read_events(connection: Connection, connector_id: int, *, after_position: int, limit: int) -> EventPage:
    """See ``Store.events``."""
    head = connection.execute(_FEED, {"connector": connector_id}).one()
    rows = connection.execute(_EVENTS, {"connector": connector_id, "after": after_position, "limit": limit})
    events = [event_from_row(row, head.name) for row in rows]
    return EventPage(events=events, newest_position=head.last_position, floor=head.feed_floor)


_FEED = (
    select(_head.c.last_position, _head.c.feed_floor, schema.connector.c.name)
    .join(schema.connector, schema.connector.c.id == _head.c.connector_id)
    .where(_head.c.connector_id == bindparam("connector"))
)
_EVENTS = (
    events_select()
    .where(_event.c.connector_id == bindparam("connector"), _event.c.position > bindparam("after"))
    .order_by(_event.c.position)
    .limit(bindparam("limit", type_=Integer))
)


def read_run(connection: Connection, run_id: str) -> Run:
    """See ``Store.run``."""
    row = connection.execute(runs_select().where(_run.c.id == run_id)).one_or_none()
    if row is None:
        raise RunNotFound(run_id)
    return run_from_row(row)


def read_runs(connection: Connection, connector_id: int | None, *, before: str | None, limit: int) -> list[Run]:
    """See ``Store.runs``. Ids of runs are time-ordered, so they are the order of the list."""
    statement: Select[Any] = runs_select().order_by(_run.c.id.desc()).limit(limit)
    if connector_id is not None:
        statement = statement.where(_run.c.connector_id == connector_id)
    if before is not None:
        statement = statement.where(_run.c.id < before)
    return [run_from_row(row) for row in connection.execute(statement)]


def oldest_waiting(connection: Connection, connector_id: int) -> datetime | None:
    """See ``Store.oldest_waiting``."""
    micros: int | None = connection.execute(
        select(_task.c.logged_at)
        .where(_task.c.connector_id == connector_id, _task.c.in_line)
        .order_by(_task.c.sequence)
        .limit(1)
    ).scalar_one_or_none()
    return None if micros is None else from_micros(micros)


def _with_waits(connection: Connection, rows: Sequence[Row[Any]]) -> list[Task]:
    """The tasks of rows; the waiting ones with what they wait for."""
    waiting = [(row.connector_id, row.sequence) for row in rows if row.state == TaskState.WAITING]
    keys = awaited_keys(connection, waiting) if waiting else {}
    tasks = [task_from_row(row) for row in rows]
    if not keys:
        return tasks
    return [
        replace(task, waiting_for=tuple(keys.get((row.connector_id, row.sequence), ())))
        for task, row in zip(tasks, rows, strict=True)
    ]


def task_conditions(query: TaskQuery) -> list[ColumnElement[bool]]:
    """What a task must be like to match a query."""
    lists = {
        _task.c.connector_id: query.connector_ids,
        _task.c.state: query.states,
        _task.c.task_type: query.task_types,
        _task.c.data_type: query.data_types,
        _task.c.process_type: query.process_types,
        _task.c.id: query.task_ids,
        _task.c.external_id: query.external_ids,
    }
    texts = {_task.c.object_type: query.object_type, _task.c.site: query.site, _task.c.creator: query.creator}
    return [
        *(column.in_(values) for column, values in lists.items() if values),
        *(column == text for column, text in texts.items() if text),
        *(HasLabel(name, value) for name, value in query.labels.items()),
        *_waiting_for(query),
    ]


def _waiting_for(query: TaskQuery) -> Iterator[ColumnElement[bool]]:
    wait = schema.task_wait
    texts = {wait.c.object_type: query.waiting_for_type, wait.c.external_id: query.waiting_for_id}
    wanted = [column == text for column, text in texts.items() if text]
    if wanted:
        yield tuple_(_task.c.connector_id, _task.c.sequence).in_(
            select(wait.c.connector_id, wait.c.sequence).where(*wanted)
        )
