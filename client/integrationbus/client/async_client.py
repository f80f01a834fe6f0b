"""The client for asyncio programs."""

import uuid
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self, Unpack
from uuid import UUID

import grpc

from integrationbus.client.async_connection import AsyncConnection
from integrationbus.client.async_log_stream import AsyncLogStream
from integrationbus.client.async_operating import AsyncOperating
from integrationbus.client.async_watch import AsyncObjectWatch, AsyncWatch, async_latest
from integrationbus.client.model.connectors import Connector, ConnectorStats, ResumedConnector
from integrationbus.client.model.enums import HeadAction, TaskType
from integrationbus.client.model.log_streams import RejectedTask, StreamedTasks, StreamProgress
from integrationbus.client.model.objects import BusObject, ExternalKey, ObjectKey, ResolvedKey
from integrationbus.client.model.payloads import Payload
from integrationbus.client.model.resume_token import ResumeToken
from integrationbus.client.model.runs import Run, RunTicket
from integrationbus.client.model.server import EnumInfo, ServerInfo
from integrationbus.client.model.tasks import (
    LoggedTask,
    LoggedTasks,
    LogProgress,
    NewTask,
    Task,
    TaskFilter,
    TaskOptions,
)
from integrationbus.client.wire import connectors, objects, runs, server, tasks
from integrationbus.client.wire.batches import Batcher
from integrationbus.client.wire.log_streaming import LogStreamState
from integrationbus.client.wire.object_watching import ObjectWatchState
from integrationbus.client.wire.results import LogTally
from integrationbus.client.wire.watching import TaskWatchState
from integrationbus.v1.task_pb2 import TaskSpec

__all__ = ["AsyncClient"]

_PAGE_SIZE = 500


class AsyncClient(AsyncOperating):
    """Calls a server; ``Client`` for asyncio. Belongs to one event loop.

    ``target`` is its address, for example "localhost:50051". ``application`` is what the caller calls itself: tasks
    carry it, and request ids are unique within it. Without ``credentials`` the connection is not encrypted. A call that
    has no answer within ``timeout`` seconds fails with DeadlineExceeded. ``patience`` is for how many seconds
    ``log_tasks``, streams and watches go on trying without a success while the server is away.

    Every method raises a ``BusError`` when its call fails.
    """

    def __init__(
        self,
        target: str,
        *,
        application: str,
        credentials: grpc.ChannelCredentials | None = None,
        timeout: float = 30.0,
        patience: float = 60.0,
    ) -> None:
        self._connection = AsyncConnection(
            target, application=application, credentials=credentials, timeout=timeout, patience=patience
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End every call in flight, and the connection."""
        await self._connection.close()

    # Tasks

    async def log_task(
        self,
        connector: str,
        task_type: TaskType,
        payload: Payload,
        *,
        request_id: str = "",
        **options: Unpack[TaskOptions],
    ) -> LoggedTask:
        """Store one task; durable when this returns.

        ``request_id`` makes repetitions across restarts of the caller safe; without one, only the client's own are.
        """
        task = NewTask(connector, task_type, payload, **options)
        return await self._connection.call(tasks.log_task(task, request_id or str(uuid.uuid4())))

    async def log_tasks(
        self,
        new_tasks: Iterable[NewTask] | AsyncIterable[NewTask],
        *,
        batch_size: int = 500,
        allow_partial: bool = False,
        progress: Callable[[LogProgress], object] | None = None,
    ) -> LoggedTasks:
        """Store many tasks in their order, in batches, taken from the iterable as they are needed.

        Each batch is stored as a whole; with ``allow_partial`` what cannot be accepted is left out and reported. A
        server that goes away is waited for, and no batch is ever stored twice. ``progress`` is called after each batch.
        When this raises, the batches before are stored and a note on the error says how much that was; what a failing
        iterable had given for the next batch is not.
        """
        tally = LogTally(progress)
        batcher = Batcher(batch_size)
        with tally.noting_failure():
            async for task in _each(new_tasks):
                await self._log_batch(batcher.add(task), tally, allow_partial=allow_partial)
            await self._log_batch(batcher.rest(), tally, allow_partial=allow_partial)
        return tally.result

    @asynccontextmanager
    async def log_stream(
        self,
        stream_id: str,
        *,
        on_rejected: Callable[[RejectedTask], object] | None = None,
        on_settled: Callable[[StreamProgress], object] | None = None,
    ) -> AsyncIterator[AsyncLogStream]:
        """A stream of tasks, which sends them as they come and waits for their settlement when the block is left.

        The tasks are numbered 1, 2, 3... within ``stream_id``, at most 64 bytes and unique within the application. A
        producer that starts again with the same id goes on with task ``next_number`` of its source: what the one before
        had settled is not stored again. One producer at a time may use a stream. A task that cannot be stored is
        rejected, and the others go on. ``on_rejected`` is called with each rejection, ``on_settled`` with the progress
        after each settlement. A server that goes away is waited for.
        """
        state = LogStreamState(stream_id)
        stream = AsyncLogStream(self._connection, state, on_rejected, on_settled)
        with state.noting_failure():
            try:
                await stream.open()
                yield stream
                await stream.flush()
            finally:
                await stream.close()

    async def log_task_stream(
        self,
        new_tasks: Iterable[NewTask] | AsyncIterable[NewTask],
        *,
        stream_id: str = "",
        progress: Callable[[StreamProgress], object] | None = None,
        on_rejected: Callable[[RejectedTask], object] | None = None,
    ) -> StreamedTasks:
        """Store tasks of any number in their order, through one stream, and return when all are settled.

        With a ``stream_id`` the call can be repeated after an interruption, with the same tasks: those that are settled
        are passed over. See ``log_stream`` for the rest; ``progress`` is its ``on_settled``.
        """
        stream_id = stream_id or str(uuid.uuid4())
        async with self.log_stream(stream_id, on_rejected=on_rejected, on_settled=progress) as stream:
            number = 0
            async for task in _each(new_tasks):
                number += 1
                if number == stream.next_number:
                    await stream.send(task)
        return stream.result

    async def get_task(self, task_id: str, *, with_payload: bool = False) -> Task:
        """One task. Raises NotFound."""
        return await self._connection.call(tasks.get_task(task_id, with_payload=with_payload))

    def list_tasks(
        self,
        *,
        with_payload: bool = False,
        newest_first: bool = False,
        page_size: int = _PAGE_SIZE,
        **task_filter: Unpack[TaskFilter],
    ) -> AsyncIterator[Task]:
        """Tasks by connector and place in the line, page after page as they are read."""
        return self._connection.pages(
            lambda token: tasks.list_tasks(
                task_filter, token, page_size=page_size, with_payload=with_payload, newest_first=newest_first
            )
        )

    @asynccontextmanager
    async def watch(
        self, *, since: ResumeToken | None = None, snapshot: bool = False, **task_filter: Unpack[TaskFilter]
    ) -> AsyncIterator[AsyncWatch]:
        """Changes of tasks as they are committed, in order for each connector, for ever.

        When the block is entered the watch stands: no later change is missed. It starts from a resume token, with the
        tasks as they are (``snapshot``), or with the next change. It reconnects and resumes by itself.
        """
        watch = AsyncWatch(self._connection, TaskWatchState(task_filter, since=since, snapshot=snapshot))
        try:
            await watch.receive()
            yield watch
        finally:
            watch.close()

    # Runs

    async def request_tasks_processing(
        self, *connector_names: str, clear_halt: bool = False, reason: str = ""
    ) -> list[RunTicket]:
        """Ask connectors, or all of them, to process their lines; one ticket each."""
        return await self._connection.call(
            runs.request_tasks_processing(connector_names, clear_halt=clear_halt, reason=reason)
        )

    def watch_run(self, run_id: str) -> AsyncIterator[Run]:
        """A run as it is, then how it gets on, a few times a second, until it has ended. Raises NotFound."""
        return async_latest(self._connection, runs.watch_run(run_id))

    async def get_run(self, run_id: str) -> Run:
        """One run. Raises NotFound."""
        return await self._connection.call(runs.get_run(run_id))

    def list_runs(self, connector: str = "", *, page_size: int = _PAGE_SIZE) -> AsyncIterator[Run]:
        """Runs of one connector or of all, the newest first."""
        return self._connection.pages(lambda token: runs.list_runs(connector, token, page_size=page_size))

    # Connectors

    async def list_connectors(self) -> list[Connector]:
        """Every connector, by name."""
        return await self._connection.call(connectors.list_connectors())

    async def get_connector(self, name: str) -> Connector:
        """One connector. Raises NotFound."""
        return await self._connection.call(connectors.get_connector(name))

    async def pause_connector(self, name: str, reason: str = "") -> Connector:
        """Hold a connector: its tasks wait."""
        return await self._connection.call(connectors.pause_connector(name, reason))

    async def resume_connector(
        self, name: str, head_action: HeadAction = HeadAction.RETRY, reason: str = ""
    ) -> ResumedConnector:
        """Release a paused or halted connector; ``head_action`` decides about the task that halted it."""
        return await self._connection.call(connectors.resume_connector(name, head_action, reason))

    async def connector_stats(self, name: str) -> ConnectorStats:
        """How much waits, since when, and how fast it goes. Raises NotFound."""
        return await self._connection.call(connectors.connector_stats(name))

    def watch_connectors(
        self, names: str | Iterable[str] = (), *, interval: float = 1.0
    ) -> AsyncIterator[list[Connector]]:
        """The named connectors, or all of them, as they are; then those whose state or counts changed, for ever.

        At least ``interval`` seconds, 0.1 to 60, lie between two lists. After a connection that broke, the list is
        whole again. Raises NotFound.
        """
        return async_latest(self._connection, connectors.watch_connectors(names, interval))

    # Objects

    async def get_object(self, object_type: str, key: int | UUID | str | ExternalKey) -> BusObject:
        """One object by internal id (int), GUID (UUID), code name (str) or external key. Raises NotFound."""
        return await self._connection.call(objects.get_object(object_type, key))

    def list_objects(self, object_type: str, *, page_size: int = _PAGE_SIZE) -> AsyncIterator[BusObject]:
        """The objects of a type, by id."""
        return self._connection.pages(lambda token: objects.list_objects(object_type, token, page_size=page_size))

    async def count_objects(self, object_type: str) -> int:
        """How many objects of a type there are."""
        return await self._connection.call(objects.count_objects(object_type))

    async def resolve_keys(self, connector: str, keys: Iterable[ObjectKey]) -> list[ResolvedKey]:
        """Both sides of each key, in their order, by what the tasks of a connector made; at most 1,000 keys.

        Raises NotFound for an unknown connector or type; an id that is not known is an answer.
        """
        return await self._connection.call(objects.resolve_keys(connector, keys))

    @asynccontextmanager
    async def watch_objects(
        self,
        object_types: str | Iterable[str] = (),
        connectors: str | Iterable[str] = (),
        *,
        since: ResumeToken | None = None,
        with_objects: bool = False,
    ) -> AsyncIterator[AsyncObjectWatch]:
        """Changes of objects and pages that tasks made, in order for each connector, for ever.

        When the block is entered the watch stands: no later change is missed. It starts from a resume token, or with
        the next change. It reconnects and resumes by itself. ``with_objects`` asks for each object as it is when the
        change is sent.
        """
        state = ObjectWatchState(object_types, connectors, since=since, with_objects=with_objects)
        watch = AsyncObjectWatch(self._connection, state)
        try:
            await watch.receive()
            yield watch
        finally:
            watch.close()

    # The server

    async def list_enums(self) -> list[EnumInfo]:
        """Every enumeration of the API, with descriptions."""
        return await self._connection.call(server.list_enums())

    async def get_enum(self, name: str) -> EnumInfo:
        """One enumeration, for example "TaskType". Raises NotFound."""
        return await self._connection.call(server.get_enum(name))

    async def server_info(self) -> ServerInfo:
        """Version, limits and capabilities."""
        return await self._connection.call(server.server_info())

    async def _log_batch(self, batch: Sequence[TaskSpec], tally: LogTally, *, allow_partial: bool) -> None:
        if batch:
            call = tasks.log_tasks(batch, str(uuid.uuid4()), allow_partial=allow_partial)
            tally.add(await self._connection.call_patiently(call))


async def _each(new_tasks: Iterable[NewTask] | AsyncIterable[NewTask]) -> AsyncIterator[NewTask]:
    if isinstance(new_tasks, AsyncIterable):
        async for task in new_tasks:
            yield task
    else:
        for task in new_tasks:
            yield task
