"""Group commit: whatever waits while one commit is in flight is stored by the next one."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from integrationbus.server.errors import BusError, LogQueueFull, ServerDraining
from integrationbus.server.log_entries import LogEntry, LogReceipt
from integrationbus.server.store import Store

__all__ = ["TaskLog"]

_log = logging.getLogger(__name__)

_MAX_ENTRIES = 256
_MAX_BYTES = 4 * 1024 * 1024
_MAX_WAITING_ENTRIES = 20_000
_MAX_WAITING_BYTES = 128 * 1024 * 1024

_Outcome = LogReceipt | BaseException


@dataclass(slots=True)
class _Waiting:
    """An entry whose caller waits for its receipt."""

    entry: LogEntry
    size: int
    receipt: asyncio.Future[LogReceipt]
    withdrawn: bool = False


class TaskLog:
    """Stores what callers log, many calls in one transaction; a caller gets its receipt after the commit.

    There is no timer: an entry that comes alone is committed at once, and under load the groups grow by themselves.
    ``on_logged`` is called on the event loop with what each commit stored.
    """

    def __init__(
        self,
        store: Store,
        on_logged: Callable[[Sequence[tuple[LogEntry, LogReceipt]]], None],
        max_waiting: int = _MAX_WAITING_ENTRIES,
    ) -> None:
        self._store = store
        self._on_logged = on_logged
        self._max_waiting = max_waiting
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._write, name="task log")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._answered = asyncio.Event()

    def start(self) -> None:
        """Begin to store; called on the event loop of the callers."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self) -> None:
        """Take nothing more, store what waits, and end."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._loop is not None:
            await self._loop.run_in_executor(None, self._thread.join)

    async def append(self, entry: LogEntry) -> LogReceipt:
        """Store one call's tasks.

        Raises LogQueueFull, ServerDraining, StoreUnavailable or RequestIdReused with nothing stored, and
        OutcomeUnknown. When the caller is cancelled, or its time is up, an entry that still waits is not stored.
        """
        waiting = self._queue(entry)
        try:
            return await waiting.receipt
        except asyncio.CancelledError:
            waiting.withdrawn = True
            raise

    def submit(self, entry: LogEntry) -> asyncio.Future[LogReceipt]:
        """Queue one call's tasks behind all that was queued before; the future is what ``append`` waits for.

        Raises LogQueueFull or ServerDraining with nothing queued. The future of an entry with a place in a stream may
        also raise StreamTakenOver, with nothing stored. One that is cancelled leaves its entry in the queue.
        """
        return self._queue(entry).receipt

    def _queue(self, entry: LogEntry) -> _Waiting:
        assert self._loop, "the log was started"
        waiting = _Waiting(entry, sum(len(task.payload.data) for task in entry.tasks), self._loop.create_future())
        with self._changed:
            if self._stopping:
                raise ServerDraining("the server is stopping; repeat the call in a moment")
            if self.is_full:
                raise LogQueueFull("more is waiting to be stored than the server takes", timedelta(seconds=1))
            self._waiting.append(waiting)
            self._waiting_bytes += waiting.size
            self._changed.notify()
        return waiting

    async def room(self) -> None:
        """Wait until the queue is not full."""
        while self.is_full:
            # What makes it full will be answered, on this loop: the answer cannot come before the wait.
            self._answered.clear()
            await self._answered.wait()

    async def settled(self) -> None:
        """Wait until everything that was queued before has its answer."""
        await self.room()
        await self.append(LogEntry(tasks=[]))

    @property
    def is_full(self) -> bool:
        """Whether nothing more is taken for the moment."""
        return len(self._waiting) >= self._max_waiting or self._waiting_bytes >= _MAX_WAITING_BYTES

    def _write(self) -> None:
        while group := self._next_group():
            wanted = [waiting for waiting in group if not waiting.withdrawn]
            outcomes = self._store_group([waiting.entry for waiting in wanted]) if wanted else ()
            assert self._loop
            # One call for the whole group: waking the loop costs more than setting a future.
            self._loop.call_soon_threadsafe(self._answer, wanted, outcomes)

    def _next_group(self) -> list[_Waiting]:
        """Everything that waits, up to the limits of a group; empty when it is time to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopping)
            group: list[_Waiting] = []
            size = 0
            while self._waiting and len(group) < _MAX_ENTRIES and (not group or size < _MAX_BYTES):
                waiting = self._waiting.popleft()
                size += waiting.size
                group.append(waiting)
            self._waiting_bytes -= size
            return group

    def _store_group(self, entries: Sequence[LogEntry]) -> Sequence[_Outcome]:
        try:
            outcomes = self._store.append(entries)
            return [outcome if isinstance(outcome, LogReceipt) else outcome.error() for outcome in outcomes]
        except BusError as error:
            return [error] * len(entries)
        except Exception as error:  # noqa: BLE001 - whatever the fault is, the callers must hear of it
            if len(entries) == 1:
                _log.exception("a call could not be stored")
                return [error]
            # One of them is at fault; the others must not suffer for it.
            return [outcome for entry in entries for outcome in self._store_group([entry])]

    def _answer(self, group: Sequence[_Waiting], outcomes: Sequence[_Outcome]) -> None:
        self._answered.set()
        stored = []
        for waiting, outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, LogReceipt):
                stored.append((waiting.entry, outcome))
            if waiting.receipt.done():
                continue
            if isinstance(outcome, LogReceipt):
                waiting.receipt.set_result(outcome)
            else:
                waiting.receipt.set_exception(outcome)
        if stored:
            self._on_logged(stored)
