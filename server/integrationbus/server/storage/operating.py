"""What operators do with tasks: retry, skip, delete."""

from collections.abc import Sequence

from sqlalchemy import Connection, Select, select, tuple_

from integrationbus.server.clock import from_micros
from integrationbus.server.errors import EtagMismatch
from integrationbus.server.storage import attempts, schema, waiting
from integrationbus.server.storage.insertion import Insertion
from integrationbus.server.storage.journal import Change, ChangeNote, lock_head, record_changes
from integrationbus.server.storage.leases import release_halt
from integrationbus.server.storage.reading import read_task, task_conditions
from integrationbus.server.storage.rows import task_from_row, tasks_select
from integrationbus.server.task import (
    FINAL_STATES,
    Task,
    TaskAction,
    TaskActionKind,
    TaskAttempt,
    TaskState,
    Turn,
)
from integrationbus.server.task_queries import ActionPage, TaskQuery

__all__ = ["act_on", "change_tasks", "connectors_with_called", "list_history"]

_task, _action = schema.task, schema.task_action
_ACTIONS = Insertion(_action, ("connector_id", "sequence", "position", "state", "actor", "reason", "occurred_at"))

_UNTOUCHABLE = FINAL_STATES | {TaskState.RUNNING}


def act_on(
    connection: Connection,
    action: TaskActionKind,
    selection: TaskQuery,
    note: ChangeNote,
    *,
    after: tuple[int, int] | None,
    limit: int,
    etag: str,
    rehearse: bool,
) -> ActionPage:
    """See ``Store.act_on``."""
    connector_id = _next_connector(connection, selection, after)
    if connector_id is None:
        return ActionPage(affected=(), refused={}, next_after=None)
    lock_head(connection, connector_id)
    statement = _matching(selection, after).where(_task.c.connector_id == connector_id).limit(limit)
    tasks = [task_from_row(row) for row in connection.execute(statement)]
    if etag and any(str(task.position) != etag for task in tasks):
        raise EtagMismatch("the task changed since its etag was read; read it again")
    willing = [task for task in tasks if task.state not in _UNTOUCHABLE]
    released = called = False
    if willing and not rehearse:
        willing += _followers_that_match(connection, connector_id, action, selection, willing)
        called = change_tasks(connection, connector_id, action, willing, note)
        if action is not TaskActionKind.RETRY:
            released = any(release_halt(connection, connector_id, task.sequence) for task in willing)
    return ActionPage(
        affected=[task.id for task in willing],
        refused={task.id: task.state for task in tasks if task.state in _UNTOUCHABLE},
        # The next part may be of another connector.
        next_after=(connector_id, tasks[-1].sequence if tasks else 1 << 62),
        released=released,
        called=called,
    )


def list_history(connection: Connection, task_id: str) -> tuple[Sequence[TaskAttempt], Sequence[TaskAction]]:
    """See ``Store.attempts``."""
    task = read_task(connection, task_id, with_payload=False)
    own = select(_task.c.connector_id).where(_task.c.id == task.id).scalar_subquery()
    actions = connection.execute(
        select(_action)
        .where(_action.c.connector_id == own, _action.c.sequence == task.sequence)
        .order_by(_action.c.position)
    )
    return attempts.list_attempts(connection, task_id), [
        TaskAction(
            state=TaskState(row.state), actor=row.actor, reason=row.reason, occurred_at=from_micros(row.occurred_at)
        )
        for row in actions
    ]


def connectors_with_called(connection: Connection) -> list[str]:
    """See ``Store.called``."""
    called = select(_task.c.connector_id).where(schema.CALLED)
    table = schema.connector
    return list(connection.execute(select(table.c.name).where(table.c.id.in_(called))).scalars())


def _next_connector(connection: Connection, selection: TaskQuery, after: tuple[int, int] | None) -> int | None:
    found = connection.execute(_matching(selection, after).with_only_columns(_task.c.connector_id).limit(1))
    return found.scalar_one_or_none()


def _matching(selection: TaskQuery, after: tuple[int, int] | None) -> Select[tuple[object, ...]]:
    place = (_task.c.connector_id, _task.c.sequence)
    statement = tasks_select(with_payload=False).where(*task_conditions(selection)).order_by(*place)
    return statement if after is None else statement.where(tuple_(*place) > after)


def _followers_that_match(
    connection: Connection, connector_id: int, action: TaskActionKind, selection: TaskQuery, tasks: Sequence[Task]
) -> list[Task]:
    """Those that wait behind the tasks and are selected as well: they must not be called back only to be taken out."""
    if action is TaskActionKind.RETRY or not any(task.state is TaskState.WAITING for task in tasks):
        return []
    own = {task.sequence for task in tasks}
    followers = waiting.all_followers(connection, connector_id, own) - own
    statement = _matching(selection, None).where(
        _task.c.connector_id == connector_id, _task.c.sequence.in_(sorted(followers))
    )
    return [task_from_row(row) for row in connection.execute(statement)]


def change_tasks(
    connection: Connection, connector_id: int, action: TaskActionKind, tasks: Sequence[Task], note: ChangeNote
) -> bool:
    """Do one thing with tasks, and call those back that wait behind them; returns whether there were any of these."""
    waiting_ones = [task.sequence for task in tasks if task.state is TaskState.WAITING]
    followers = waiting.followers_of(connection, connector_id, waiting_ones)
    followers -= {task.sequence for task in tasks}
    waiting.stop_waiting(connection, connector_id, waiting_ones)
    columns = _RETRY if action is TaskActionKind.RETRY else _TAKEN_OUT
    changes = [
        Change(task=task, previous=task.state, state=action.state, attempt=task.attempt_count, columns=columns)
        for task in tasks
    ]
    positions = record_changes(connection, connector_id, changes, note)
    actions = [
        (connector_id, task.sequence, position, int(action.state), note.actor, note.reason, note.occurred_at)
        for task, position in zip(tasks, positions, strict=True)
    ]
    _ACTIONS.run(connection, actions)
    return waiting.call_back(connection, connector_id, followers, note) > 0


_RETRY = {
    "in_line": True,
    "turn": Turn.REQUESTED,
    "next_attempt_at": None,
    "retry_count": 0,
    "wait_deadline": None,
}
_TAKEN_OUT = {"in_line": False, "turn": Turn.IN_PLACE, "next_attempt_at": None}
