"""TaskService: requests and responses."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import IntEnum

from google.protobuf.message import Message

from integrationbus.client.model.enums import (
    MissingKeyAction,
    ProcessType,
    TaskDataType,
    TaskEffect,
    TaskStage,
    TaskState,
    TaskType,
)
from integrationbus.client.model.resume_token import ResumeToken
from integrationbus.client.model.tasks import (
    AwaitedKey,
    LoggedTask,
    NewTask,
    Task,
    TaskChange,
    TaskError,
    TaskFilter,
    TaskRefusal,
    TaskResult,
    TouchedObject,
)
from integrationbus.client.wire.arguments import enum_number, enum_numbers, several, text, text_map, texts
from integrationbus.client.wire.call import Call, Page
from integrationbus.client.wire.payloads import read_payload, write_payload
from integrationbus.client.wire.statuses import status_code
from integrationbus.client.wire.values import duration, external_id_text, read_time
from integrationbus.v1 import enums_pb2, task_pb2, task_service_pb2

__all__ = [
    "filter_message",
    "get_task",
    "list_tasks",
    "log_task",
    "log_tasks",
    "optional_time",
    "read_change",
    "read_error",
    "read_refusal",
    "read_result",
    "read_task",
    "read_token",
    "task_spec",
    "write_spec",
]

_SERVICE = "/integrationbus.v1.TaskService/"


def task_spec(task: NewTask) -> task_pb2.TaskSpec:
    """Turn a new task into its message. Raises TypeError or ValueError, naming the field, for one that does not fit."""
    spec = task_pb2.TaskSpec()
    write_spec(spec, task)
    return spec


def write_spec(spec: task_pb2.TaskSpec, task: NewTask) -> None:
    """Write a new task into an empty message. Raises as ``task_spec``, with a part of the task written."""
    spec.connector = text(task.connector, "connector")
    spec.task_type = enums_pb2.TaskType.ValueType(enum_number(task.task_type, TaskType, "task_type"))
    spec.data_type = enums_pb2.TaskDataType.ValueType(enum_number(task.data_type, TaskDataType, "data_type"))
    spec.process_type = enums_pb2.ProcessType.ValueType(enum_number(task.process_type, ProcessType, "process_type"))
    spec.object_type = text(task.object_type, "object_type")
    spec.external_id = external_id_text(task.external_id, "external_id")
    spec.site = text(task.site, "site")
    if task.labels:
        spec.labels.update(text_map(task.labels, "labels"))
    spec.title = text(task.title, "title")
    write_payload(spec.payload, task.payload)
    spec.trace_parent = text(task.trace_parent, "trace_parent")
    if task.missing_key is not None:
        missing_key = enum_number(task.missing_key, MissingKeyAction, "missing_key")
        spec.missing_key = enums_pb2.MissingKeyAction.ValueType(missing_key)
    if task.key_wait_timeout is not None:
        spec.key_wait_timeout.CopyFrom(duration(task.key_wait_timeout, "key_wait_timeout"))


def log_task(task: NewTask, request_id: str) -> Call[task_service_pb2.LogTaskResponse, LoggedTask]:
    """LogTask."""
    request = task_service_pb2.LogTaskRequest(request_id=request_id)
    write_spec(request.task, task)

    def read(response: task_service_pb2.LogTaskResponse) -> LoggedTask:
        return _read_logged(response.task, read_token(response.resume_token))

    return Call(f"{_SERVICE}LogTask", request, task_service_pb2.LogTaskResponse, read)


def log_tasks(
    specs: Sequence[task_pb2.TaskSpec], request_id: str, *, allow_partial: bool
) -> Call[task_service_pb2.LogTasksResponse, list[LoggedTask | TaskRefusal]]:
    """LogTasks."""
    request = task_service_pb2.LogTasksRequest(tasks=specs, allow_partial=allow_partial, request_id=request_id)

    def read(response: task_service_pb2.LogTasksResponse) -> list[LoggedTask | TaskRefusal]:
        token = read_token(response.resume_token)
        return [
            _read_logged(result.task, token) if result.WhichOneof("outcome") == "task" else read_refusal(result.refusal)
            for result in response.results
        ]

    return Call(f"{_SERVICE}LogTasks", request, task_service_pb2.LogTasksResponse, read)


def get_task(task_id: str, *, with_payload: bool) -> Call[task_service_pb2.GetTaskResponse, Task]:
    """GetTask."""
    request = task_service_pb2.GetTaskRequest(id=text(task_id, "task_id"), view=_view(with_payload=with_payload))

    def read(response: task_service_pb2.GetTaskResponse) -> Task:
        return read_task(response.task)

    return Call(f"{_SERVICE}GetTask", request, task_service_pb2.GetTaskResponse, read)


def list_tasks(
    task_filter: TaskFilter, page_token: str, *, page_size: int, with_payload: bool, newest_first: bool
) -> Call[task_service_pb2.ListTasksResponse, Page[Task]]:
    """ListTasks."""
    request = task_service_pb2.ListTasksRequest(
        filter=filter_message(task_filter),
        page_size=page_size,
        page_token=page_token,
        view=_view(with_payload=with_payload),
        newest_first=newest_first,
    )

    def read(response: task_service_pb2.ListTasksResponse) -> Page[Task]:
        return Page([read_task(task) for task in response.tasks], response.next_page_token)

    return Call(f"{_SERVICE}ListTasks", request, task_service_pb2.ListTasksResponse, read)


def filter_message(task_filter: TaskFilter) -> task_pb2.TaskFilter:
    """Turn a filter into its message. Raises TypeError for a key that no filter has, and for values of wrong types."""
    unknown = sorted(set(task_filter) - TaskFilter.__annotations__.keys())
    if unknown:
        known = ", ".join(sorted(TaskFilter.__annotations__))
        raise TypeError(f"tasks cannot be selected by {', '.join(unknown)}; there are {known}")
    external_ids = several(task_filter.get("external_ids", ()), "external_ids")
    waiting_for = task_filter.get("waiting_for_external_id", "")
    return task_pb2.TaskFilter(
        connectors=_texts(task_filter, "connectors"),
        states=map(enums_pb2.TaskState.ValueType, _numbers(task_filter, "states", TaskState)),
        task_types=map(enums_pb2.TaskType.ValueType, _numbers(task_filter, "task_types", TaskType)),
        data_types=map(enums_pb2.TaskDataType.ValueType, _numbers(task_filter, "data_types", TaskDataType)),
        process_types=map(enums_pb2.ProcessType.ValueType, _numbers(task_filter, "process_types", ProcessType)),
        task_ids=_texts(task_filter, "task_ids"),
        external_ids=[external_id_text(item, "external_ids") for item in external_ids],
        object_type=_text(task_filter, "object_type"),
        site=_text(task_filter, "site"),
        creator=_text(task_filter, "creator"),
        labels=text_map(task_filter.get("labels", {}), "labels"),
        waiting_for_external_id=external_id_text(waiting_for, "waiting_for_external_id"),
        waiting_for_object_type=_text(task_filter, "waiting_for_object_type"),
    )


def read_task(message: task_pb2.Task) -> Task:
    """Read a task."""
    return Task(
        id=message.id,
        connector=message.connector,
        sequence=message.sequence,
        task_type=TaskType(message.task_type),
        data_type=TaskDataType(message.data_type),
        process_type=ProcessType(message.process_type),
        object_type=message.object_type,
        external_id=message.external_id,
        site=message.site,
        labels=dict(message.labels),
        title=message.title,
        payload=read_payload(message.payload) if message.HasField("payload") else None,
        state=TaskState(message.state),
        attempts=message.attempts,
        last_error=read_error(message.last_error) if message.HasField("last_error") else None,
        blocked_by=message.blocked_by,
        result=read_result(message.result) if message.HasField("result") else None,
        logged_at=read_time(message.logged_at),
        started_at=optional_time(message, "started_at"),
        finished_at=optional_time(message, "finished_at"),
        next_attempt_at=optional_time(message, "next_attempt_at"),
        etag=message.etag,
        creator=message.creator,
        trace_parent=message.trace_parent,
        missing_key=MissingKeyAction(message.missing_key) if message.missing_key else None,
        waiting_for=tuple(_read_awaited(key) for key in message.waiting_for),
        wait_deadline=optional_time(message, "wait_deadline"),
    )


def read_change(message: task_service_pb2.TaskChange) -> TaskChange:
    """Read a change."""
    return TaskChange(
        task_id=message.task_id,
        connector=message.connector,
        sequence=message.sequence,
        position=message.position,
        state=TaskState(message.state),
        previous_state=TaskState(message.previous_state) if message.previous_state else None,
        attempt=message.attempt,
        error=read_error(message.error) if message.HasField("error") else None,
        result=read_result(message.result) if message.HasField("result") else None,
        run_id=message.run_id,
        occurred_at=read_time(message.occurred_at),
        task_type=TaskType(message.task_type),
        object_type=message.object_type,
        external_id=message.external_id,
        title=message.title,
        labels=dict(message.labels),
        actor=message.actor,
        reason=message.reason,
    )


def read_token(message: task_pb2.ResumeToken) -> ResumeToken:
    """Read a resume token."""
    return ResumeToken(message.store_id, dict(message.positions))


def optional_time(message: Message, name: str) -> datetime | None:
    """Read a time that need not be set."""
    return read_time(getattr(message, name)) if message.HasField(name) else None


def _text(task_filter: Mapping[str, object], name: str) -> str:
    return text(task_filter.get(name, ""), name)


def _texts(task_filter: Mapping[str, object], name: str) -> list[str]:
    return texts(task_filter.get(name, ()), name)


def _numbers(task_filter: Mapping[str, object], name: str, enumeration: type[IntEnum]) -> list[int]:
    return enum_numbers(task_filter.get(name, ()), enumeration, name)


def _view(*, with_payload: bool) -> enums_pb2.TaskView.ValueType:
    return enums_pb2.TASK_VIEW_FULL if with_payload else enums_pb2.TASK_VIEW_BASIC


def _read_logged(message: task_service_pb2.LoggedTask, token: ResumeToken) -> LoggedTask:
    return LoggedTask(
        id=message.id,
        connector=message.connector,
        sequence=message.sequence,
        duplicate=message.duplicate,
        resume_token=token,
    )


def read_refusal(message: task_service_pb2.TaskRefusal) -> TaskRefusal:
    """Read a refusal."""
    return TaskRefusal(
        code=status_code(message.code),
        reason=message.reason,
        message=message.message,
        field_path=message.field_path,
    )


def read_error(message: task_pb2.TaskError) -> TaskError:
    """Read why an attempt failed."""
    return TaskError(
        code=status_code(message.code),
        reason=message.reason,
        stage=TaskStage(message.stage) if message.stage else None,
        message=message.message,
        field_paths=tuple(message.field_paths),
        retryable=message.retryable,
        occurred_at=read_time(message.occurred_at),
        awaited_task_id=message.awaited_task_id,
    )


def _read_awaited(message: task_pb2.AwaitedKey) -> AwaitedKey:
    return AwaitedKey(
        object_type=message.object_type,
        external_id=message.external_id,
        attribute=message.attribute,
        behind_task_id=message.behind_task_id,
    )


def read_result(message: task_pb2.TaskResult) -> TaskResult:
    """Read what a task did."""
    return TaskResult(
        effect=TaskEffect(message.effect),
        object_type=message.object_type,
        object_id=message.object_id or None,
        notes=tuple(message.notes),
        touched=tuple(
            TouchedObject(object_type=item.object_type, object_id=item.object_id, effect=TaskEffect(item.effect))
            for item in message.touched
        ),
    )
