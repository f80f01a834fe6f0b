"""The streams of tasks that are open on this server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from integrationbus.server.errors import ServerDraining
from integrationbus.server.reads import Reads
from integrationbus.server.rpc.log_stream import LogStream, StreamAnswer
from integrationbus.server.store import Store
from integrationbus.server.task_log import TaskLog

__all__ = ["OpenStreams"]


class OpenStreams:
    """Opens each stream for one connection at a time: the newest one, since the one before may be half dead."""

    def __init__(self, log: TaskLog, store: Store, reads: Reads) -> None:
        self._log = log
        self._store = store
        self._reads = reads
        self._open: dict[tuple[str, str], LogStream] = {}
        self._draining: ServerDraining | None = None

    @asynccontextmanager
    async def open(
        self, creator: str, stream_id: str, known_number: int
    ) -> AsyncIterator[tuple[LogStream, list[StreamAnswer]]]:
        """Open a stream where it stands; yields it with what the caller does not know yet.

        Raises ServerDraining, StoreUnavailable or OutcomeUnknown.
        """
        if self._draining:
            raise self._draining
        stream = LogStream(self._log, creator, stream_id, known_number)
        key = (creator, stream_id)
        if before := self._open.get(key):
            before.take_over()
        self._open[key] = stream
        try:
            # What the connection before left in the log is stored, or not, before it is read how far that led.
            await self._log.settled()
            standing = await self._reads(lambda: self._store.stream_standing(creator, stream_id))
            yield stream, list(stream.begin(standing))
        finally:
            stream.close()
            if self._open.get(key) is stream:
                del self._open[key]

    def stop(self) -> None:
        """End every stream when what it took in is settled, and open no more."""
        self._draining = ServerDraining("the server is stopping; connect again in a moment")
        for stream in self._open.values():
            stream.end(self._draining)
