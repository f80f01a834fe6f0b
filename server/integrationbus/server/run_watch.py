"""Watching a run until it ends."""

from collections.abc import AsyncGenerator

from integrationbus.server.broadcast import Broadcast, wait
from integrationbus.server.clock import Clock
from integrationbus.server.errors import ServerDraining
from integrationbus.server.reads import Reads
from integrationbus.server.run import Run, RunState
from integrationbus.server.store import Store

__all__ = ["RunWatch"]

_LONGEST_SILENCE_SECONDS = 10.0
# Nobody reads faster, and a look after every commit of a busy connector took a tenth of its time.
_PAUSE_SECONDS = 0.1


class RunWatch:
    """Delivers a run as it is, then how it gets on, a few times a second, and its end at once.

    Everything here runs on one event loop.
    """

    def __init__(self, store: Store, reads: Reads, clock: Clock) -> None:
        self._store = store
        self._reads = reads
        self._clock = clock
        self._news = Broadcast()
        self._ends = Broadcast()
        self._draining = False

    def changed(self) -> None:
        """Something was committed."""
        self._news.send()

    def ended(self) -> None:
        """A run may have ended."""
        self._news.send()
        self._ends.send()

    def stop(self) -> None:
        """End every watch with ServerDraining."""
        self._draining = True
        self.ended()

    async def watch(self, run_id: str) -> AsyncGenerator[tuple[Run, int], None]:
        """A run with what is left in its connector's line, until it has ended. Raises RunNotFound or ServerDraining."""
        seen: tuple[Run, int] | None = None
        while True:
            news, ends = self._news.next(), self._ends.next()
            rested = self._clock.monotonic() + _PAUSE_SECONDS
            state = await self._reads(lambda: self._read(run_id))
            if state != seen:
                yield state
                seen = state
            if state[0].state is not RunState.RUNNING:
                return
            if self._draining:
                raise ServerDraining("the server is stopping; watch the run again in a moment")
            await wait(news, _LONGEST_SILENCE_SECONDS)
            await wait(ends, max(0.0, rested - self._clock.monotonic()))

    def _read(self, run_id: str) -> tuple[Run, int]:
        run = self._store.run(run_id)
        return run, self._store.connector(run.connector).counts.unsettled
