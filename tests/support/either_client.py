"""The sync and the asyncio client behind one door, so that one test tells what both do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, Generic, TypeVar, Unpack, cast

from integrationbus.client import (
    AsyncClient,
    AsyncLogStream,
    AsyncObjectWatch,
    AsyncWatch,
    Client,
    LogStream,
    NewTask,
    ObjectChange,
    ObjectWatch,
    RejectedTask,
    ResumeToken,
    Task,
    TaskChange,
    TaskFilter,
    Watch,
)

__all__ = ["AsyncFace", "EitherClient", "EitherLogStream", "EitherWatch", "SyncFace"]

_T = TypeVar("_T")


class EitherWatch(Generic[_T]):
    """A watch of either kind, of tasks or of objects."""

    def __init__(self, watch: Any, runner: asyncio.Runner | None) -> None:
        self._watch: Watch | AsyncWatch | ObjectWatch | AsyncObjectWatch = watch
        self._runner = runner

    @property
    def resume_token(self) -> ResumeToken | None:
        """The watch's token."""
        return self._watch.resume_token

    def next(self) -> _T:
        """The next item."""
        if isinstance(self._watch, Watch | ObjectWatch):
            return cast("_T", next(self._watch))
        assert self._runner is not None
        return cast("_T", self._runner.run(_await(anext(self._watch))))


class EitherLogStream:
    """A stream of tasks of either kind."""

    def __init__(self, stream: LogStream | AsyncLogStream, runner: asyncio.Runner | None) -> None:
        self.numbers = stream
        """The stream, for what needs no waiting."""
        self._stream = stream
        self._runner = runner

    def send(self, task: NewTask) -> None:
        """Send a task."""
        if isinstance(self._stream, LogStream):
            self._stream.send(task)
            return
        assert self._runner is not None
        self._runner.run(self._stream.send(task))

    def flush(self) -> None:
        """Wait until every task is settled."""
        if isinstance(self._stream, LogStream):
            self._stream.flush()
            return
        assert self._runner is not None
        self._runner.run(self._stream.flush())


class SyncFace:
    """``Client``."""

    def __init__(self, target: str, *, patience: float, timeout: float) -> None:
        self._client = Client(target, application="crm", patience=patience, timeout=timeout)

    def call(self, make: "Callable[[Client | AsyncClient], _T | Awaitable[_T]]") -> _T:
        """The result of a method."""
        result = make(self._client)
        assert not isinstance(result, Awaitable)
        return result

    def items(self, make: "Callable[[Client | AsyncClient], Iterator[_T] | AsyncIterator[_T]]", most: int) -> list[_T]:
        """What a method iterates over, up to a number of items."""
        result = make(self._client)
        assert isinstance(result, Iterator)
        return list(islice(result, most))

    @contextmanager
    def watch(
        self, *, since: ResumeToken | None = None, snapshot: bool = False, **task_filter: Unpack[TaskFilter]
    ) -> Iterator[EitherWatch[Task | TaskChange]]:
        """A watch."""
        with self._client.watch(since=since, snapshot=snapshot, **task_filter) as watch:
            yield EitherWatch(watch, None)

    @contextmanager
    def watch_objects(
        self, *filters: str, since: ResumeToken | None = None, with_objects: bool = False
    ) -> Iterator[EitherWatch[ObjectChange]]:
        """A watch of objects."""
        with self._client.watch_objects(*filters, since=since, with_objects=with_objects) as watch:
            yield EitherWatch(watch, None)

    @contextmanager
    def log_stream(
        self, stream_id: str = "s", on_rejected: Callable[[RejectedTask], object] | None = None
    ) -> Iterator[EitherLogStream]:
        """A stream of tasks."""
        with self._client.log_stream(stream_id, on_rejected=on_rejected) as stream:
            yield EitherLogStream(stream, None)

    def close(self) -> None:
        """Close the client."""
        self._client.close()


class AsyncFace:
    """``AsyncClient``, on a loop that runs while something is asked of it."""

    def __init__(self, target: str, *, patience: float, timeout: float) -> None:
        self._runner = asyncio.Runner()
        self._client = self._runner.run(_make(target, patience, timeout))

    def call(self, make: "Callable[[Client | AsyncClient], _T | Awaitable[_T]]") -> _T:
        """The result of a method."""
        result = make(self._client)
        assert isinstance(result, Awaitable)
        return self._runner.run(_await(cast("Awaitable[_T]", result)))

    def items(self, make: "Callable[[Client | AsyncClient], Iterator[_T] | AsyncIterator[_T]]", most: int) -> list[_T]:
        """What a method iterates over, up to a number of items."""
        result = make(self._client)
        assert isinstance(result, AsyncIterator)
        return self._runner.run(_take(result, most))

    @contextmanager
    def watch(
        self, *, since: ResumeToken | None = None, snapshot: bool = False, **task_filter: Unpack[TaskFilter]
    ) -> Iterator[EitherWatch[Task | TaskChange]]:
        """A watch."""
        watch = self._client.watch(since=since, snapshot=snapshot, **task_filter)
        opened = self._runner.run(_await(watch.__aenter__()))
        try:
            yield EitherWatch(opened, self._runner)
        finally:
            self._runner.run(_await(watch.__aexit__(None, None, None)))

    @contextmanager
    def watch_objects(
        self, *filters: str, since: ResumeToken | None = None, with_objects: bool = False
    ) -> Iterator[EitherWatch[ObjectChange]]:
        """A watch of objects."""
        watch = self._client.watch_objects(*filters, since=since, with_objects=with_objects)
        opened = self._runner.run(_await(watch.__aenter__()))
        try:
            yield EitherWatch(opened, self._runner)
        finally:
            self._runner.run(_await(watch.__aexit__(None, None, None)))

    @contextmanager
    def log_stream(
        self, stream_id: str = "s", on_rejected: Callable[[RejectedTask], object] | None = None
    ) -> Iterator[EitherLogStream]:
        """A stream of tasks."""
        stream = self._client.log_stream(stream_id, on_rejected=on_rejected)
        opened = self._runner.run(_await(stream.__aenter__()))
        try:
            yield EitherLogStream(opened, self._runner)
        except BaseException as error:
            self._runner.run(_await(stream.__aexit__(type(error), error, error.__traceback__)))
            raise
        self._runner.run(_await(stream.__aexit__(None, None, None)))

    def close(self) -> None:
        """Close the client and its loop."""
        self._runner.run(self._client.close())
        self._runner.close()


EitherClient = SyncFace | AsyncFace


async def _make(target: str, patience: float, timeout: float) -> AsyncClient:  # noqa: ASYNC109 - the client's own
    return AsyncClient(target, application="crm", patience=patience, timeout=timeout)


async def _await(awaitable: Awaitable[_T]) -> _T:
    return await awaitable


async def _take(items: AsyncIterator[_T], most: int) -> list[_T]:
    taken: list[_T] = []
    async for item in items:
        taken.append(item)
        if len(taken) == most:
            break
    return taken
