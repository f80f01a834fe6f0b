"""Claiming the next tasks of a connector: those that are called out of turn, then the head of the line."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Integer, String, bindparam, exists, func, or_, select

from integrationbus.server.claims import Claim, ClaimRequest
from integrationbus.server.clock import to_micros
from integrationbus.server.connector import Lease
from integrationbus.server.run import RunCounts, RunState
from integrationbus.server.storage import schema, waiting
from integrationbus.server.storage.journal import Change, ChangeNote, lock_head, record_changes
from integrationbus.server.storage.leases import check_fence
from integrationbus.server.storage.recorded import events_of
from integrationbus.server.storage.rows import claims_select, task_from_row
from integrationbus.server.storage.runs import count_in_run, insert_run
from integrationbus.server.storage.statement import Statement
from integrationbus.server.switches import Switch
from integrationbus.server.task import ProcessType, Task, TaskState, Turn

__all__ = ["claim"]

_task, _connector, _switch = schema.task, schema.connector, schema.switch


@dataclass(slots=True)
class _Plan:
    """What a claim does with the part of the line that it read; ``is_whole``: with all that was there.

    ``passes_by`` says that some of it stays in the line behind the place, for another run.
    """

    taken: list[Task] = field(default_factory=list)
    passed_over: list[Task] = field(default_factory=list)
    after_sequence: int = 0
    wait_until: datetime | None = None
    passes_by: bool = False
    is_whole: bool = False


def claim(connection: Connection, lease: Lease, request: ClaimRequest, now: int, duration: int) -> Claim:
    """See ``Store.claim``. ``now`` is, and the lease lasts ``duration``, in microseconds."""
    check_fence(connection, lease, now, duration)
    lock_head(connection, lease.connector_id)
    standing = _standing(connection, lease.connector_id)
    held = standing.held
    if held is RunState.STOPPED:
        return Claim(tasks=(), after_sequence=request.after_sequence, held=held)
    note = ChangeNote(occurred_at=now, run_id=request.run.id)
    has_called = standing.has_called
    if standing.has_waiting and held is None:
        overdue = waiting.due(connection, lease.connector_id, now)
        has_called |= waiting.call_back(connection, lease.connector_id, overdue, note) > 0
    least_turn = Turn.KEY_FOUND if held is None else Turn.REQUESTED
    place = _place(lease, request, now)
    called = _read_called(connection, least_turn, place) if has_called else ()
    plan = _plan_called(called, request, now)
    out_of_turn = bool(plan.taken) or plan.wait_until is not None
    if not out_of_turn:
        if held is not None:
            return Claim(tasks=(), after_sequence=request.after_sequence, held=held)
        if request.run.called_only:
            plan = _Plan(after_sequence=request.after_sequence)
        else:
            plan = _plan(_read_line(connection, place), request, now)
    _carry_out(connection, lease, request, plan, note)
    return Claim(
        tasks=plan.taken,
        after_sequence=plan.after_sequence,
        wait_until=None if plan.taken else plan.wait_until,
        out_of_turn=out_of_turn,
        has_waiting=standing.has_waiting,
        passes_by=plan.passes_by,
        is_last=plan.is_whole,
        events=partial(events_of, note),
    )


def _carry_out(connection: Connection, lease: Lease, request: ClaimRequest, plan: _Plan, note: ChangeNote) -> None:
    if not request.run_is_known and (plan.taken or plan.passed_over or plan.wait_until is not None):
        insert_run(connection, lease.connector_id, request.run, note.occurred_at)
    changes = [_passed_over(task) for task in plan.passed_over]
    changes += [_taken(task, lease, note.occurred_at) for task in plan.taken]
    changes.sort(key=lambda change: change.task.sequence)
    record_changes(connection, lease.connector_id, changes, note)
    count_in_run(connection, request.run.id, RunCounts(skipped=len(plan.passed_over)))


@dataclass(frozen=True, slots=True)
class _Standing:
    """What holds a connector, whether tasks of it wait for keys, and whether some are called out of turn."""

    held: RunState | None
    has_waiting: bool
    has_called: bool


def _standing(connection: Connection, connector_id: int) -> _Standing:
    [row] = _STANDING.rows(connection, {"connector": connector_id})
    paused, enabled, halted_sequence, waiting_tasks, switches_off, called = row
    held = RunState.HALTED if halted_sequence is not None else None
    if paused or not enabled or switches_off:
        held = RunState.STOPPED
    return _Standing(held, waiting_tasks > 0, called)


_OFF = (
    select(func.count())
    .where(or_(_switch.c.id == Switch.BUS, _switch.c.id == Switch.PROCESSING), _switch.c.is_on.is_(False))
    .scalar_subquery()
)
# "IS", because by "in_line" alone SQLite would take the index of the whole line.
_IS_CALLED = (schema.CALLED, _task.c.in_line.is_(True))
_STANDING = Statement(
    select(
        _connector.c.paused,
        _connector.c.enabled,
        _connector.c.halted_sequence,
        schema.connector_head.c.waiting,
        _OFF.label("switches_off"),
        exists().where(_task.c.connector_id == bindparam("connector"), *_IS_CALLED).label("called"),
    )
    .join(schema.connector_head, schema.connector_head.c.connector_id == _connector.c.id)
    .where(_connector.c.id == bindparam("connector"))
)


def _read_called(connection: Connection, least_turn: Turn, place: Mapping[str, Any]) -> Sequence[Task]:
    return [task_from_row(row) for row in _CALLED.rows(connection, {"least_turn": least_turn, **place})]


def _read_line(connection: Connection, place: Mapping[str, Any]) -> Iterator[Task]:
    """The line as it is read: a claim may be full long before its number of tasks is reached."""
    return map(task_from_row, _LINE.rows(connection, place))


def _place(lease: Lease, request: ClaimRequest, now: int) -> Mapping[str, Any]:
    return {
        "connector_id": lease.connector_id,
        "connector": lease.connector,
        "after": request.after_sequence,
        "limit": request.max_tasks,
        "now": now,
    }


def _line(*conditions: ColumnElement[bool]) -> Statement:
    own = _task.c.connector_id == bindparam("connector_id")
    statement = claims_select(bindparam("connector", type_=String), bindparam("now", type_=BigInteger)).where(
        own, *conditions
    )
    return Statement(statement.order_by(_task.c.sequence).limit(bindparam("limit", type_=Integer)))


_CALLED = _line(*_IS_CALLED, _task.c.turn >= bindparam("least_turn"))
_LINE = _line(_task.c.in_line, _task.c.sequence > bindparam("after"))


def _plan_called(called: Sequence[Task], request: ClaimRequest, now: int) -> _Plan:
    """Take what was called, in the order of the line; nothing is passed over, and the place in the line stays."""
    plan = _Plan(after_sequence=request.after_sequence)
    size = 0
    for task in called:
        if task.next_attempt_at is not None and to_micros(task.next_attempt_at) > now:
            plan.wait_until = task.next_attempt_at
            break
        size += _size(task)
        if plan.taken and (task.isolated or size > request.max_bytes):
            break
        plan.taken.append(task)
        if task.isolated:
            break
    return plan


def _plan(line: Iterable[Task], request: ClaimRequest, now: int) -> _Plan:
    """Walk the line from its head and decide for each task, until the claim is full or something holds the line."""
    plan = _Plan(after_sequence=request.after_sequence)
    size = read = 0
    for task in line:
        read += 1
        due = task.next_attempt_at is None or to_micros(task.next_attempt_at) <= now
        if task.state is TaskState.RETRY_WAIT and not due:
            plan.wait_until = task.next_attempt_at
            break
        if task.state is TaskState.FAILED and not due:
            plan.after_sequence = task.sequence
            plan.passes_by = True
            continue
        if task.effective_process_type is ProcessType.SKIP_ONCE:
            if plan.taken:
                # What was taken may come back to the line; then this task must not be met a second time.
                break
            plan.passed_over.append(task)
            plan.after_sequence = task.sequence
            plan.passes_by = True
            continue
        size += _size(task)
        if plan.taken and (task.isolated or size > request.max_bytes):
            break
        plan.taken.append(task)
        plan.after_sequence = task.sequence
        if task.isolated:
            break
    else:
        plan.is_whole = read < request.max_tasks
    return plan


def _size(task: Task) -> int:
    return len(task.payload.data) if task.payload else 0


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
    columns: dict[str, Any] = {"attempt_count": number, "epoch": lease.epoch, "started_at": now}
    if task.next_attempt_at is not None:
        columns["next_attempt_at"] = None
    return Change(task=task, previous=task.state, state=TaskState.RUNNING, attempt=number, columns=columns)
