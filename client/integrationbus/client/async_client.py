"""The client for asyncio programs."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self, TypeVar, Unpack
from uuid import UUID

import grpc
from google.protobuf.message import Message

from integrationbus.client.async_watch import AsyncWatch
from integrationbus.client.model.connectors import Connector, ConnectorStats, ResumedConnector
from integrationbus.client.model.enums import HeadAction, TaskType
from integrationbus.client.model.errors import BusError
from integrationbus.client.model.objects import BusObject, ExternalKey
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
    TaskRefusal,
)
from integrationbus.client.wire import connectors, objects, runs, server, tasks
from integrationbus.client.wire.batches import batches
from integrationbus.client.wire.call import Call, Page
from integrationbus.client.wire.channel import CHANNEL_OPTIONS, metadata_of
from integrationbus.client.wire.patience import Patience
from integrationbus.client.wire.results import LogTally
from integrationbus.client.wire.statuses import bus_error
from integrationbus.client.wire.watching import WatchState

__all__ = ["AsyncClient"]

_T = TypeVar("_T")

_PAGE_SIZE = 500


class AsyncClient:
    """Calls a server; ``Client`` for asyncio. Belongs to one event loop.

    ``target`` is its address, for example "localhost:50051". ``application`` is what the caller calls itself: tasks
    carry it, and request ids are unique within it. Without ``credentials`` the connection is not encrypted. A call that
    has no answer within ``timeout`` seconds fails with DeadlineExceeded. ``patience`` is for how many seconds
    ``log_tasks`` and ``watch`` go on trying without a success while the server is away.

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
        self._target = target
        self._metadata = metadata_of(application)
        self._timeout = timeout
        self._patience = patience
        self._channel = (
            grpc.aio.insecure_channel(target, options=CHANNEL_OPTIONS)
            if credentials is None
            else grpc.aio.secure_channel(target, credentials, options=CHANNEL_OPTIONS)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End every call in flight, and the connection."""
        await self._channel.close()

    # Tasks

    async def log_task(
        self,
        connector: str,
        task_type: TaskType,
        payload: Payload | None = None,
        *,
        request_id: str = "",
        **options: Unpack[TaskOptions],
    ) -> LoggedTask:
        """Store one task; durable when this returns.

        ``request_id`` makes repetitions across restarts of the caller safe; without one, only the client's own are.
        """
        task = NewTask(connector, task_type, payload, **options)
        return await self._unary(tasks.log_task(task, request_id or str(uuid.uuid4())))

    async def log_tasks(
        self,
        new_tasks: Iterable[NewTask],
        *,
        batch_size: int = 500,
        allow_partial: bool = False,
        progress: Callable[[LogProgress], object] | None = None,
    ) -> LoggedTasks:
        """Store many tasks in their order, in batches, taken from the iterable as they are needed.

        Each batch is stored as a whole; with ``allow_partial`` what cannot be accepted is left out and reported. A
        server that goes away is waited for, and no batch is ever stored twice. ``progress`` is called after each batch.
        """
        tally = LogTally()
        for specs in batches(new_tasks, batch_size):
            call = tasks.log_tasks(specs, str(uuid.uuid4()), allow_partial=allow_partial)
            tally.add(await self._patiently(call))
            if progress is not None:
                progress(tally.progress)
        return tally.result

    async def get_task(self, task_id: str, *, with_payload: bool = False) -> Task:
        """One task. Raises NotFound."""
        return await self._unary(tasks.get_task(task_id, with_payload=with_payload))

    def list_tasks(
        self,
        *,
        with_payload: bool = False,
        newest_first: bool = False,
        page_size: int = _PAGE_SIZE,
        **task_filter: Unpack[TaskFilter],
    ) -> AsyncIterator[Task]:
        """Tasks by connector and place in the line, page after page as they are read."""
        return self._pages(
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
        watch = AsyncWatch(
            WatchState(task_filter, since=since, snapshot=snapshot),
            open_stream=self._stream,
            read_error=self._error,
            patience=Patience(self._patience),
            sleep=asyncio.sleep,
        )
        try:
            await watch.establish()
            yield watch
        finally:
            watch.close()

    # Runs

    async def request_tasks_processing(
        self, *connector_names: str, clear_halt: bool = False, reason: str = ""
    ) -> list[RunTicket]:
        """Ask connectors, or all of them, to process their lines; one ticket each."""
        return await self._unary(runs.request_tasks_processing(connector_names, clear_halt=clear_halt, reason=reason))

    async def watch_run(self, run_id: str) -> AsyncIterator[Run]:
        """A run as it is, and again after each change, until it has ended. Raises NotFound."""
        call = runs.watch_run(run_id)
        try:
            async for message in self._stream(call):
                yield call.read(message)
        except grpc.aio.AioRpcError as error:
            raise self._error(error) from error

    async def get_run(self, run_id: str) -> Run:
        """One run. Raises NotFound."""
        return await self._unary(runs.get_run(run_id))

    def list_runs(self, connector: str = "", *, page_size: int = _PAGE_SIZE) -> AsyncIterator[Run]:
        """Runs of one connector or of all, the newest first."""
        return self._pages(lambda token: runs.list_runs(connector, token, page_size=page_size))

    # Connectors

    async def list_connectors(self) -> list[Connector]:
        """Every connector, by name."""
        return await self._unary(connectors.list_connectors())

    async def get_connector(self, name: str) -> Connector:
        """One connector. Raises NotFound."""
        return await self._unary(connectors.get_connector(name))

    async def pause_connector(self, name: str, reason: str = "") -> Connector:
        """Hold a connector: its tasks wait."""
        return await self._unary(connectors.pause_connector(name, reason))

    async def resume_connector(
        self, name: str, head_action: HeadAction = HeadAction.RETRY, reason: str = ""
    ) -> ResumedConnector:
        """Release a paused or halted connector; ``head_action`` decides about the task that halted it."""
        return await self._unary(connectors.resume_connector(name, head_action, reason))

    async def connector_stats(self, name: str) -> ConnectorStats:
        """How much waits, since when, and how fast it goes. Raises NotFound."""
        return await self._unary(connectors.connector_stats(name))

    # Objects

    async def get_object(self, object_type: str, key: int | UUID | str | ExternalKey) -> BusObject:
        """One object by internal id (int), GUID (UUID), code name (str) or external key. Raises NotFound."""
        return await self._unary(objects.get_object(object_type, key))

    def list_objects(self, object_type: str, *, page_size: int = _PAGE_SIZE) -> AsyncIterator[BusObject]:
        """The objects of a type, by id."""
        return self._pages(lambda token: objects.list_objects(object_type, token, page_size=page_size))

    async def count_objects(self, object_type: str) -> int:
        """How many objects of a type there are."""
        return await self._unary(objects.count_objects(object_type))

    # The server

    async def list_enums(self) -> list[EnumInfo]:
        """Every enumeration of the API, with descriptions."""
        return await self._unary(server.list_enums())

    async def get_enum(self, name: str) -> EnumInfo:
        """One enumeration, for example "TaskType". Raises NotFound."""
        return await self._unary(server.get_enum(name))

    async def server_info(self) -> ServerInfo:
        """Version, limits and capabilities."""
        return await self._unary(server.server_info())

    async def _unary(self, call: Call[_T]) -> _T:
        method = self._channel.unary_unary(
            call.method,
            request_serializer=type(call.request).SerializeToString,
            response_deserializer=call.response.FromString,
        )
        try:
            response = await method(call.request, timeout=self._timeout, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            raise self._error(error) from error
        return call.read(response)

    def _stream(self, call: Call[_T]) -> "grpc.aio.UnaryStreamCall[Message, Message]":
        method = self._channel.unary_stream(
            call.method,
            request_serializer=type(call.request).SerializeToString,
            response_deserializer=call.response.FromString,
        )
        return method(call.request, metadata=self._metadata)

    async def _patiently(self, call: Call[list[LoggedTask | TaskRefusal]]) -> list[LoggedTask | TaskRefusal]:
        patience = Patience(self._patience)
        while True:
            try:
                return await self._unary(call)
            except BusError as error:
                delay = patience.delay_after(error)
            await asyncio.sleep(delay)

    async def _pages(self, call_for: Callable[[str], Call[Page[_T]]]) -> AsyncIterator[_T]:
        token = ""
        while True:
            page = await self._unary(call_for(token))
            for item in page.items:
                yield item
            token = page.next_token
            if not token:
                return

    def _error(self, error: grpc.aio.AioRpcError) -> BusError:
        return bus_error(error, self._target)
