"""The books of the queue: what the counters say, and what is there."""

from collections import Counter

from sqlalchemy import func, select

from integrationbus.server.storage import schema
from integrationbus.server.storage.database import Database
from integrationbus.server.task import SETTLED_STATES, TaskState

__all__ = ["problems_of_the_books"]

_task, _event, _head = schema.task, schema.task_event, schema.connector_head


def problems_of_the_books(database: Database) -> list[str]:
    """What does not fit together, for all connectors; see the comments of the schema."""
    problems: list[str] = []
    with database.read() as connection:
        for head in connection.execute(select(_head)):
            own = _task.c.connector_id == head.connector_id
            states = Counter(
                {
                    TaskState(state): number
                    for state, number in connection.execute(
                        select(_task.c.state, func.count()).where(own).group_by(_task.c.state)
                    )
                }
            )
            for state in TaskState:
                counted = getattr(head, state.name.lower())
                if counted != states[state]:
                    problems.append(f"{counted} tasks are counted as {state.name}, {states[state]} are there")
            purged = sum(getattr(head, f"purged_{state.name.lower()}") for state in SETTLED_STATES)
            if states.total() + purged != head.last_sequence:
                problems.append(f"{states.total()} tasks and {purged} purged ones are not {head.last_sequence}")
            behind = connection.execute(
                select(func.count()).where(own, _task.c.sequence > head.purged_sequence)
            ).scalar_one()
            if behind != head.last_sequence - head.purged_sequence:
                problems.append(f"behind {head.purged_sequence} there are {behind} tasks")
            positions = list(
                connection.execute(
                    select(_event.c.position)
                    .where(_event.c.connector_id == head.connector_id)
                    .order_by(_event.c.position)
                ).scalars()
            )
            if positions != list(range(head.feed_floor + 1, head.last_position + 1)):
                problems.append(f"the feed is not dense from {head.feed_floor} to {head.last_position}")
            homeless = (
                select(func.count())
                .select_from(_event)
                .where(_event.c.connector_id == head.connector_id)
                .where(_event.c.sequence.not_in(select(_task.c.sequence).where(own)))
            )
            if connection.execute(homeless).scalar_one():
                problems.append("there are changes without their tasks")
            unmarked = select(func.count()).where(
                own, _task.c.settled_at.is_(None) != (_task.c.in_line | (_task.c.state == TaskState.WAITING))
            )
            if connection.execute(unmarked).scalar_one():
                problems.append("settled_at is not set for exactly the tasks that are settled")
    return problems
