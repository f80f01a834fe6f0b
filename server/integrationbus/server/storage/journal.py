"""The one place where a task changes its state: the task, the counters and the feed move together."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from integrationbus.server.errors import LeaseLost
from integrationbus.server.storage import schema
from integrationbus.server.storage.bulk import insert_rows, update_rows
from integrationbus.server.task import SETTLED_STATES, TRANSITIONS, Task, TaskState

__all__ = ["Change", "ChangeNote", "advance_head", "lock_head", "record_changes"]

_task, _head, _event = schema.task, schema.connector_head, schema.task_event

_EVENT_COLUMNS = ("error", "effect", "result_type", "object_id", "notes", "touched")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A task that goes to another state. ``columns`` are the other columns of the task that change with it."""

    task: Task
    previous: TaskState
    state: TaskState
    attempt: int
    columns: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeNote:
    """What is on record about changes: when, in which run, by whom, and why."""

    occurred_at: int
    run_id: str = ""
    actor: str = ""
    reason: str = ""


def record_changes(connection: Connection, connector_id: int, changes: Sequence[Change], note: ChangeNote) -> list[int]:
    """Apply changes to tasks of one connector, and return their positions in the feed.

    Raises LeaseLost when a task is no longer in the state that its change starts from: somebody else moved it.
    """
    if not changes:
        return []
    deltas: Counter[TaskState] = Counter()
    for change in changes:
        if change.state not in TRANSITIONS[change.previous]:
            raise AssertionError(f"a task cannot go from {change.previous.name} to {change.state.name}")
        deltas[change.previous] -= 1
        deltas[change.state] += 1
    newest, _ = advance_head(connection, connector_id, positions=len(changes), deltas=deltas)
    positions = list(range(newest - len(changes) + 1, newest + 1))
    _update_tasks(connection, connector_id, changes, positions, note.occurred_at)
    insert_rows(
        connection,
        _event,
        [
            {
                "connector_id": connector_id,
                "position": position,
                "sequence": change.task.sequence,
                "state": change.state,
                "previous_state": change.previous,
                "attempt": change.attempt,
                "run_id": note.run_id,
                "actor": note.actor,
                "reason": note.reason,
                "occurred_at": note.occurred_at,
                **{name: change.columns.get(name) for name in _EVENT_COLUMNS},
            }
            for change, position in zip(changes, positions, strict=True)
        ],
    )
    return positions


def lock_head(connection: Connection, connector_id: int) -> None:
    """Keep everybody else from changing tasks of a connector until this transaction ends.

    Whoever reads tasks in order to change them takes this lock first. SQLite has one writer, who has it already.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(_head.c.connector_id).where(_head.c.connector_id == connector_id).with_for_update())


def advance_head(
    connection: Connection, connector_id: int, *, positions: int, deltas: Mapping[TaskState, int], sequences: int = 0
) -> tuple[int, int]:
    """Take numbers from the counters of a connector; returns the newest position and the newest sequence.

    The counter row stays locked until the commit, which is what makes the order of numbers the order of commits.
    """
    values = {f"by_{state.name.lower()}": deltas.get(state, 0) for state in TaskState}
    values |= {"connector": connector_id, "positions": positions, "sequences": sequences}
    position, sequence = connection.execute(_ADVANCE, values).one()
    return position, sequence


_ADVANCE = (
    update(_head)
    .where(_head.c.connector_id == bindparam("connector"))
    .values(
        last_position=_head.c.last_position + bindparam("positions"),
        last_sequence=_head.c.last_sequence + bindparam("sequences"),
        **{
            state.name.lower(): _head.c[state.name.lower()] + bindparam(f"by_{state.name.lower()}")
            for state in TaskState
        },
    )
    .returning(_head.c.last_position, _head.c.last_sequence)
)


def _update_tasks(
    connection: Connection, connector_id: int, changes: Sequence[Change], positions: Sequence[int], now: int
) -> None:
    """One statement for each set of columns: most batches end in one way, so this is nearly always one."""
    by_columns: dict[tuple[str, ...], list[tuple[Mapping[str, Any], Mapping[str, Any]]]] = {}
    for change, position in zip(changes, positions, strict=True):
        held = {"sequence": change.task.sequence, "state": change.previous}
        given = {**_with_settling(change, now), "state": change.state, "position": position}
        by_columns.setdefault(tuple(given), []).append((held, given))
    for rows in by_columns.values():
        moved = update_rows(connection, _task, connector_id, rows)
        if moved != len(rows):
            raise LeaseLost(f"{len(rows) - moved} tasks were moved by somebody else")


def _with_settling(change: Change, now: int) -> Mapping[str, Any]:
    """The columns that change, with the time since when the task is settled, if it leaves the line or comes back."""
    if "in_line" not in change.columns:
        return change.columns
    settled = not change.columns["in_line"] and change.state in SETTLED_STATES
    return {**change.columns, "settled_at": now if settled else None}
