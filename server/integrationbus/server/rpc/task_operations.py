"""What operators do with tasks, in TaskService."""

from dataclasses import fields

from integrationbus.server.actions import WantedAction
from integrationbus.server.rpc.checks import MAX_NAME_BYTES, check_text, invalid
from integrationbus.server.rpc.context import Context, creator_of
from integrationbus.server.rpc.intake import check_task_at
from integrationbus.server.rpc.queries import read_filter, write_resume_token
from integrationbus.server.rpc.render_details import render_attempts, render_preview
from integrationbus.server.rpc.services import Services
from integrationbus.server.task import TaskActionKind
from integrationbus.server.task_queries import TaskQuery
from integrationbus.v1 import task_service_pb2_grpc
from integrationbus.v1.task_service_pb2 import (
    DeleteTasksRequest,
    DeleteTasksResponse,
    ListTaskAttemptsRequest,
    ListTaskAttemptsResponse,
    PreviewTaskRequest,
    PreviewTaskResponse,
    RetryTasksRequest,
    RetryTasksResponse,
    SelectionResult,
    SkipTasksRequest,
    SkipTasksResponse,
    TaskNotAffected,
    TaskSelection,
)

__all__ = ["TaskOperations"]

_MAX_IDS = 1_000

_Action = RetryTasksRequest | SkipTasksRequest | DeleteTasksRequest


class TaskOperations(task_service_pb2_grpc.TaskServiceServicer):
    """Previews, retries, skips and deletes tasks, and tells their history."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def PreviewTask(self, request: PreviewTaskRequest, context: Context) -> PreviewTaskResponse:
        """See the proto."""
        services = self._services
        creator = creator_of(context)
        task = check_task_at("task", request.task, registry=services.registry, limits=services.limits, creator=creator)
        return render_preview(await services.previewer.preview(task))

    async def ListTaskAttempts(self, request: ListTaskAttemptsRequest, context: Context) -> ListTaskAttemptsResponse:
        """See the proto."""
        task_id = check_text("task_id", request.task_id, MAX_NAME_BYTES)
        attempts, actions = await self._services.reads(lambda: self._services.store.attempts(task_id))
        return render_attempts(attempts, actions)

    async def RetryTasks(self, request: RetryTasksRequest, context: Context) -> RetryTasksResponse:
        """See the proto."""
        return RetryTasksResponse(result=await self._perform(TaskActionKind.RETRY, request, context))

    async def SkipTasks(self, request: SkipTasksRequest, context: Context) -> SkipTasksResponse:
        """See the proto."""
        return SkipTasksResponse(result=await self._perform(TaskActionKind.SKIP, request, context))

    async def DeleteTasks(self, request: DeleteTasksRequest, context: Context) -> DeleteTasksResponse:
        """See the proto."""
        return DeleteTasksResponse(result=await self._perform(TaskActionKind.DELETE, request, context))

    async def _perform(self, kind: TaskActionKind, request: _Action, context: Context) -> SelectionResult:
        selection = request.selection
        wanted = WantedAction(
            kind=kind,
            selection=self._query(selection),
            etag=check_text("selection.etag", selection.etag, 40),
            actor=creator_of(context),
            reason=check_text("reason", request.reason, 255),
            rehearse=request.validate_only,
        )
        report = await self._services.actions.perform(wanted)
        return SelectionResult(
            affected=report.affected,
            not_affected=[
                TaskNotAffected(task_id=task_id, reason=error.reason) for task_id, error in report.not_affected.items()
            ],
            resume_token=write_resume_token(report.positions, self._services.store.store_id),
        )

    def _query(self, selection: TaskSelection) -> TaskQuery:
        if bool(selection.task_ids) is selection.HasField("filter"):
            raise invalid("selection", "say which tasks: either task_ids or filter")
        if selection.etag and len(selection.task_ids) != 1:
            raise invalid("selection.etag", "goes with a single task id")
        if not selection.task_ids:
            query = read_filter(selection.filter, self._services.registry)
            if not any(getattr(query, item.name) for item in fields(query)):
                raise invalid("selection.filter", "is empty and would match every task; set at least one field")
            return query
        if len(selection.task_ids) > _MAX_IDS:
            raise invalid("selection.task_ids", f"has {len(selection.task_ids)} values, {_MAX_IDS} are allowed")
        ids = enumerate(selection.task_ids)
        return TaskQuery(
            task_ids=[
                check_text(f"selection.task_ids[{index}]", task_id, MAX_NAME_BYTES, required=True)
                for index, task_id in ids
            ]
        )
