"""TaskService."""

import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import aclosing

from integrationbus.server.errors import BusError, ConnectorNotFound, InvalidRequest
from integrationbus.server.rpc.checks import check_text, invalid
from integrationbus.server.rpc.context import Context, creator_of
from integrationbus.server.rpc.errors import code_of
from integrationbus.server.rpc.intake import check_task
from integrationbus.server.rpc.page_tokens import page_size, read_page_token, write_page_token
from integrationbus.server.rpc.queries import read_filter, read_resume_token, write_resume_token
from integrationbus.server.rpc.render import render_change, render_task
from integrationbus.server.rpc.services import Services
from integrationbus.server.store import LogEntry, LoggedTask, LogReceipt, RequestKey
from integrationbus.server.task import NewTask
from integrationbus.server.watch import ChangeBatch, SnapshotPart, WatchItem, WatchStart
from integrationbus.v1 import enums_pb2, task_pb2, task_service_pb2, task_service_pb2_grpc
from integrationbus.v1.task_service_pb2 import (
    GetTaskRequest,
    GetTaskResponse,
    ListTasksRequest,
    ListTasksResponse,
    LogTaskRequest,
    LogTaskResponse,
    LogTaskResult,
    LogTasksRequest,
    LogTasksResponse,
    WatchTasksRequest,
    WatchTasksResponse,
)

__all__ = ["TaskServicer"]


class TaskServicer(task_service_pb2_grpc.TaskServiceServicer):
    """Logs tasks, and shows them."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def LogTask(self, request: LogTaskRequest, context: Context) -> LogTaskResponse:
        """See the proto."""
        creator = creator_of(context)
        task = self._checked(request.task, "task", creator)
        key = _request_key(creator, request.request_id, [task])
        receipt = await self._services.task_log.append(LogEntry(tasks=[task], request=key))
        return LogTaskResponse(
            task=_logged(receipt.tasks[0], duplicate=receipt.duplicate), resume_token=self._token(receipt.tasks)
        )

    async def LogTasks(self, request: LogTasksRequest, context: Context) -> LogTasksResponse:
        """See the proto."""
        creator = creator_of(context)
        limit = self._services.limits.max_tasks_per_call
        if not 1 <= len(request.tasks) <= limit:
            raise invalid("tasks", f"has {len(request.tasks)} tasks, 1 to {limit} are allowed")
        checked = [
            self._checked_or_refused(spec, f"tasks[{index}]", creator, allow_partial=request.allow_partial)
            for index, spec in enumerate(request.tasks)
        ]
        tasks = [item for item in checked if isinstance(item, NewTask)]
        key = _request_key(creator, request.request_id, tasks)
        entry = LogEntry(tasks=tasks, request=key)
        receipt = await self._services.task_log.append(entry) if tasks else LogReceipt(tasks=[])
        logged = iter(receipt.tasks)
        results = [
            LogTaskResult(task=_logged(next(logged), duplicate=receipt.duplicate))
            if isinstance(item, NewTask)
            else LogTaskResult(refusal=item)
            for item in checked
        ]
        return LogTasksResponse(results=results, resume_token=self._token(receipt.tasks))

    async def GetTask(self, request: GetTaskRequest, context: Context) -> GetTaskResponse:
        """See the proto."""
        with_payload = request.view == enums_pb2.TASK_VIEW_FULL
        task = await self._services.reads(lambda: self._services.store.task(request.id, with_payload=with_payload))
        return GetTaskResponse(task=render_task(task))

    async def ListTasks(self, request: ListTasksRequest, context: Context) -> ListTasksResponse:
        """See the proto."""
        query = read_filter(request.filter, self._services.registry)
        place = read_page_token(request, request.page_token, (int, int))
        page = await self._services.reads(
            lambda: self._services.store.tasks(
                query,
                after=None if place is None else (int(place[0]), int(place[1])),
                limit=page_size(request.page_size),
                with_payload=request.view == enums_pb2.TASK_VIEW_FULL,
                newest_first=request.newest_first,
            )
        )
        token = "" if page.next_after is None else write_page_token(request, page.next_after)
        return ListTasksResponse(tasks=[render_task(task) for task in page.tasks], next_page_token=token)

    async def WatchTasks(self, request: WatchTasksRequest, context: Context) -> AsyncIterator[WatchTasksResponse]:
        """See the proto."""
        query = read_filter(request.filter, self._services.registry)
        async with aclosing(self._services.feed.watch(query, self._start_of(request))) as items:
            async for item in items:
                yield self._render(item)

    def _start_of(self, request: WatchTasksRequest) -> WatchStart:
        match request.WhichOneof("start"):
            case "resume_token":
                registry, store_id = self._services.registry, self._services.store.store_id
                return WatchStart(positions=read_resume_token(request.resume_token, registry, store_id))
            case "snapshot" if not request.snapshot:
                raise invalid("snapshot", "must be true, or not set")
            case start:
                return WatchStart(snapshot=start == "snapshot")

    def _render(self, item: WatchItem) -> WatchTasksResponse:
        response = WatchTasksResponse(resume_token=write_resume_token(item.positions, self._services.store.store_id))
        match item:
            case SnapshotPart():
                response.snapshot.tasks.extend(render_task(task) for task in item.tasks)
                response.snapshot.complete = item.complete
            case ChangeBatch():
                response.changes.changes.extend(render_change(event) for event in item.events)
            case _:
                response.checkpoint.SetInParent()
        return response

    def _checked(self, spec: task_pb2.TaskSpec, path: str, creator: str) -> NewTask:
        services = self._services
        try:
            return check_task(spec, registry=services.registry, limits=services.limits, creator=creator)
        except InvalidRequest as error:
            raise error.below(path) from None

    def _checked_or_refused(
        self, spec: task_pb2.TaskSpec, path: str, creator: str, *, allow_partial: bool
    ) -> NewTask | task_service_pb2.TaskRefusal:
        if not allow_partial:
            return self._checked(spec, path, creator)
        services = self._services
        try:
            return check_task(spec, registry=services.registry, limits=services.limits, creator=creator)
        except (InvalidRequest, ConnectorNotFound) as error:
            return _refusal(error)

    def _token(self, tasks: Iterable[LoggedTask]) -> task_pb2.ResumeToken:
        """Where the changes of these tasks begin: for each connector, behind the first one's own entry."""
        positions: dict[str, int] = {}
        for task in tasks:
            positions.setdefault(task.connector, task.position)
        return write_resume_token(positions, self._services.store.store_id)


def _request_key(creator: str, request_id: str, tasks: Sequence[NewTask]) -> RequestKey | None:
    if not check_text("request_id", request_id, 64):
        return None
    digest = hashlib.sha256(b"".join(task.digest() for task in tasks)).digest()
    return RequestKey(creator=creator, request_id=request_id, body_digest=digest)


def _logged(task: LoggedTask, *, duplicate: bool) -> task_service_pb2.LoggedTask:
    return task_service_pb2.LoggedTask(
        id=task.id, connector=task.connector, sequence=task.sequence, duplicate=duplicate
    )


def _refusal(error: BusError) -> task_service_pb2.TaskRefusal:
    path = error.problems[0].path if isinstance(error, InvalidRequest) else "connector"
    return task_service_pb2.TaskRefusal(
        code=code_of(error).value[0], reason=error.reason, message=str(error), field_path=path
    )
