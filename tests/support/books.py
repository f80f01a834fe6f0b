"""The books of the queue: what is counted and put on record along with the tasks, and what is there."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, func, select

from integrationbus.server.storage import schema
from integrationbus.server.storage.database import Database
from integrationbus.server.task import SETTLED_STATES, TRANSITIONS, TaskState

__all__ = ["problems_of_the_books"]

_task, _event, _head = schema.task, schema.task_event, schema.connector_head


def problems_of_the_books(database: Database) -> list[str]:
    """What does not fit together, for all connectors; see the comments of the schema."""
    problems: list[str] = []
    with database.read() as connection:
        for head in connection.execute(select(_head)):
            problems += _of_counters(connection, head)
            problems += _of_feed(connection, head)
            problems += _of_companions(connection, head.connector_id)
    return problems


def _of_counters(connection: Connection, head: Row[Any]) -> Iterator[str]:
    own = _task.c.connector_id == head.connector_id
    by_state = select(_task.c.state, func.count()).where(own).group_by(_task.c.state)
    states = Counter({TaskState(state): number for state, number in connection.execute(by_state)})
    for state in TaskState:
        counted = getattr(head, state.name.lower())
        if counted != states[state]:
            yield f"{counted} tasks are counted as {state.name}, {states[state]} are there"
    purged = sum(getattr(head, f"purged_{state.name.lower()}") for state in SETTLED_STATES)
    if states.total() + purged != head.last_sequence:
        yield f"{states.total()} tasks and {purged} purged ones are not {head.last_sequence}"
    behind = select(func.count()).where(own, _task.c.sequence > head.purged_sequence)
    number_behind = connection.execute(behind).scalar_one()
    if number_behind != head.last_sequence - head.purged_sequence:
        yield f"behind {head.purged_sequence} there are {number_behind} tasks"
    unmarked = select(func.count()).where(
        own, _task.c.settled_at.is_(None) != (_task.c.in_line | (_task.c.state == TaskState.WAITING))
    )
    if connection.execute(unmarked).scalar_one():
        yield "settled_at is not set for exactly the tasks that are settled"


def _of_feed(connection: Connection, head: Row[Any]) -> Iterator[str]:
    own = select(_event).where(_event.c.connector_id == head.connector_id)
    events = connection.execute(own.order_by(_event.c.position)).all()
    if [event.position for event in events] != list(range(head.feed_floor + 1, head.last_position + 1)):
        yield f"the feed is not dense from {head.feed_floor} to {head.last_position}"
    last: dict[int, int] = {}
    for event in events:
        # The changes before the first one may be gone.
        before = last.get(event.sequence, event.previous_state if head.feed_floor else None)
        if event.previous_state != before:
            yield f"change {event.position} comes from the state {event.previous_state}, the one before led to {before}"
        if before is not None and event.state not in TRANSITIONS[TaskState(before)]:
            yield f"change {event.position} leads from {TaskState(before).name} to {TaskState(event.state).name}"
        last[event.sequence] = event.state
    rows = connection.execute(select(_task.c.sequence, _task.c.state).where(_task.c.connector_id == head.connector_id))
    states = {row.sequence: row.state for row in rows}
    if not set(last) <= set(states):
        yield "there are changes without their tasks"
    for sequence in set(last) & set(states):
        if last[sequence] != states[sequence]:
            yield f"task {sequence} is {TaskState(states[sequence]).name}, and its last change says otherwise"


def _of_companions(connection: Connection, connector_id: int) -> Iterator[str]:
    """Of what is there for tasks that wait or run, and only for these. A task without a name is about nothing."""

    def tasks_of(table: Table, *conditions: ColumnElement[bool]) -> set[int]:
        own = select(table.c.sequence).where(table.c.connector_id == connector_id, *conditions)
        return set(connection.execute(own).scalars())

    waiting = tasks_of(_task, _task.c.state == TaskState.WAITING)
    if tasks_of(schema.task_wait) != waiting:
        yield "what is waited for is not on record for exactly the tasks that wait"
    named = tasks_of(_task, _task.c.state == TaskState.WAITING, _task.c.external_id != "")
    if not named <= tasks_of(schema.task_subject) <= waiting:
        yield "what tasks are about is not on record for exactly the tasks that wait"
    if tasks_of(schema.task_attempt, schema.task_attempt.c.outcome.is_(None)):
        yield "attempts are on record that have not ended"
