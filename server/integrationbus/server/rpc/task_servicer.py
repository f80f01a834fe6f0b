"""TaskService."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from integrationbus.server.errors import ConnectorDisabled, ConnectorNotFound, InvalidRequest
from integrationbus.server.log_entries import LogEntry, LogReceipt, RequestKey
from integrationbus.server.rpc.answers import first_page
from integrationbus.server.rpc.checks import MAX_NAME_BYTES, check_text, invalid
from integrationbus.server.rpc.context import Context, creator_of
from integrationbus.server.rpc.errors import to_refusal
from integrationbus.server.rpc.intake import check_task, check_task_at, request_key
from integrationbus.server.rpc.log_streaming import LogStreaming
from integrationbus.server.rpc.page_tokens import page_size, read_page_token, write_page_token
from integrationbus.server.rpc.queries import read_filter, wants_payload
from integrationbus.server.rpc.receipts import write_logged, write_token
from integrationbus.server.rpc.render import render_task
from integrationbus.server.rpc.services import Services
from integrationbus.server.rpc.task_operations import TaskOperations
from integrationbus.server.rpc.watching import resumed, watch_messages
from integrationbus.server.task import NewTask, Task
from integrationbus.server.task_queries import TaskQuery
from integrationbus.server.watch import WatchStart
from integrationbus.v1 import task_pb2, task_service_pb2
from integrationbus.v1.task_service_pb2 import (
    GetTaskRequest,
    GetTaskResponse,
    ListTasksRequest,
    ListTasksResponse,
    LogTaskRequest,
    LogTaskResponse,
    LogTasksRequest,
    LogTasksResponse,
    LogTaskStreamRequest,
    LogTaskStreamResponse,
    WatchTasksRequest,
    WatchTasksResponse,
)

__all__ = ["TaskServicer"]

# Below this, checking takes the event loop less than the way to a thread and back costs throughput.
_LARGE_BATCH_BYTES = 256 * 1024
_PAYLOADS_AT_A_TIME = 20

_Checked = NewTask | task_service_pb2.TaskRefusal


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """Which tasks to list, and how."""

    query: TaskQuery
    limit: int
    with_payload: bool
    newest_first: bool


class TaskServicer(TaskOperations):
    """Logs tasks, shows them, and lets operators act on them."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._log_streaming = LogStreaming(services.log_streams, services.reads, services.store.store_id)

    async def LogTask(self, request: LogTaskRequest, context: Context) -> LogTaskResponse:
        """See the proto."""
        creator = creator_of(context)
        task = self._checked(request.task, "task", creator)
        key = request_key(creator, request.request_id, (item.digest() for item in [task]))
        receipt = await self._services.task_log.append(LogEntry(tasks=[task], request=key))
        response = LogTaskResponse()
        write_logged(response.task, receipt.tasks[0], duplicate=receipt.duplicate)
        write_token(response.resume_token, receipt.tasks, self._services.store.store_id)
        return response

    async def LogTasks(self, request: LogTasksRequest, context: Context) -> LogTasksResponse:
        """See the proto."""
        creator = creator_of(context)
        limit = self._services.limits.max_tasks_per_call
        if not 1 <= len(request.tasks) <= limit:
            raise invalid("tasks", f"has {len(request.tasks)} tasks, 1 to {limit} are allowed")
        if request.ByteSize() < _LARGE_BATCH_BYTES:
            checked, key = self._checked_batch(request, creator)
        else:
            # Half a second for the largest: the event loop must go on meanwhile.
            checked, key = await self._services.reads(lambda: self._checked_batch(request, creator))
        receipt = await self._append(checked, key, allow_partial=request.allow_partial)
        logged = iter(receipt.tasks)
        response = LogTasksResponse()
        for item in checked:
            result = response.results.add()
            if isinstance(item, NewTask):
                write_logged(result.task, next(logged), duplicate=receipt.duplicate)
            else:
                result.refusal.CopyFrom(item)
        write_token(response.resume_token, receipt.tasks, self._services.store.store_id)
        return response

    async def LogTaskStream(
        self, request_iterator: AsyncIterator[LogTaskStreamRequest], context: Context
    ) -> AsyncIterator[LogTaskStreamResponse]:
        """See the proto."""
        creator, services = creator_of(context), self._services
        check = partial(check_task, registry=services.registry, limits=services.limits, creator=creator)
        async with aclosing(self._log_streaming.converse(creator, check, request_iterator)) as messages:
            async for message in messages:
                yield message

    async def GetTask(self, request: GetTaskRequest, context: Context) -> GetTaskResponse:
        """See the proto."""
        task_id, with_payload = check_text("id", request.id, MAX_NAME_BYTES), wants_payload(request.view)
        task = await self._services.reads(lambda: self._services.store.task(task_id, with_payload=with_payload))
        return GetTaskResponse(task=render_task(task))

    async def ListTasks(self, request: ListTasksRequest, context: Context) -> ListTasksResponse:
        """See the proto."""
        query = read_filter(request.filter, self._services.registry)
        place = read_page_token(request, request.page_token, (int, int), self._services.store.store_id)
        after = None if place is None else (int(place[0]), int(place[1]))
        reading = _Reading(
            query=query,
            limit=page_size(request.page_size),
            with_payload=wants_payload(request.view),
            newest_first=request.newest_first,
        )
        tasks, next_after = await self._services.reads(lambda: self._page(reading, after))
        token = "" if next_after is None else write_page_token(request, next_after, self._services.store.store_id)
        return ListTasksResponse(tasks=tasks, next_page_token=token)

    async def WatchTasks(self, request: WatchTasksRequest, context: Context) -> AsyncIterator[WatchTasksResponse]:
        """See the proto."""
        query = read_filter(request.filter, self._services.registry)
        start = await self._start_of(request)
        async with aclosing(self._services.feed.watch(query, start)) as items:
            async for item in items:
                for message in watch_messages(item, self._services.store.store_id):
                    yield message

    async def _start_of(self, request: WatchTasksRequest) -> WatchStart:
        match request.WhichOneof("start"):
            case "resume_token":
                return await resumed(request.resume_token, self._services)
            case "snapshot" if not request.snapshot:
                raise invalid("snapshot", "must be true, or not set")
            case start:
                return WatchStart(snapshot=start == "snapshot")

    def _page(
        self, reading: _Reading, after: tuple[int, int] | None
    ) -> tuple[list[task_pb2.Task], tuple[int, int] | None]:
        """Part of a list that fits into one answer, and where the next part starts."""
        items = (((task.connector, task.sequence), render_task(task)) for task in self._tasks(reading, after))
        tasks, last = first_page(items, reading.limit)
        return tasks, None if last is None else (self._services.store.connector(last[0]).id, last[1])

    def _tasks(self, reading: _Reading, after: tuple[int, int] | None) -> Iterator[Task]:
        """The tasks of a list; with their payloads only a few at a time, for these may be large."""
        limit = min(reading.limit + 1, _PAYLOADS_AT_A_TIME) if reading.with_payload else reading.limit + 1
        while True:
            page = self._services.store.tasks(
                reading.query,
                after=after,
                limit=limit,
                with_payload=reading.with_payload,
                newest_first=reading.newest_first,
            )
            yield from page.tasks
            if page.next_after is None:
                return
            after = page.next_after

    def _checked(self, spec: task_pb2.TaskSpec, path: str, creator: str) -> NewTask:
        services = self._services
        return check_task_at(path, spec, registry=services.registry, limits=services.limits, creator=creator)

    def _checked_batch(self, request: LogTasksRequest, creator: str) -> tuple[list[_Checked], RequestKey | None]:
        """The tasks of a batch and the refusals, in its order; and what makes the call repeatable."""
        checked: list[_Checked] = []
        digests: list[bytes] = []
        for index, spec in enumerate(request.tasks):
            try:
                task = self._checked(spec, "" if request.allow_partial else f"tasks[{index}]", creator)
            except (InvalidRequest, ConnectorNotFound) as error:
                if not request.allow_partial:
                    raise
                checked.append(to_refusal(error))
                # A call with other tasks that are refused is another call as well.
                digests.append(hashlib.sha256(spec.SerializeToString(deterministic=True)).digest())
            else:
                checked.append(task)
                digests.append(task.digest())
        return checked, request_key(creator, request.request_id, digests)

    async def _append(self, checked: list[_Checked], key: RequestKey | None, *, allow_partial: bool) -> LogReceipt:
        """Store the tasks of a batch; with ``allow_partial``, those for connectors that are off become refusals."""
        while tasks := [item for item in checked if isinstance(item, NewTask)]:
            try:
                return await self._services.task_log.append(LogEntry(tasks=tasks, request=key))
            except ConnectorDisabled as error:
                if not allow_partial:
                    raise
                for place, item in enumerate(checked):
                    if isinstance(item, NewTask) and item.connector == error.connector:
                        checked[place] = to_refusal(error)
        return LogReceipt(tasks=[])
