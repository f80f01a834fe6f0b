"""The one place where a task changes its state: the task, the counters and the feed move together."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from integrationbus.server.errors import LeaseLost
from integrationbus.server.storage import schema
from integrationbus.server.storage.insertion import Insertion
from integrationbus.server.storage.statement import Statement
from integrationbus.server.storage.task_updates import update_tasks
from integrationbus.server.task import SETTLED_STATES, TRANSITIONS, Task, TaskState
from integrationbus.server.value import value

__all__ = ["Change", "ChangeNote", "Recorded", "advance_head", "lock_head", "record_changes"]

_head, _event = schema.connector_head, schema.task_event

_EVENT_KEYS = (
    "connector_id",
    "position",
    "sequence",
    "state",
    "previous_state",
    "attempt",
    "run_id",
    "actor",
    "reason",
    "occurred_at",
)
_EVENT_COLUMNS = ("error", "effect", "result_type", "object_id", "notes", "touched")


@value
class Change:
    """A task that goes to another state. ``columns`` are the other columns of the task that change with it.

    What is not among them stays as it is in the task, and is empty in the event.
    """

    task: Task
    previous: TaskState
    state: TaskState
    attempt: int
    columns: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recorded:
    """Changes of tasks of one connector that follow one another in its feed."""

    connector_id: int
    first_position: int
    changes: Sequence[Change]


@dataclass(slots=True, kw_only=True)
class ChangeNote:
    """What is on record about the changes of a transaction: when, in which run, by whom, and why; and which they are.

    ``recorded`` grows with each of them.
    """

    occurred_at: int
    run_id: str = ""
    actor: str = ""
    reason: str = ""
    recorded: list[Recorded] = field(default_factory=list)


def record_changes(connection: Connection, connector_id: int, changes: Sequence[Change], note: ChangeNote) -> list[int]:
    """Apply changes to tasks of one connector, and return their positions in the feed.

    Raises LeaseLost when a task is no longer in the state that its change starts from: somebody else moved it.
    """
    if not changes:
        return []
    deltas: Counter[TaskState] = Counter()
    for (previous, state), number in Counter((change.previous, change.state) for change in changes).items():
        if state not in TRANSITIONS[previous]:
            raise AssertionError(f"a task cannot go from {previous.name} to {state.name}")
        deltas[previous] -= number
        deltas[state] += number
    newest, _ = advance_head(connection, connector_id, positions=len(changes), deltas=deltas)
    positions = list(range(newest - len(changes) + 1, newest + 1))
    alike: dict[tuple[str, ...], list[tuple[Change, int]]] = {}
    for change, position in zip(changes, positions, strict=True):
        alike.setdefault(tuple(change.columns), []).append((change, position))
    # Most batches end in one way, so this is nearly always one round.
    for names, moves in alike.items():
        _update_tasks(connection, connector_id, names, moves, note.occurred_at)
        _insert_events(connection, connector_id, names, moves, note)
    note.recorded.append(Recorded(connector_id, positions[0], changes))
    return positions


def lock_head(connection: Connection, connector_id: int) -> None:
    """Keep everybody else from changing tasks of a connector until this transaction ends.

    Whoever reads tasks in order to change them takes this lock first. SQLite has one writer, who has it already.
    """
    if connection.dialect.name == "postgresql":
        _LOCK.run(connection, {"connector": connector_id})


_LOCK = Statement(
    select(_head.c.connector_id).where(_head.c.connector_id == bindparam("connector")).with_for_update(),
)


def advance_head(
    connection: Connection, connector_id: int, *, positions: int, deltas: Mapping[TaskState, int], sequences: int = 0
) -> tuple[int, int]:
    """Take numbers from the counters of a connector; returns the newest position and the newest sequence.

    The counter row stays locked until the commit, which is what makes the order of numbers the order of commits.
    """
    values = {name: deltas.get(state, 0) for state, name in _BY_STATE.items()}
    values |= {"connector": connector_id, "positions": positions, "sequences": sequences}
    [(position, sequence)] = _ADVANCE.rows(connection, values)
    return position, sequence


_BY_STATE = {state: f"by_{state.name.lower()}" for state in TaskState}
_ADVANCE = Statement(
    update(_head)
    .where(_head.c.connector_id == bindparam("connector"))
    .values(
        last_position=_head.c.last_position + bindparam("positions"),
        last_sequence=_head.c.last_sequence + bindparam("sequences"),
        **{state.name.lower(): _head.c[state.name.lower()] + bindparam(name) for state, name in _BY_STATE.items()},
    )
    .returning(_head.c.last_position, _head.c.last_sequence),
)


_Moves = Sequence[tuple[Change, int]]
"""Changes of the same columns, with their positions."""


def _update_tasks(connection: Connection, connector_id: int, names: tuple[str, ...], moves: _Moves, now: int) -> None:
    changed = ("state", "position", *names)
    rows: list[tuple[Any, ...]] = [
        (change.task.sequence, int(change.previous), int(change.state), position, *change.columns.values())
        for change, position in moves
    ]
    if "in_line" in names:
        # Since when the task is settled, if it leaves the line; if it comes back, it is so no longer.
        changed += ("settled_at",)
        rows = [(*row, now if _settles(change) else None) for row, (change, _) in zip(rows, moves, strict=True)]
    moved = update_tasks(connection, connector_id, changed, rows)
    if moved != len(rows):
        raise LeaseLost(f"{len(rows) - moved} tasks were moved by somebody else")


def _settles(change: Change) -> bool:
    return not change.columns["in_line"] and change.state in SETTLED_STATES


def _insert_events(
    connection: Connection, connector_id: int, names: tuple[str, ...], moves: _Moves, note: ChangeNote
) -> None:
    told = tuple(name for name in names if name in _EVENT_COLUMNS)
    rows = [
        (
            connector_id,
            position,
            change.task.sequence,
            int(change.state),
            int(change.previous),
            change.attempt,
            note.run_id,
            note.actor,
            note.reason,
            note.occurred_at,
            *(change.columns[name] for name in told),
        )
        for change, position in moves
    ]
    _events_with(told).run(connection, rows)


@cache
def _events_with(told: tuple[str, ...]) -> Insertion:
    return Insertion(_event, (*_EVENT_KEYS, *told))
