"""Rows to values and back."""

import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, literal_column, null, select

from integrationbus.server.clock import from_micros, to_micros
from integrationbus.server.run import Run, RunCounts, RunState, RunTrigger
from integrationbus.server.storage import schema
from integrationbus.server.task import (
    MissingKeyAction,
    Payload,
    PayloadForm,
    ProcessType,
    Task,
    TaskDataType,
    TaskEffect,
    TaskError,
    TaskResult,
    TaskStage,
    TaskState,
    TaskType,
    TouchedObject,
    Turn,
)
from integrationbus.server.task_events import TaskEvent, WatchedTask

__all__ = [
    "claims_select",
    "error_from_text",
    "error_to_text",
    "event_from_row",
    "events_select",
    "halting_task",
    "joins_halting_task",
    "notes_to_text",
    "result_from_columns",
    "run_from_row",
    "runs_select",
    "task_from_row",
    "tasks_select",
    "touched_to_text",
]

_task, _event, _connector, _run = schema.task, schema.task_event, schema.connector, schema.run

halting_task = _task.alias("halting")

# The members of enumerations by their numbers: looked up a dozen times for each task.
_TASK_TYPES = {int(member): member for member in TaskType}
_DATA_TYPES = {int(member): member for member in TaskDataType}
_PROCESS_TYPES = {int(member): member for member in ProcessType}
_FORMS = {int(member): member for member in PayloadForm}
_STATES = {int(member): member for member in TaskState}
_TURNS = {int(member): member for member in Turn}


def joins_halting_task() -> ColumnElement[bool]:
    """Whether ``halting_task`` is the one that a connector is halted at."""
    return and_(halting_task.c.connector_id == _connector.c.id, halting_task.c.sequence == _connector.c.halted_sequence)


_TASK_COLUMNS = (
    _task.c.connector_id,
    _task.c.id,
    _task.c.sequence,
    _task.c.task_type,
    _task.c.data_type,
    _task.c.process_type,
    _task.c.object_type,
    _task.c.external_id,
    _task.c.site,
    _task.c.labels,
    _task.c.title,
    _task.c.creator,
    _task.c.trace_parent,
    _task.c.payload_form,
    _task.c.payload_type,
    _task.c.payload_schema,
    _task.c.state,
    _task.c.in_line,
    _task.c.passed_over,
    _task.c.isolated,
    _task.c.attempt_count,
    _task.c.retry_count,
    _task.c.failure_count,
    _task.c.crash_count,
    _task.c.position,
    _task.c.error,
    _task.c.effect,
    _task.c.result_type,
    _task.c.object_id,
    _task.c.notes,
    _task.c.touched,
    _task.c.logged_at,
    _task.c.started_at,
    _task.c.finished_at,
    _task.c.next_attempt_at,
    _task.c.missing_key,
    _task.c.wait_limit,
    _task.c.wait_deadline,
    _task.c.turn,
)


def tasks_select(*, with_payload: bool) -> Select[Any]:
    """Tasks with the names of their connectors and what they wait behind; for task_from_row."""
    blocked_by = case(
        (and_(_task.c.in_line, _task.c.sequence > _connector.c.halted_sequence), halting_task.c.id), else_=""
    )
    payload = _task.c.payload if with_payload else null()
    return (
        select(*_TASK_COLUMNS, payload, _connector.c.name, blocked_by)
        .join(_connector, _connector.c.id == _task.c.connector_id)
        .outerjoin(halting_task, joins_halting_task())
    )


def claims_select(connector: ColumnElement[str], started_at: ColumnElement[int]) -> Select[Any]:
    """Tasks of one connector, which must have no others in the way, that are tried from now on; for task_from_row."""
    columns = (started_at if column is _task.c.started_at else column for column in _TASK_COLUMNS)
    return select(*columns, _task.c.payload, connector, literal_column("''"))


def task_from_row(row: Sequence[Any]) -> Task:
    """A task of tasks_select or claims_select; without a payload when it was not read."""
    # By place, not by name: a claim reads very many (measured: 2 x).
    (
        _,
        task_id,
        sequence,
        task_type,
        data_type,
        process_type,
        object_type,
        external_id,
        site,
        labels,
        title,
        creator,
        trace_parent,
        payload_form,
        payload_type,
        payload_schema,
        state,
        in_line,
        passed_over,
        isolated,
        attempt_count,
        retry_count,
        failure_count,
        crash_count,
        position,
        error,
        effect,
        result_type,
        object_id,
        notes,
        touched,
        logged_at,
        started_at,
        finished_at,
        next_attempt_at,
        missing_key,
        wait_limit,
        wait_deadline,
        turn,
        data,
        connector,
        blocked_by,
    ) = row
    return Task(
        id=task_id,
        connector=connector,
        sequence=sequence,
        task_type=_TASK_TYPES[task_type],
        data_type=_DATA_TYPES[data_type],
        process_type=_PROCESS_TYPES[process_type],
        object_type=object_type,
        external_id=external_id,
        site=site,
        labels=labels or {},
        given_title=title,
        creator=creator,
        trace_parent=trace_parent,
        payload=None
        if data is None
        else Payload(form=_FORMS[payload_form], data=data, type_name=payload_type, schema=payload_schema),
        state=_STATES[state],
        in_line=in_line,
        passed_over=passed_over,
        isolated=isolated,
        attempt_count=attempt_count,
        retry_count=retry_count,
        failure_count=failure_count,
        crash_count=crash_count,
        position=position,
        last_error=error_from_text(error),
        result=result_from_columns(effect, result_type, object_id, notes, touched),
        logged_at=from_micros(logged_at),
        started_at=_moment(started_at),
        finished_at=_moment(finished_at),
        next_attempt_at=_moment(next_attempt_at),
        missing_key=None if missing_key is None else MissingKeyAction(missing_key),
        wait_limit=None if wait_limit is None else timedelta(microseconds=wait_limit),
        wait_deadline=_moment(wait_deadline),
        turn=_TURNS[turn],
        blocked_by=blocked_by,
    )


def events_select() -> Select[Any]:
    """Events with what a watcher needs of their tasks; for event_from_row."""
    return select(
        _event,
        _task.c.id.label("task_id"),
        _task.c.task_type,
        _task.c.data_type,
        _task.c.process_type,
        _task.c.object_type,
        _task.c.external_id,
        _task.c.site,
        _task.c.creator,
        _task.c.title,
        _task.c.labels,
    ).join(_task, and_(_task.c.connector_id == _event.c.connector_id, _task.c.sequence == _event.c.sequence))


def event_from_row(row: Row[Any], connector: str) -> TaskEvent:
    """An event of events_select."""
    return TaskEvent(
        connector_id=row.connector_id,
        position=row.position,
        sequence=row.sequence,
        task=WatchedTask(
            id=row.task_id,
            connector=connector,
            task_type=TaskType(row.task_type),
            data_type=TaskDataType(row.data_type),
            process_type=ProcessType(row.process_type),
            object_type=row.object_type,
            external_id=row.external_id,
            site=row.site,
            labels=row.labels or {},
            given_title=row.title,
            creator=row.creator,
        ),
        state=_STATES[row.state],
        previous_state=None if row.previous_state is None else TaskState(row.previous_state),
        attempt=row.attempt,
        error=error_from_text(row.error),
        result=result_from_columns(row.effect, row.result_type, row.object_id, row.notes, row.touched),
        run_id=row.run_id,
        occurred_at=from_micros(row.occurred_at),
        actor=row.actor,
        reason=row.reason,
    )


def runs_select() -> Select[Any]:
    """Runs with the names of their connectors; for run_from_row."""
    return select(_run, _connector.c.name.label("connector")).join(_connector, _connector.c.id == _run.c.connector_id)


def run_from_row(row: Row[Any]) -> Run:
    """A run of runs_select."""
    return Run(
        id=row.id,
        connector=row.connector,
        trigger=RunTrigger(row.trigger),
        state=RunState(row.state),
        requested_by=row.requested_by,
        reason=row.reason,
        counts=RunCounts(**{item.name: getattr(row, item.name) for item in fields(RunCounts)}),
        halted_by=row.halted_by,
        started_at=from_micros(row.started_at),
        ended_at=_moment(row.ended_at),
        cancelled_by=row.cancelled_by,
        cancel_reason=row.cancel_reason,
    )


def error_to_text(error: TaskError) -> str:
    """A task error as JSON."""
    return json.dumps(
        {
            "code": error.code,
            "reason": error.reason,
            "stage": error.stage,
            "message": error.message,
            "occurred_at": to_micros(error.occurred_at),
            "field_paths": error.field_paths,
            "retryable": error.retryable,
            "awaited_task": error.awaited_task,
        }
    )


def error_from_text(text: str | None) -> TaskError | None:
    """The inverse of error_to_text; None stays None."""
    if text is None:
        return None
    stored = json.loads(text)
    return TaskError(
        code=stored["code"],
        reason=stored["reason"],
        stage=None if stored["stage"] is None else TaskStage(stored["stage"]),
        message=stored["message"],
        occurred_at=from_micros(stored["occurred_at"]),
        field_paths=tuple(stored["field_paths"]),
        retryable=stored["retryable"],
        awaited_task=stored.get("awaited_task", ""),
    )


def notes_to_text(notes: Sequence[str]) -> str | None:
    """The notes of a result as JSON; None for none."""
    return json.dumps(notes) if notes else None


def touched_to_text(touched: Sequence[TouchedObject]) -> str | None:
    """The other objects of a result as JSON; None for none."""
    return json.dumps([(item.object_type, item.object_id, item.effect) for item in touched]) if touched else None


def _touched_from_text(text: str | None) -> tuple[TouchedObject, ...]:
    return tuple(TouchedObject(name, number, TaskEffect(effect)) for name, number, effect in json.loads(text or "[]"))


def result_from_columns(
    effect: int | None, object_type: str, object_id: int, notes: str | None, touched: str | None
) -> TaskResult | None:
    """A result as a task or an event has it; None without an effect."""
    if effect is None:
        return None
    return TaskResult(
        effect=TaskEffect(effect),
        object_type=object_type,
        object_id=object_id,
        notes=tuple(json.loads(notes)) if notes else (),
        touched=_touched_from_text(touched),
    )


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)
