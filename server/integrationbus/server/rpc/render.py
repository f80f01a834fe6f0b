"""Values of the domain as messages."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from integrationbus.server.connector import TaskCounts
from integrationbus.server.object_view import ObjectView
from integrationbus.server.payloads.values import write_record
from integrationbus.server.run import Run
from integrationbus.server.task import Payload, PayloadForm, Task, TaskError, TaskResult, TaskState, title_of
from integrationbus.server.task_events import TaskEvent
from integrationbus.v1 import (
    connector_service_pb2,
    enums_pb2,
    object_service_pb2,
    payload_pb2,
    run_pb2,
    task_pb2,
    task_service_pb2,
)

__all__ = [
    "render_change",
    "render_counts",
    "render_error",
    "render_object",
    "render_result",
    "render_run",
    "render_task",
    "timestamp",
]


def timestamp(moment: datetime | None) -> Timestamp | None:
    """A time as a message; None stays None, which leaves the field unset."""
    if moment is None:
        return None
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def render_task(task: Task) -> task_pb2.Task:
    """A task; with its payload when it has one."""
    return task_pb2.Task(
        id=task.id,
        connector=task.connector,
        sequence=task.sequence,
        task_type=enums_pb2.TaskType.ValueType(task.task_type),
        data_type=enums_pb2.TaskDataType.ValueType(task.data_type),
        process_type=enums_pb2.ProcessType.ValueType(task.process_type),
        object_type=task.object_type or (task.result.object_type if task.result else ""),
        external_id=task.external_id,
        site=task.site,
        labels=task.labels,
        title=task.title,
        payload=None if task.payload is None else _payload(task.payload),
        state=enums_pb2.TaskState.ValueType(task.state),
        attempts=task.attempt_count,
        last_error=None if task.last_error is None else render_error(task.last_error),
        blocked_by=task.blocked_by,
        result=None if task.result is None else render_result(task.result),
        logged_at=timestamp(task.logged_at),
        started_at=timestamp(task.started_at),
        finished_at=timestamp(task.finished_at),
        next_attempt_at=timestamp(task.next_attempt_at),
        # Every change of a task takes a new position in the feed.
        etag=str(task.position),
        creator=task.creator,
        trace_parent=task.trace_parent,
        missing_key=enums_pb2.MissingKeyAction.ValueType(task.missing_key or 0),
        waiting_for=[
            task_pb2.AwaitedKey(
                object_type=key.object_type,
                external_id=key.external_id,
                attribute=key.attribute,
                behind_task_id=key.behind,
            )
            for key in task.waiting_for
        ],
        wait_deadline=timestamp(task.wait_deadline) if task.state is TaskState.WAITING else None,
    )


def render_change(event: TaskEvent) -> task_service_pb2.TaskChange:
    """A committed change."""
    task = event.task
    return task_service_pb2.TaskChange(
        task_id=task.id,
        connector=task.connector,
        sequence=event.sequence,
        position=event.position,
        state=enums_pb2.TaskState.ValueType(event.state),
        previous_state=enums_pb2.TaskState.ValueType(event.previous_state or 0),
        attempt=event.attempt,
        error=None if event.error is None else render_error(event.error),
        result=None if event.result is None else render_result(event.result),
        run_id=event.run_id,
        occurred_at=timestamp(event.occurred_at),
        task_type=enums_pb2.TaskType.ValueType(task.task_type),
        object_type=task.object_type or (event.result.object_type if event.result else ""),
        external_id=task.external_id,
        title=task.given_title or title_of(task.task_type, task.object_type, task.external_id),
        labels=task.labels,
        actor=event.actor,
        reason=event.reason,
    )


def render_run(run: Run, remaining: int = 0) -> run_pb2.Run:
    """A run, with what is left in its connector's line."""
    counts = run.counts
    return run_pb2.Run(
        id=run.id,
        connector=run.connector,
        trigger=enums_pb2.RunTrigger.ValueType(run.trigger),
        state=enums_pb2.RunState.ValueType(run.state),
        requested_by=run.requested_by,
        reason=run.reason,
        counts=run_pb2.RunCounts(
            succeeded=counts.succeeded,
            failed=counts.failed,
            skipped=counts.skipped,
            deleted=counts.deleted,
            retried=counts.retried,
            waiting=counts.waiting,
        ),
        remaining=remaining,
        halted_by=run.halted_by,
        started_at=timestamp(run.started_at),
        ended_at=timestamp(run.ended_at),
        cancelled_by=run.cancelled_by,
        cancel_reason=run.cancel_reason,
    )


def render_counts(counts: TaskCounts) -> connector_service_pb2.TaskCounts:
    """The tasks of a connector by state."""
    return connector_service_pb2.TaskCounts(
        pending=counts.pending,
        running=counts.running,
        retry_wait=counts.retry_wait,
        succeeded=counts.succeeded,
        failed=counts.failed,
        skipped=counts.skipped,
        deleted=counts.deleted,
        waiting=counts.waiting,
    )


def render_object(view: ObjectView) -> object_service_pb2.BusObject:
    """An internal object or page."""
    return object_service_pb2.BusObject(
        object_type=view.object_type,
        id=view.id,
        guid=view.guid,
        code_name=view.code_name,
        fields=write_record(view.fields),
    )


def _payload(payload: Payload) -> payload_pb2.Payload:
    match payload.form:
        case PayloadForm.RECORD:
            return payload_pb2.Payload(record=payload_pb2.Record.FromString(payload.data))
        case PayloadForm.MESSAGE:
            message = payload_pb2.Payload()
            message.message.type_url = f"type.googleapis.com/{payload.type_name}"
            message.message.value = payload.data
            return message
        case PayloadForm.ENCODED:
            encoded = payload_pb2.EncodedPayload(
                content_type=payload.type_name, data=payload.data, schema=payload.schema
            )
            return payload_pb2.Payload(encoded=encoded)
        case PayloadForm.OBJECT:
            return payload_pb2.Payload(object=payload_pb2.PreparedObject.FromString(payload.data))
        case PayloadForm.PAGE:
            return payload_pb2.Payload(page=payload_pb2.PreparedPage.FromString(payload.data))


def render_error(error: TaskError) -> task_pb2.TaskError:
    """Why an attempt failed."""
    return task_pb2.TaskError(
        code=error.code,
        reason=error.reason,
        stage=enums_pb2.TaskStage.ValueType(error.stage or 0),
        message=error.message,
        field_paths=error.field_paths,
        retryable=error.retryable,
        occurred_at=timestamp(error.occurred_at),
        awaited_task_id=error.awaited_task,
    )


def render_result(result: TaskResult) -> task_pb2.TaskResult:
    """What a task did."""
    return task_pb2.TaskResult(
        effect=enums_pb2.TaskEffect.ValueType(result.effect),
        object_type=result.object_type,
        object_id=result.object_id,
        notes=result.notes,
        touched=[
            task_pb2.TouchedObject(
                object_type=item.object_type,
                object_id=item.object_id,
                effect=enums_pb2.TaskEffect.ValueType(item.effect),
            )
            for item in result.touched
        ],
    )
