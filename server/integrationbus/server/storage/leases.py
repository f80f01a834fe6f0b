"""Who processes a connector: taking it, proving it, and cleaning up after a holder that died."""

from sqlalchemy import BigInteger, ColumnElement, Connection, Update, bindparam, or_, select, update

from integrationbus.server.clock import from_micros
from integrationbus.server.connector import Lease
from integrationbus.server.errors import LeaseHeld, LeaseLost
from integrationbus.server.problems import WorkerCrashLoop
from integrationbus.server.run import RunState
from integrationbus.server.storage import schema
from integrationbus.server.storage.attempts import end_all
from integrationbus.server.storage.common_time import DATABASE_NOW, common_now
from integrationbus.server.storage.journal import Change, ChangeNote, record_changes
from integrationbus.server.storage.rows import error_to_text, task_from_row, tasks_select
from integrationbus.server.storage.statement import Statement
from integrationbus.server.task import AttemptOutcome, Task, TaskState, Turn

__all__ = ["acquire", "check_fence", "halt", "recover", "release", "release_all", "release_halt"]

_MAX_CRASHES = 3

_lease, _task, _run = schema.lease, schema.task, schema.run


def acquire(
    connection: Connection,
    *,
    connector_id: int,
    connector: str,
    owner: str,
    run_id: str,
    crashed: bool,
    recovers: bool,
    now: int,
    duration: int,
) -> Lease:
    """Take the connector with a new epoch, and put the tasks back that an earlier holder left RUNNING, if told to.

    ``duration`` is in microseconds. Raises LeaseHeld when another one has it, and has renewed it in time.
    """
    moment = common_now(connection, now)
    epoch = connection.execute(
        update(_lease)
        .where(_lease.c.connector_id == connector_id)
        .where(or_(_lease.c.owner.in_(("", owner)), _lease.c.expires_at < moment))
        .values(owner=owner, epoch=_lease.c.epoch + 1, expires_at=moment + duration)
        .returning(_lease.c.epoch)
    ).scalar_one_or_none()
    if epoch is None:
        raise LeaseHeld(f"connector {connector} is processed by another replica")
    if recovers:
        recover(connection, connector_id, run_id, crashed=crashed, now=now)
    return Lease(connector_id=connector_id, connector=connector, owner=owner, epoch=epoch)


def release(connection: Connection, connector_id: int, owner: str) -> None:
    """Give the connector back; the epoch stays, so that the next holder gets a higher one."""
    held = (_lease.c.connector_id == connector_id, _lease.c.owner == owner)
    connection.execute(update(_lease).where(*held).values(owner=""))


def release_all(connection: Connection) -> None:
    """Take every connector from whoever had it: for a database that only one process can have open."""
    connection.execute(update(_lease).where(_lease.c.owner != "").values(owner=""))


def check_fence(connection: Connection, lease: Lease, now: int, duration: int) -> None:
    """Raise LeaseLost unless the lease still holds. It cannot be taken before this transaction ends.

    Proof of life at the same time: while this transaction has the row, nobody else can prolong the lease.
    """
    held = {"of_connector": lease.connector_id, "of_owner": lease.owner, "of_epoch": lease.epoch}
    if connection.dialect.name == "postgresql":
        proved = _COMMON_FENCE.run(connection, {**held, "duration": duration})
    else:
        proved = _FENCE.run(connection, {**held, "later": now + duration})
    if proved != 1:
        raise LeaseLost(f"connector {lease.connector}: epoch {lease.epoch} is over")


def _fence(later: ColumnElement[int]) -> Update:
    # An UPDATE, not a SELECT, because it takes the row's lock on every database.
    return (
        update(_lease)
        .where(_lease.c.connector_id == bindparam("of_connector"))
        .where(_lease.c.owner == bindparam("of_owner"), _lease.c.epoch == bindparam("of_epoch"))
        .values(expires_at=later)
    )


_FENCE = Statement(_fence(bindparam("later", type_=BigInteger)))
_COMMON_FENCE = Statement(_fence(DATABASE_NOW + bindparam("duration", type_=BigInteger)))


def recover(connection: Connection, connector_id: int, run_id: str, *, crashed: bool, now: int) -> None:
    """Put RUNNING tasks back. One that was alone is charged with the crash; of several, each is tried alone next."""
    statement = tasks_select(with_payload=False).where(
        _task.c.connector_id == connector_id, _task.c.in_line, _task.c.state == TaskState.RUNNING
    )
    tasks = [task_from_row(row) for row in connection.execute(statement.order_by(_task.c.sequence))]
    alone = crashed and len(tasks) == 1
    outcome = AttemptOutcome.CRASHED if alone else AttemptOutcome.RELEASED
    end_all(connection, connector_id, [task.sequence for task in tasks], outcome, now)
    changes = [_recovered(task, crashed=crashed, alone=alone, now=now) for task in tasks]
    record_changes(
        connection,
        connector_id,
        changes,
        ChangeNote(occurred_at=now, reason="the process died" if crashed else "the run was interrupted"),
    )
    for change in changes:
        if change.state is TaskState.FAILED:
            halt(connection, connector_id, change.task.sequence)
    connection.execute(
        update(_run)
        .where(_run.c.connector_id == connector_id, schema.OPEN_RUN, _run.c.id != run_id)
        # What is left for whoever processes the connector is still to come.
        .where(_run.c.id.not_in(select(schema.run_request.c.run_id)))
        .values(state=RunState.INTERRUPTED, ended_at=now)
    )


def _recovered(task: Task, *, crashed: bool, alone: bool, now: int) -> Change:
    crashes = task.crash_count + 1 if alone else task.crash_count
    columns: dict[str, object] = {"isolated": crashed or task.isolated, "crash_count": crashes, "finished_at": now}
    state = TaskState.PENDING
    if crashes >= _MAX_CRASHES:
        problem = WorkerCrashLoop(f"the server died {crashes} times while it worked on this task alone")
        columns |= {"error": error_to_text(problem.to_error(from_micros(now))), "crash_count": 0}
        columns |= {"turn": Turn.KEY_FOUND if task.turn else Turn.IN_PLACE}
        state = TaskState.FAILED
    return Change(task=task, previous=TaskState.RUNNING, state=state, attempt=task.attempt_count, columns=columns)


def halt(connection: Connection, connector_id: int, sequence: int) -> None:
    """Hold the connector at a task that failed, unless an earlier one holds it."""
    table = schema.connector
    connection.execute(
        update(table)
        .where(table.c.id == connector_id)
        .where(table.c.halted_sequence.is_(None) | (table.c.halted_sequence > sequence))
        .values(halted_sequence=sequence)
    )


def release_halt(connection: Connection, connector_id: int, sequence: int) -> bool:
    """Release the connector if it is this task that holds it; returns whether it was."""
    table = schema.connector
    released = connection.execute(
        update(table)
        .where(table.c.id == connector_id, table.c.halted_sequence == sequence)
        .values(halted_sequence=None)
    )
    return released.rowcount > 0
