"""Removing what is over and was kept long enough, a part at a time."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import Connection, delete, select, tuple_, update

from integrationbus.server.retention import Purged, Retention
from integrationbus.server.storage import schema
from integrationbus.server.storage.journal import lock_head
from integrationbus.server.task import TaskState

__all__ = ["purge_connector", "purge_records"]

_task, _event, _head, _run, _request = (
    schema.task,
    schema.task_event,
    schema.connector_head,
    schema.run,
    schema.request,
)

_EVENTS_OF_A_TASK = 4
"""How many changes may go for each task: most tasks have three, and they are the smaller part of the work."""

_OF_TASKS = (schema.task_attempt, schema.task_action, schema.applied, _task)
"""The tables with rows of settled tasks, those that refer to tasks first."""


def purge_connector(connection: Connection, connector_id: int, retention: Retention, now: int, limit: int) -> Purged:
    """See ``Store.purge_connector``. ``now`` is in microseconds.

    Changes go first, because a task goes only after its last change.
    """
    lock_head(connection, connector_id)
    floor: int = connection.execute(select(_head.c.feed_floor).where(_head.c.connector_id == connector_id)).scalar_one()
    events, most = 0, limit * _EVENTS_OF_A_TASK
    if retention.events is not None:
        newest = _newest_old_event(connection, connector_id, floor, _before(now, retention.events), most)
        if newest > floor:
            events, floor = newest - floor, newest
            _remove_events(connection, connector_id, floor)
    kept = {
        TaskState.SUCCEEDED: retention.succeeded,
        TaskState.FAILED: retention.failed,
        TaskState.SKIPPED: retention.failed,
        TaskState.DELETED: retention.deleted,
    }
    cutoffs = {state: _before(now, how_long) for state, how_long in kept.items() if how_long is not None}
    tasks = _settled_before(connection, connector_id, cutoffs, floor, limit)
    if tasks:
        _remove_tasks(connection, connector_id, tasks)
    return Purged(tasks=len(tasks), events=events, more=len(tasks) == limit or events == most)


def purge_records(connection: Connection, retention: Retention, now: int, limit: int) -> Purged:
    """See ``Store.purge_records``. ``now`` is in microseconds. What somebody else is removing is left to them."""
    requests = runs = 0
    if retention.request_ids is not None:
        key = tuple_(_request.c.creator, _request.c.request_id)
        found = connection.execute(
            select(_request.c.creator, _request.c.request_id)
            .where(_request.c.stored_at <= _before(now, retention.request_ids))
            .order_by(_request.c.stored_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).all()
        requests = len(found)
        if found:
            connection.execute(delete(_request).where(key.in_([tuple(row) for row in found])))
    if retention.runs is not None:
        ids = list(
            connection.execute(
                select(_run.c.id)
                .where(_run.c.ended_at <= _before(now, retention.runs))
                .order_by(_run.c.ended_at)
                .limit(limit)
                .with_for_update(skip_locked=True)
            ).scalars()
        )
        runs = len(ids)
        if ids:
            connection.execute(delete(_run).where(_run.c.id.in_(ids)))
    return Purged(request_ids=requests, runs=runs, more=limit in (requests, runs))


def _before(now: int, kept: timedelta) -> int:
    return now - kept // timedelta(microseconds=1)


def _newest_old_event(connection: Connection, connector_id: int, floor: int, cutoff: int, limit: int) -> int:
    """The position up to which changes are old enough; the floor when none is.

    What comes before an old change is old as well, whatever a clock that jumped wrote into it.
    """
    events = connection.execute(
        select(_event.c.position, _event.c.occurred_at)
        .where(_event.c.connector_id == connector_id, _event.c.position > floor)
        .order_by(_event.c.position)
        .limit(limit)
    )
    return max((row.position for row in events if row.occurred_at <= cutoff), default=floor)


def _remove_events(connection: Connection, connector_id: int, floor: int) -> None:
    """Remove the changes up to a position, which becomes the floor of the feed."""
    connection.execute(delete(_event).where(_event.c.connector_id == connector_id, _event.c.position <= floor))
    connection.execute(update(_head).where(_head.c.connector_id == connector_id).values(feed_floor=floor))


def _settled_before(
    connection: Connection, connector_id: int, cutoffs: Mapping[TaskState, int], floor: int, limit: int
) -> dict[int, TaskState]:
    """Tasks that were settled long enough ago and have no change in the feed any more, by sequence."""
    found: dict[int, TaskState] = {}
    for state, cutoff in cutoffs.items():
        old = (
            select(_task.c.sequence, _task.c.position)
            .where(_task.c.connector_id == connector_id, _task.c.state == state, _task.c.settled_at <= cutoff)
            .order_by(_task.c.settled_at)
            .limit(limit - len(found))
        )
        found |= {row.sequence: state for row in connection.execute(old) if row.position <= floor}
    return found


def _remove_tasks(connection: Connection, connector_id: int, tasks: Mapping[int, TaskState]) -> None:
    """Remove tasks with all that belongs to them, and keep their numbers."""
    for table in _OF_TASKS:
        connection.execute(delete(table).where(table.c.connector_id == connector_id, table.c.sequence.in_(list(tasks))))
    numbers = Counter(state.name.lower() for state in tasks.values())
    highest = max(tasks)
    values = {name: _head.c[name] - number for name, number in numbers.items()}
    values |= {f"purged_{name}": _head.c[f"purged_{name}"] + number for name, number in numbers.items()}
    connection.execute(update(_head).where(_head.c.connector_id == connector_id).values(values))
    connection.execute(
        update(_head)
        .where(_head.c.connector_id == connector_id, _head.c.purged_sequence < highest)
        .values(purged_sequence=highest)
    )
