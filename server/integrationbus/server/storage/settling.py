"""Settling what was claimed: results, problems, waits, and those who waited for what was written."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import Connection

from integrationbus.server.claims import Settled, Settlement
from integrationbus.server.clock import from_micros, to_micros
from integrationbus.server.connector import Lease
from integrationbus.server.failpoints import reach
from integrationbus.server.object_names import ObjectName
from integrationbus.server.policy import Verdict
from integrationbus.server.problems import BehindWaitingTask, MissingTarget
from integrationbus.server.run import RunCounts
from integrationbus.server.storage import schema, waiting
from integrationbus.server.storage.attempts import record_attempts
from integrationbus.server.storage.insertion import Insertion
from integrationbus.server.storage.journal import Change, ChangeNote, record_changes
from integrationbus.server.storage.leases import halt, release_halt
from integrationbus.server.storage.makers import task_that_will_make
from integrationbus.server.storage.recorded import events_of
from integrationbus.server.storage.rows import error_to_text, notes_to_text, touched_to_text
from integrationbus.server.storage.runs import count_in_run
from integrationbus.server.task import AttemptOutcome, Task, TaskError, TaskResult, TaskState, Turn

__all__ = ["settle"]

_LEDGER = Insertion(schema.applied, ("connector_id", "sequence", "position", "epoch"))


def settle(
    connection: Connection,
    lease: Lease,
    settlements: Sequence[Settlement],
    appeared: Collection[ObjectName],
    note: ChangeNote,
) -> Settled:
    """See ``SettlingTransaction.settle``.

    Connectors are changed in the order of their ids, so that two transactions that call each other's tasks back cannot
    block one another.
    """
    own = lease.connector_id
    callers = waiting.callers_of(connection, appeared)
    called = [each for each in sorted(callers) if each < own and _call(connection, each, callers, note)]
    released = _settle_own(connection, lease, settlements, note)
    # Those that began to wait a moment ago may wait for what was written after them.
    again = waiting.callers_of(connection, appeared) if any(item.waiting for item in settlements) else callers
    if again.get(own) and _call(connection, own, again, note):
        called.append(own)
    called += [each for each in sorted(callers) if each > own and _call(connection, each, callers, note)]
    return Settled(called=called, released=released, events=partial(events_of, note))


def _call(connection: Connection, connector_id: int, callers: Mapping[int, set[int]], note: ChangeNote) -> bool:
    return waiting.call_back(connection, connector_id, callers[connector_id], note) > 0


def _settle_own(connection: Connection, lease: Lease, settlements: Sequence[Settlement], note: ChangeNote) -> bool:
    """Settle the batch itself; returns whether the halt of its connector was cleared."""
    given_up = {item.task.sequence for item in settlements if item.after and not item.after.verdict.stays_in_line}
    errors = [_error(connection, lease.connector_id, item, given_up, note.occurred_at) for item in settlements]
    changes = [_settled(*pair, note.occurred_at) for pair in zip(settlements, errors, strict=True)]
    positions = record_changes(connection, lease.connector_id, changes, note)
    _record_attempts(connection, lease, settlements, changes, note)
    reach("settle.before_ledger")
    ledger = [
        (lease.connector_id, item.task.sequence, position, lease.epoch)
        for item, position in zip(settlements, positions, strict=True)
        if item.result
    ]
    _LEDGER.run(connection, ledger)
    count_in_run(connection, note.run_id, _counts(settlements))
    waits = [(item.task, item.waiting.missing, item.names) for item in settlements if item.waiting]
    if waits:
        waiting.begin_to_wait(connection, lease.connector_id, waits)
    released = False
    for item, change in zip(settlements, changes, strict=True):
        if item.after and item.after.verdict is Verdict.HALT:
            halt(connection, lease.connector_id, item.task.sequence)
        elif item.task.turn is Turn.REQUESTED and change.state not in (TaskState.PENDING, TaskState.RETRY_WAIT):
            released |= release_halt(connection, lease.connector_id, item.task.sequence)
    return released


def _error(
    connection: Connection, connector_id: int, item: Settlement, given_up: Collection[int], now: int
) -> TaskError | None:
    """The error of a settlement; one of a missing target names the task that will make it, if there is one.

    ``given_up`` are the tasks that leave the line now, in vain.
    """
    problem = item.problem or item.waiting
    if problem is None or isinstance(problem, BehindWaitingTask):
        return None
    error = problem.to_error(from_micros(now))
    if item.waiting or not isinstance(problem, MissingTarget):
        return error
    for key in problem.missing:
        maker = task_that_will_make(connection, connector_id, {item.task.sequence, *given_up}, key)
        if maker is not None:
            text = f"{error.message}; {_described(maker, item.task)} will make it"
            return replace(error, message=text, awaited_task=maker.id)
    return error


def _described(maker: Task, task: Task) -> str:
    """A task as the error of another one names it."""
    name = maker.id if maker.connector == task.connector else f"{maker.id} of {maker.connector}"
    place = f"number {maker.sequence} of the line" if maker.in_line else "which waits itself"
    return f"task {name}, {place},"


def _settled(item: Settlement, error: TaskError | None, now: int) -> Change:
    state, columns = _ending(item, error, now)
    columns["finished_at"] = now
    return Change(
        task=item.task,
        previous=TaskState.RUNNING,
        state=state,
        attempt=item.task.attempt_count + 1,
        columns=columns,
    )


def _ending(item: Settlement, error: TaskError | None, now: int) -> tuple[TaskState, dict[str, Any]]:
    task = item.task
    if item.result:
        return TaskState.SUCCEEDED, _success(item.result)
    if item.problem and item.after:
        verdict, due = item.after.verdict, item.after.next_attempt_at
        return verdict.state, {
            "in_line": verdict.stays_in_line,
            "isolated": False,
            "turn": _turn_after(verdict, task.turn),
            "error": None if error is None else error_to_text(error),
            "failure_count": task.failure_count + 1,
            "crash_count": 0,
            "retry_count": task.retry_count + 1 if verdict is Verdict.RETRY else 0,
            "next_attempt_at": None if due is None else to_micros(due),
        }
    if item.waiting:
        deadline = None
        # How long one waits behind another task is limited by what that one waits for.
        if not isinstance(item.waiting, BehindWaitingTask):
            limit = None if item.wait_limit is None else from_micros(now) + item.wait_limit
            deadline = task.wait_deadline or limit
        return TaskState.WAITING, {
            "in_line": False,
            "isolated": False,
            "turn": Turn.IN_PLACE,
            "error": None if error is None else error_to_text(error),
            "retry_count": 0,
            "wait_deadline": None if deadline is None else to_micros(deadline),
        }
    return TaskState.PENDING, {"turn": Turn.KEY_FOUND} if item.at_once else {}


def _success(result: TaskResult) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "in_line": False,
        "isolated": False,
        "turn": int(Turn.IN_PLACE),
        "effect": int(result.effect),
        "result_type": result.object_type,
        "object_id": result.object_id,
    }
    # A task that is tried has neither of them.
    if result.notes:
        columns["notes"] = notes_to_text(result.notes)
    if result.touched:
        columns["touched"] = touched_to_text(result.touched)
    return columns


def _turn_after(verdict: Verdict, turn: Turn) -> Turn:
    """A retry comes in the turn of the attempt. What halted comes before those that were called along with it."""
    if verdict is Verdict.RETRY:
        return turn
    return Turn.KEY_FOUND if verdict is Verdict.HALT and turn else Turn.IN_PLACE


def _record_attempts(
    connection: Connection, lease: Lease, settlements: Sequence[Settlement], changes: Sequence[Change], note: ChangeNote
) -> None:
    rows = [
        (
            lease.connector_id,
            item.task.sequence,
            change.attempt,
            lease.epoch,
            note.run_id,
            None if item.task.started_at is None else to_micros(item.task.started_at),
            note.occurred_at,
            int(_outcome(item)),
            change.columns.get("error"),
        )
        for item, change in zip(settlements, changes, strict=True)
    ]
    record_attempts(connection, rows)


def _outcome(item: Settlement) -> AttemptOutcome:
    if item.result:
        return AttemptOutcome.SUCCEEDED
    if item.waiting:
        return AttemptOutcome.WAITING
    return AttemptOutcome.FAILED if item.problem else AttemptOutcome.RELEASED


def _counts(settlements: Sequence[Settlement]) -> RunCounts:
    verdicts = [item.after.verdict for item in settlements if item.after]
    deleted, retried = verdicts.count(Verdict.DELETE), verdicts.count(Verdict.RETRY)
    return RunCounts(
        succeeded=sum(item.result is not None for item in settlements),
        failed=len(verdicts) - deleted - retried,
        deleted=deleted,
        retried=retried,
        waiting=sum(item.waiting is not None for item in settlements),
    )
