"""Tasks that wait for an object, or behind an earlier task about their own: what they wait for, and who calls them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, or_, select

from integrationbus.server.clock import from_micros
from integrationbus.server.object_names import TASK, ObjectName, behind_task
from integrationbus.server.problems import MissingKey
from integrationbus.server.storage import schema
from integrationbus.server.storage.insertion import Insertion
from integrationbus.server.storage.journal import Change, ChangeNote, lock_head, record_changes
from integrationbus.server.storage.rows import task_from_row, tasks_select
from integrationbus.server.storage.statement import Statement
from integrationbus.server.task import AwaitedKey, Task, TaskState, Turn

__all__ = [
    "all_followers",
    "anybody_waits",
    "awaited_keys",
    "begin_to_wait",
    "call_back",
    "callers_of",
    "close_gate",
    "due",
    "followers_of",
    "held_by_waiting",
    "next_deadline",
    "stop_waiting",
]

_wait, _subject, _task = schema.task_wait, schema.task_subject, schema.task
_WAITS = Insertion(_wait, ("connector_id", "sequence", "object_type", "name", "external_id", "attribute"))
_SUBJECTS = Insertion(_subject, ("connector_id", "sequence", "object_type", "name"))

_Item = TypeVar("_Item")

_LONGEST_SHOWN = 1000
_AT_A_TIME = 500  # databases limit the values in a statement

Called = dict[int, set[int]]
"""Sequences of waiting tasks by connector id."""


def held_by_waiting(
    connection: Connection, connector_id: int, names: Iterable[ObjectName]
) -> dict[ObjectName, dict[int, str]]:
    """The waiting tasks of a connector that are about objects with these names, with their external ids."""
    held: dict[ObjectName, dict[int, str]] = defaultdict(dict)
    for condition in _named(_subject.c.object_type, _subject.c.name, names):
        statement = (
            select(_subject.c.object_type, _subject.c.name, _subject.c.sequence, _task.c.external_id)
            .join(_task, and_(_task.c.connector_id == _subject.c.connector_id, _task.c.sequence == _subject.c.sequence))
            .where(_subject.c.connector_id == connector_id, condition)
        )
        for row in connection.execute(statement):
            held[row.object_type, row.name][row.sequence] = row.external_id
    return dict(held)


def begin_to_wait(
    connection: Connection,
    connector_id: int,
    waits: Sequence[tuple[Task, Sequence[MissingKey], Sequence[ObjectName]]],
) -> None:
    """Put on record what tasks wait for, and what they are about."""
    wanted = [
        (
            connector_id,
            task.sequence,
            *key.name,
            # What people see; the name is what counts, and is bounded.
            key.awaited.external_id.replace("\0", "\ufffd")[:_LONGEST_SHOWN],
            key.awaited.attribute,
        )
        for task, missing, _ in waits
        for key in {key.name: key for key in missing}.values()
    ]
    subjects = [(connector_id, task.sequence, *name) for task, _, names in waits for name in set(names)]
    _WAITS.run(connection, wanted)
    _SUBJECTS.run(connection, subjects)


def callers_of(connection: Connection, names: Iterable[ObjectName]) -> Called:
    """The tasks of every connector that wait for objects with these names."""
    called: Called = defaultdict(set)
    for condition in _named(_wait.c.object_type, _wait.c.name, names):
        for row in connection.execute(select(_wait.c.connector_id, _wait.c.sequence).where(condition)):
            called[row.connector_id].add(row.sequence)
    return called


def anybody_waits(connection: Connection) -> bool:
    """Whether any task waits; who begins to wait from now on will see what this transaction wrote."""
    if connection.dialect.name == "postgresql":
        # See ``close_gate``: shared with all others who only write.
        _SHARED_GATE.run(connection, {})
    return _ANY_WAIT.row(connection, {}) is not None


_SHARED_GATE = Statement(select(schema.store_meta.c.store_id).with_for_update(read=True))
_ANY_WAIT = Statement(select(_wait.c.sequence).limit(1))


def call_back(connection: Connection, connector_id: int, sequences: Iterable[int], note: ChangeNote) -> int:
    """Put waiting tasks back into the line, to be processed first, with those that wait behind them; how many."""
    lock_head(connection, connector_id)
    everyone = all_followers(connection, connector_id, set(sequences))
    tasks = list(_waiting_tasks(connection, connector_id, everyone))
    stop_waiting(connection, connector_id, [task.sequence for task in tasks])
    changes = [
        Change(
            task=task,
            previous=TaskState.WAITING,
            state=TaskState.PENDING,
            attempt=task.attempt_count,
            columns={"in_line": True, "turn": Turn.KEY_FOUND},
        )
        for task in tasks
    ]
    record_changes(connection, connector_id, changes, note)
    return len(changes)


def stop_waiting(connection: Connection, connector_id: int, sequences: Sequence[int]) -> None:
    """Forget what tasks wait for, because they do so no longer."""
    for table in (_wait, _subject):
        for part in _parts(sequences):
            connection.execute(delete(table).where(table.c.connector_id == connector_id, table.c.sequence.in_(part)))


def followers_of(connection: Connection, connector_id: int, sequences: Iterable[int]) -> set[int]:
    """The tasks that wait directly behind these."""
    found: set[int] = set()
    for part in _parts([behind_task(sequence)[1] for sequence in sequences]):
        # Not by the connector: SQLite would then read all that wait there.
        statement = select(_wait.c.connector_id, _wait.c.sequence).where(
            _wait.c.object_type == TASK, _wait.c.name.in_(part)
        )
        found |= {row.sequence for row in connection.execute(statement) if row.connector_id == connector_id}
    return found


def due(connection: Connection, connector_id: int, now: int) -> list[int]:
    """The tasks of a connector that have waited long enough."""
    statement = select(_task.c.sequence).where(
        schema.LIMITED_WAIT, _task.c.connector_id == connector_id, _task.c.wait_deadline <= now
    )
    return list(connection.execute(statement).scalars())


def next_deadline(connection: Connection, connector_id: int) -> datetime | None:
    """When the next wait of a connector ends in failure; None when none does."""
    row = _NEXT_DEADLINE.row(connection, {"connector": connector_id})
    return None if row is None else from_micros(row[0])


_NEXT_DEADLINE = Statement(
    select(_task.c.wait_deadline)
    .where(schema.LIMITED_WAIT, _task.c.connector_id == bindparam("connector"))
    .order_by(_task.c.wait_deadline)
    .limit(1)
)


def awaited_keys(
    connection: Connection, places: Sequence[tuple[int, int]]
) -> Mapping[tuple[int, int], list[AwaitedKey]]:
    """What tasks wait for, by connector id and sequence."""
    earlier = _task.alias("earlier")
    found: dict[tuple[int, int], list[AwaitedKey]] = defaultdict(list)
    for part in _parts(places):
        statement = select(_wait).where(
            or_(*(and_(_wait.c.connector_id == place[0], _wait.c.sequence == place[1]) for place in part))
        )
        for row in connection.execute(statement.order_by(_wait.c.sequence, _wait.c.attribute)):
            behind = ""
            if row.object_type == TASK:
                same = (earlier.c.connector_id == row.connector_id) & (earlier.c.sequence == int(row.name))
                behind = connection.execute(select(earlier.c.id).where(same)).scalar_one()
            found[row.connector_id, row.sequence].append(
                AwaitedKey(
                    object_type=row.object_type, external_id=row.external_id, attribute=row.attribute, behind=behind
                )
            )
    return found


def close_gate(connection: Connection, connector_id: int) -> bool:
    """Before tasks of a connector begin to wait: let nobody make objects, or call its tasks back, unseen.

    Somebody who is making the object right now has either committed when this returns, so that a second look finds it,
    or looks for waiting tasks only after this transaction, and finds them. Returns whether a second look is needed
    for objects in this database: SQLite has one writer, who needs no gate.
    """
    if connection.dialect.name != "postgresql":
        return False
    connection.execute(select(schema.store_meta.c.store_id).with_for_update())
    lock_head(connection, connector_id)
    return True


def all_followers(connection: Connection, connector_id: int, sequences: set[int]) -> set[int]:
    """These tasks and all that wait behind them, directly or not."""
    everyone = set(sequences)
    newest = everyone
    while newest:
        newest = followers_of(connection, connector_id, newest) - everyone
        everyone |= newest
    return everyone


def _waiting_tasks(connection: Connection, connector_id: int, sequences: Iterable[int]) -> Iterator[Task]:
    for part in _parts(sorted(sequences)):
        statement = tasks_select(with_payload=False).where(
            _task.c.connector_id == connector_id, _task.c.sequence.in_(part), _task.c.state == TaskState.WAITING
        )
        for row in connection.execute(statement.order_by(_task.c.sequence)):
            yield task_from_row(row)


def _named(
    type_column: ColumnElement[str], name_column: ColumnElement[str], names: Iterable[ObjectName]
) -> Iterator[ColumnElement[bool]]:
    """Conditions that together match all names: a few for each type, so that each is one look into the index."""
    by_type: dict[str, set[str]] = defaultdict(set)
    for object_type, name in names:
        by_type[object_type].add(name)
    for object_type, wanted in by_type.items():
        for part in _parts(sorted(wanted)):
            yield and_(type_column == object_type, name_column.in_(part))


def _parts(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(items), _AT_A_TIME):
        yield items[start : start + _AT_A_TIME]
