"""The history of a task, and the preview of one, as messages."""

from collections.abc import Sequence

from integrationbus.server.payloads.values import write_value
from integrationbus.server.preview import Preview
from integrationbus.server.rpc.render import render_error, render_result, timestamp
from integrationbus.server.task import TaskAction, TaskAttempt
from integrationbus.v1 import enums_pb2, payload_pb2, task_service_pb2

__all__ = ["render_attempts", "render_preview"]


def render_attempts(
    attempts: Sequence[TaskAttempt], actions: Sequence[TaskAction]
) -> task_service_pb2.ListTaskAttemptsResponse:
    """The attempts at a task, and what operators did with it."""
    return task_service_pb2.ListTaskAttemptsResponse(
        attempts=[
            task_service_pb2.TaskAttempt(
                number=item.number,
                run_id=item.run_id,
                outcome=enums_pb2.AttemptOutcome.ValueType(item.outcome or 0),
                error=None if item.error is None else render_error(item.error),
                started_at=timestamp(item.started_at),
                ended_at=timestamp(item.ended_at),
            )
            for item in attempts
        ],
        actions=[
            task_service_pb2.TaskAction(
                state=enums_pb2.TaskState.ValueType(item.state),
                actor=item.actor,
                reason=item.reason,
                occurred_at=timestamp(item.occurred_at),
            )
            for item in actions
        ],
    )


def render_preview(preview: Preview) -> task_service_pb2.PreviewTaskResponse:
    """What a task would do."""
    return task_service_pb2.PreviewTaskResponse(
        result=None if preview.result is None else render_result(preview.result),
        problem=None if preview.problem is None else render_error(preview.problem),
        object_type=preview.object_type,
        fields=[_field(name, preview) for name in sorted(preview.values or {})],
        keys=[
            task_service_pb2.KeyPreview(
                attribute=key.attribute,
                object_type=key.object_type,
                external_id=key.external_id,
                internal_id=key.internal_id or 0,
            )
            for key in preview.keys
        ],
    )


def _field(name: str, preview: Preview) -> task_service_pb2.FieldPreview:
    before = None if preview.before is None else preview.before.get(name)
    found = {key.attribute: key.internal_id for key in preview.keys}
    planned = found[name] if name in found else (preview.values or {})[name]
    after = planned if preview.after is None else preview.after.get(name)
    is_missing = preview.after is None and name in found and planned is None
    return task_service_pb2.FieldPreview(
        name=name,
        before=None if preview.before is None else _shown(before),
        after=None if is_missing else _shown(after),
        changes=preview.before is None or before != after,
    )


def _shown(value: object) -> payload_pb2.Value:
    """A value; as text if it is one that no record can hold, and hence no column will take."""
    try:
        return write_value(value)
    except (TypeError, ValueError):
        return write_value(repr(value))
