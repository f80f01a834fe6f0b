"""The line of a connector: claiming its head and settling what was claimed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from integrationbus.server.clock import from_micros, to_micros
from integrationbus.server.connector import Lease
from integrationbus.server.policy import Verdict
from integrationbus.server.run import RunCounts, RunState
from integrationbus.server.storage import schema
from integrationbus.server.storage.journal import Change, ChangeNote, record_changes
from integrationbus.server.storage.leases import check_fence, halt
from integrationbus.server.storage.rows import (
    error_to_text,
    notes_to_text,
    task_from_row,
    tasks_select,
    touched_to_text,
)
from integrationbus.server.storage.runs import count_in_run, insert_run
from integrationbus.server.store import Claim, ClaimRequest, Settlement
from integrationbus.server.task import AttemptOutcome, ProcessType, Task, TaskState

__all__ = ["claim", "settle"]

_task, _attempt, _applied = schema.task, schema.task_attempt, schema.applied


@dataclass(slots=True)
class _Plan:
    """What a claim does with the part of the line that it read."""

    taken: list[Task] = field(default_factory=list)
    passed_over: list[Task] = field(default_factory=list)
    after_sequence: int = 0
    wait_until: datetime | None = None


def claim(connection: Connection, lease: Lease, request: ClaimRequest, now: int) -> Claim:
    """See ``Store.claim``. ``now`` is in microseconds."""
    check_fence(connection, lease)
    held = _held(connection, lease.connector_id)
    if held is not None:
        return Claim(tasks=(), after_sequence=request.after_sequence, held=held)
    plan = _plan(_read_line(connection, lease.connector_id, request), request, now)
    if plan.taken or plan.passed_over:
        insert_run(connection, lease.connector_id, request.run, now)
    note = ChangeNote(occurred_at=now, run_id=request.run.id)
    changes = [_passed_over(task) for task in plan.passed_over] + [_taken(task, lease, now) for task in plan.taken]
    changes.sort(key=lambda change: change.task.sequence)
    record_changes(connection, lease.connector_id, changes, note)
    if plan.taken:
        connection.execute(insert(_attempt), [_open_attempt(task, lease, request.run.id, now) for task in plan.taken])
    count_in_run(connection, request.run.id, RunCounts(skipped=len(plan.passed_over)))
    wait_until = None if plan.taken else plan.wait_until
    return Claim(tasks=plan.taken, after_sequence=plan.after_sequence, wait_until=wait_until)


def settle(connection: Connection, lease: Lease, run_id: str, settlements: Sequence[Settlement], now: int) -> None:
    """See ``SettlingTransaction.settle``. ``now`` is in microseconds."""
    changes = [_settled(item, now) for item in settlements]
    positions = record_changes(connection, lease.connector_id, changes, ChangeNote(occurred_at=now, run_id=run_id))
    _end_attempts(connection, lease, settlements, changes, now)
    ledger = [
        {"connector_id": lease.connector_id, "sequence": item.task.sequence, "position": position, "epoch": lease.epoch}
        for item, position in zip(settlements, positions, strict=True)
        if item.result
    ]
    if ledger:
        connection.execute(insert(_applied), ledger)
    count_in_run(connection, run_id, _counts(settlements))
    for item in settlements:
        if item.after and item.after.verdict is Verdict.HALT:
            halt(connection, lease.connector_id, item.task.sequence)


def _held(connection: Connection, connector_id: int) -> RunState | None:
    table = schema.connector
    row = connection.execute(select(table.c.paused, table.c.halted_sequence).where(table.c.id == connector_id)).one()
    if row.halted_sequence is not None:
        return RunState.HALTED
    return RunState.STOPPED if row.paused else None


def _read_line(connection: Connection, connector_id: int, request: ClaimRequest) -> Iterable[Task]:
    statement = (
        tasks_select(with_payload=True)
        .where(_task.c.connector_id == connector_id, _task.c.in_line, _task.c.sequence > request.after_sequence)
        .order_by(_task.c.sequence)
        .limit(request.max_tasks)
    )
    return (task_from_row(row) for row in connection.execute(statement))


def _plan(line: Iterable[Task], request: ClaimRequest, now: int) -> _Plan:
    """Walk the line from its head and decide for each task, until the claim is full or something holds the line."""
    plan = _Plan(after_sequence=request.after_sequence)
    size = 0
    for task in line:
        due = task.next_attempt_at is None or to_micros(task.next_attempt_at) <= now
        if task.state is TaskState.RETRY_WAIT and not due:
            plan.wait_until = task.next_attempt_at
            break
        if task.state is TaskState.FAILED and not due:
            plan.after_sequence = task.sequence
            continue
        if task.effective_process_type is ProcessType.SKIP_ONCE:
            if plan.taken:
                # What was taken may come back to the line; then this task must not be met a second time.
                break
            plan.passed_over.append(task)
            plan.after_sequence = task.sequence
            continue
        size += len(task.payload.data) if task.payload else 0
        if plan.taken and (task.isolated or size > request.max_bytes):
            break
        plan.taken.append(task)
        plan.after_sequence = task.sequence
        if task.isolated:
            break
    return plan


def _passed_over(task: Task) -> Change:
    return Change(
        task=task,
        previous=task.state,
        state=TaskState.SKIPPED,
        attempt=task.attempt_count,
        columns={"passed_over": True},
    )


def _taken(task: Task, lease: Lease, now: int) -> Change:
    number = task.attempt_count + 1
    columns = {"attempt_count": number, "epoch": lease.epoch, "started_at": now, "next_attempt_at": None}
    return Change(task=task, previous=task.state, state=TaskState.RUNNING, attempt=number, columns=columns)


def _open_attempt(task: Task, lease: Lease, run_id: str, now: int) -> dict[str, Any]:
    return {
        "connector_id": lease.connector_id,
        "sequence": task.sequence,
        "number": task.attempt_count + 1,
        "epoch": lease.epoch,
        "run_id": run_id,
        "started_at": now,
    }


def _settled(item: Settlement, now: int) -> Change:
    state, columns = _ending(item, now)
    return Change(
        task=item.task,
        previous=TaskState.RUNNING,
        state=state,
        attempt=item.task.attempt_count + 1,
        columns={**columns, "finished_at": now},
    )


def _ending(item: Settlement, now: int) -> tuple[TaskState, dict[str, Any]]:
    task = item.task
    if item.result:
        return TaskState.SUCCEEDED, {
            "in_line": False,
            "isolated": False,
            "effect": item.result.effect,
            "result_type": item.result.object_type,
            "object_id": item.result.object_id,
            "notes": notes_to_text(item.result.notes),
            "touched": touched_to_text(item.result.touched),
        }
    if item.problem and item.after:
        verdict, due = item.after.verdict, item.after.next_attempt_at
        return verdict.state, {
            "in_line": verdict.stays_in_line,
            "isolated": False,
            "error": error_to_text(item.problem.to_error(from_micros(now))),
            "failure_count": task.failure_count + 1,
            "crash_count": 0,
            "retry_count": task.retry_count + 1 if verdict is Verdict.RETRY else 0,
            "next_attempt_at": None if due is None else to_micros(due),
        }
    return TaskState.PENDING, {}


def _end_attempts(
    connection: Connection, lease: Lease, settlements: Sequence[Settlement], changes: Sequence[Change], now: int
) -> None:
    connection.execute(
        _END_ATTEMPT,
        [
            {
                "connector": lease.connector_id,
                "place": item.task.sequence,
                "attempt": item.task.attempt_count + 1,
                "now": now,
                "ending": _outcome(item),
                "why": change.columns.get("error"),
            }
            for item, change in zip(settlements, changes, strict=True)
        ],
    )


_END_ATTEMPT = (
    update(_attempt)
    .where(
        _attempt.c.connector_id == bindparam("connector"),
        _attempt.c.sequence == bindparam("place"),
        _attempt.c.number == bindparam("attempt"),
    )
    .values(ended_at=bindparam("now"), outcome=bindparam("ending"), error=bindparam("why"))
)


def _outcome(item: Settlement) -> AttemptOutcome:
    if item.result:
        return AttemptOutcome.SUCCEEDED
    return AttemptOutcome.FAILED if item.problem else AttemptOutcome.RELEASED


def _counts(settlements: Sequence[Settlement]) -> RunCounts:
    verdicts = [item.after.verdict for item in settlements if item.after]
    deleted, retried = verdicts.count(Verdict.DELETE), verdicts.count(Verdict.RETRY)
    return RunCounts(
        succeeded=sum(item.result is not None for item in settlements),
        failed=len(verdicts) - deleted - retried,
        deleted=deleted,
        retried=retried,
    )
