"""Attempts on record: each is written once, when it has ended.

One that goes on is told by its task, which counts it, and by the change with which it began, which names its run.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, literal, null, select

from integrationbus.server.clock import from_micros
from integrationbus.server.storage import schema
from integrationbus.server.storage.driver import Row
from integrationbus.server.storage.insertion import Insertion
from integrationbus.server.storage.rows import error_from_text
from integrationbus.server.task import AttemptOutcome, TaskAttempt, TaskState

__all__ = ["end_all", "list_attempts", "record_attempts", "run_in_hand"]

_task, _event, _attempt = schema.task, schema.task_event, schema.task_attempt

_COLUMNS = (
    "connector_id",
    "sequence",
    "number",
    "epoch",
    "run_id",
    "started_at",
    "ended_at",
    "outcome",
    "error",
)
_ENDED = Insertion(_attempt, _COLUMNS)


def record_attempts(connection: Connection, rows: Sequence[Row]) -> None:
    """Put attempts on record that have ended, with all their columns in the order of the table."""
    _ENDED.run(connection, rows)


def end_all(
    connection: Connection, connector_id: int, sequences: Sequence[int], outcome: AttemptOutcome, now: int
) -> None:
    """Put the attempts at tasks of a connector that are RUNNING on record; before these are moved on."""
    if not sequences:
        return
    in_hand = (_task.c.connector_id == connector_id, _task.c.sequence.in_(sequences))
    # A server of an earlier version has put them on record when they began.
    begun = (_attempt.c.connector_id == connector_id, _attempt.c.sequence.in_(sequences), _attempt.c.outcome.is_(None))
    connection.execute(delete(_attempt).where(*begun))
    ended = (
        _RUNNING.with_only_columns(
            _task.c.connector_id,
            _task.c.sequence,
            _task.c.attempt_count,
            _task.c.epoch,
            _RUN_ID,
            _task.c.started_at,
            literal(now, _attempt.c.ended_at.type),
            literal(int(outcome), _attempt.c.outcome.type),
            null(),
        )
        .where(*in_hand)
        .order_by(_task.c.sequence)
    )
    connection.execute(insert(_attempt).from_select(list(_COLUMNS), ended))


def run_in_hand(connection: Connection, connector_id: int) -> str:
    """The run that claimed what is RUNNING: a connector has one batch in hand."""
    in_hand = (_task.c.connector_id == connector_id, _task.c.in_line, _task.c.state == TaskState.RUNNING)
    run_id: str = connection.execute(_RUNNING.with_only_columns(_RUN_ID).where(*in_hand).limit(1)).scalar_one()
    return run_id


def list_attempts(connection: Connection, task_id: str) -> list[TaskAttempt]:
    """The attempts at a task, the oldest first; that which goes on has no end."""
    ended = (
        select(_attempt)
        .join(_task, and_(_task.c.connector_id == _attempt.c.connector_id, _task.c.sequence == _attempt.c.sequence))
        .where(_task.c.id == task_id, _attempt.c.outcome.is_not(None))
        .order_by(_attempt.c.number)
    )
    attempts = [
        TaskAttempt(
            number=row.number,
            run_id=row.run_id,
            outcome=AttemptOutcome(row.outcome),
            error=error_from_text(row.error),
            started_at=from_micros(row.started_at),
            ended_at=from_micros(row.ended_at),
        )
        for row in connection.execute(ended)
    ]
    going_on = connection.execute(_GOING_ON, {"task": task_id}).one_or_none()
    if going_on is not None:
        number, run_id, started_at = going_on
        attempts.append(
            TaskAttempt(
                number=number,
                run_id=run_id,
                outcome=None,
                error=None,
                started_at=from_micros(started_at),
                ended_at=None,
            )
        )
    return attempts


# The last change of a RUNNING task is that with which its attempt began; only retention may have taken it.
_RUN_ID = func.coalesce(_event.c.run_id, "")
_RUNNING = select(_task).outerjoin(
    _event, and_(_event.c.connector_id == _task.c.connector_id, _event.c.position == _task.c.position)
)
_GOING_ON = _RUNNING.with_only_columns(_task.c.attempt_count, _RUN_ID, _task.c.started_at).where(
    _task.c.id == bindparam("task"), _task.c.state == TaskState.RUNNING
)
