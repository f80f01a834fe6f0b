"""One connection to a stream of numbered tasks: what comes in, what is in flight, and what is answered."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass

from integrationbus.server.errors import BusError, FieldProblem, StreamOutOfOrder, StreamTakenOver
from integrationbus.server.log_entries import LogEntry, LoggedTask, LogReceipt
from integrationbus.server.log_streams import StreamPlace, StreamRejection, StreamStanding
from integrationbus.server.task import NewTask
from integrationbus.server.task_log import TaskLog

__all__ = ["WINDOW", "LogStream", "StreamAck", "StreamAnswer"]

WINDOW = 1_024
"""How many tasks of one stream may wait for their acknowledgement."""

_WINDOW_BYTES = 8 * 1024 * 1024
_BATCH_TASKS = 512
_BATCH_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class StreamAck:
    """Everything up to ``number`` is stored or was rejected; ``tasks`` are those stored since the ack before."""

    number: int
    tasks: Sequence[LoggedTask]


StreamAnswer = StreamAck | StreamRejection


@dataclass(frozen=True, slots=True)
class _Batch:
    """Tasks that are being stored, up to this number."""

    number: int
    size: int
    receipt: asyncio.Future[LogReceipt]


class LogStream:
    """Takes tasks and rejections in by their numbers, and hands acknowledgements and rejections out in that order.

    Tasks that come while others are being stored are stored together. A batch is only stored where the one before it
    was: after a failure nothing that came behind it can get ahead. Rejections are stored with the task behind them; at
    the end of what came they are answered without being stored.
    """

    def __init__(self, log: TaskLog, creator: str, stream_id: str, known_number: int) -> None:
        """``known_number`` is the highest number whose outcome the caller knows."""
        self._log = log
        self._creator = creator
        self._stream_id = stream_id
        self._known = known_number
        self.settled_number = 0
        """Everything up to this number is stored or rejected, and answered."""
        self._stored = 0  # the number that the store will have when what is in flight is stored
        self._taken = 0
        self._tasks: deque[tuple[int, NewTask, int]] = deque()
        self._bytes = 0
        self._in_flight: _Batch | None = None
        self._unsaved: deque[StreamRejection] = deque(maxlen=WINDOW)
        self._unanswered: deque[StreamRejection] = deque()
        self._changed = asyncio.Event()
        self._roomier = asyncio.Event()
        self._error: Exception | None = None  # how the stream ends when all is settled
        self._failure: BusError | None = None  # why nothing more is stored
        self.is_ended = False
        """Whether nothing more is taken in."""

    def begin(self, standing: StreamStanding) -> Iterator[StreamAnswer]:
        """Go on behind what is settled; returns what the caller does not know of it yet.

        A caller knows more than the store when the last of its tasks were rejected.
        """
        self._stored = standing.settled_number
        self._taken = self.settled_number = max(standing.settled_number, self._known)
        yield from (item for item in standing.rejections if item.number > self._known)
        if standing.settled_number > self._known:
            yield StreamAck(standing.settled_number, [])

    @property
    def has_room(self) -> bool:
        """Whether another task may be taken in."""
        return self._taken - self.settled_number < WINDOW and self._bytes < _WINDOW_BYTES

    async def room(self) -> None:
        """Wait until another task may be taken in, or the stream has ended."""
        while not self.has_room and not self.is_ended:
            self._roomier.clear()
            await self._roomier.wait()

    def is_repeated(self, number: int, path: str) -> bool:
        """Whether the number was taken in before.

        Raises StreamOutOfOrder, with the path of the number, when it is not the next one either.
        """
        if number > self._taken + 1 or number < 1:
            text = f"is {number}, and {self._taken + 1} comes next"
            raise StreamOutOfOrder(FieldProblem(path, text))
        return number <= self._taken

    def take(self, number: int, item: NewTask | StreamRejection) -> None:
        """Take the next number in; nothing happens when the stream has ended."""
        if self.is_ended:
            return
        self._taken = number
        if isinstance(item, StreamRejection):
            self._unsaved.append(item)
            self._unanswered.append(item)
        else:
            size = len(item.payload.data)
            self._tasks.append((number, item, size))
            self._bytes += size
            self._submit()
        self._changed.set()

    def end(self, error: Exception | None = None) -> None:
        """Take nothing more in: ``answers`` ends when all that was taken is settled, with the error if there is one."""
        if not self.is_ended:
            self.is_ended, self._error = True, error
            self._changed.set()
            self._roomier.set()

    def take_over(self) -> None:
        """Another connection goes on with the stream: nothing more of this one may be stored."""
        self._failure = self._failure or StreamTakenOver(f"another connection uses the stream {self._stream_id!r}")
        self.end()

    def close(self) -> None:
        """Nobody waits for answers any more; what is in flight is stored all the same."""
        self.take_over()
        if self._in_flight:
            self._in_flight.receipt.cancel()

    async def answers(self) -> AsyncGenerator[StreamAnswer, None]:
        """What became of the tasks, in the order of their numbers.

        Raises what ``end`` was given; StoreUnavailable, OutcomeUnknown or ServerDraining when a batch may not have been
        stored; StreamTakenOver.
        """
        while True:
            self._submit()
            if batch := self._in_flight:
                receipt = await batch.receipt
                self._in_flight = None
                self._submit()
                self._bytes -= batch.size
                for answer in self._settle(batch.number, receipt.tasks):
                    yield answer
            elif self._failure:
                raise self._failure
            elif self._tasks:
                await self._log.room()
            elif self.settled_number < self._taken:
                for answer in self._settle(self._taken, []):
                    yield answer
            elif self.is_ended:
                if self._error:
                    raise self._error
                return
            else:
                self._changed.clear()
                await self._changed.wait()

    def _settle(self, number: int, tasks: Sequence[LoggedTask]) -> Iterator[StreamAnswer]:
        while self._unanswered and self._unanswered[0].number <= number:
            yield self._unanswered.popleft()
        yield StreamAck(number, tasks)
        self.settled_number = number
        self._roomier.set()

    def _submit(self) -> None:
        """Hand what waits to the log, unless a batch is being stored or the log is full."""
        if not self._tasks or self._in_flight or self._failure or self._log.is_full:
            return
        tasks: list[NewTask] = []
        number = size = 0
        while self._tasks and len(tasks) < _BATCH_TASKS and size < _BATCH_BYTES:
            number, task, task_size = self._tasks.popleft()
            size += task_size
            tasks.append(task)
        # Whoever sends this number has the answers of those that it is a window ahead of.
        heard = max(self._known, number - WINDOW)
        place = StreamPlace(
            creator=self._creator,
            stream_id=self._stream_id,
            after=self._stored,
            number=number,
            rejections=[item for item in self._unsaved if heard < item.number < number],
            heard_number=heard,
        )
        try:
            receipt = self._log.submit(LogEntry(tasks=tasks, place=place))
        except BusError as error:
            self._failure = error
            return
        while self._unsaved and self._unsaved[0].number < number:
            self._unsaved.popleft()
        self._stored = number
        self._in_flight = _Batch(number, size, receipt)
