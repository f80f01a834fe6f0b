"""Which runs of a connector were asked for: the one in progress, and what comes after it."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from integrationbus.server.claims import NewRun
from integrationbus.server.ids import new_id
from integrationbus.server.replica import RequestedRun
from integrationbus.server.run import NotifyOutcome

__all__ = ["AskedRuns"]

# What is read of the requests may be older than the end of a run, by one look.
_REMEMBERED = 8


class AskedRuns:
    """What a worker was asked for. Not safe by itself: the worker calls it with its own lock held.

    Whoever asks while a run is in progress joins it: it looks at the line again before it ends. One that was cancelled
    must not swallow what is asked for afterwards; that becomes the run that follows.
    """

    def __init__(self) -> None:
        self.active: NewRun | None = None
        """The run in progress."""
        self._following: deque[NewRun] = deque()
        self._again = False
        self._cancelled: set[str] = set()
        self._on_record: set[str] = set()
        self._seen: dict[str, int] = {}
        self._over: deque[str] = deque(maxlen=_REMEMBERED)

    @property
    def cancelled(self) -> bool:
        """Whether the run in progress is to end after the batch in hand."""
        active = self.active
        return active is not None and active.id in self._cancelled

    @property
    def joined(self) -> bool:
        """Whether somebody joined the run in progress since it looked."""
        return self._again

    @property
    def awaited(self) -> Sequence[NewRun]:
        """The runs that somebody knows by their id, who asked for them here."""
        runs = (*([self.active] if self.active else ()), *self._following)
        return [run for run in runs if run.id in self._on_record and not self.seen(run.id)]

    def cancel(self, run_id: str) -> bool:
        """Make a run end after the batch in hand, or as soon as it begins; False for one that is unknown here."""
        if all(run.id != run_id for run in (self.active, *self._following) if run):
            return False
        self._cancelled.add(run_id)
        return True

    def is_cancelled(self, run_id: str) -> bool:
        """Whether a run was cancelled whose end is not on record."""
        return run_id in self._cancelled

    def ask(self, run: NewRun) -> tuple[NotifyOutcome, NewRun]:
        """Start a run, or join another one, which is returned."""
        if self.active is None:
            self.active = run
            return NotifyOutcome.STARTED, run
        if self.cancelled:
            if not self._following or self._following[-1].id in self._cancelled:
                self._following.append(run)
                return NotifyOutcome.STARTED, run
            self._following[-1] = _both(self._following[-1], run)
            return NotifyOutcome.COALESCED, self._following[-1]
        self._again = True
        self.active = _both(self.active, run)
        return NotifyOutcome.COALESCED, self.active

    def ask_for_left(self, request: RequestedRun) -> bool:
        """Take up a run that another process left, once for each number; returns whether that changed anything."""
        run = request.run
        if request.number <= self.seen(run.id) or run.id in self._over:
            return False
        self._seen[run.id] = request.number
        if run.id in self._cancelled:
            # It is here, and what joined it before it was cancelled goes with it.
            return False
        if self.active is None or self.active.id == run.id:
            self.ask(run)
        elif all(each.id != run.id for each in self._following):
            self._following.append(run)
        return True

    def seen(self, run_id: str) -> int:
        """The number of the newest request that a run has taken up; 0 for a run that nobody left."""
        return self._seen.get(run_id, 0)

    def is_known(self, run_id: str) -> bool:
        """Whether somebody may wait for the end of a run: it was asked for by its id, or by another process."""
        return run_id in self._on_record or self.seen(run_id) > 0

    def put_on_record(self, run_id: str) -> None:
        """Somebody knows the run by its id: its end has to be on record."""
        self._on_record.add(run_id)

    def take_from_record(self, run_id: str) -> bool:
        """Whether the end of a run has to be on record; asked once."""
        known = run_id in self._on_record
        self._on_record.discard(run_id)
        return known

    def look_again(self, *, allowed: bool) -> NewRun | None:
        """The run in progress, if somebody joined it since it looked; if not, it is over, and the next one begins."""
        again, self._again = self._again and allowed, False
        if not again:
            self._begin_next()
            return None
        return self.active

    def go_on(self, run: NewRun, request: RequestedRun) -> NewRun:
        """A run that was over has been asked for one more look; what began meanwhile follows."""
        self._seen[run.id] = request.number
        if self.active is not None and self.active.id != run.id:
            self._following.appendleft(self.active)
        self.active = _both(run, request.run)
        return self.active

    def forget(self, run_id: str, *, requested: bool) -> None:
        """A run has ended for good, and so has what was asked of it until then."""
        self._seen.pop(run_id, None)
        self._cancelled.discard(run_id)
        if requested:
            self._over.append(run_id)

    def give_up(self, run: NewRun) -> int:
        """A run was interrupted: what follows it, or another one like it, takes its place. Returns what it had seen."""
        if self.active is None or self.active.id == run.id:
            again = replace(self.active or run, id=new_id())
            self._begin_next()
            self.active = self.active or again
        self._again = False
        self._cancelled.discard(run.id)
        return self._seen.pop(run.id, 0)

    def let_go(self, run: NewRun) -> tuple[NewRun, bool]:
        """A run is left to another process; returns it with what others asked of it meanwhile.

        And whether it is no more than what another process has left for whoever has the connector.
        """
        joined = self.active if self.active is not None and self.active.id == run.id else run
        is_left = self._seen.pop(run.id, 0) > 0 and not self._again
        self._again = False
        self._cancelled.discard(run.id)
        self._begin_next()
        return joined, is_left

    def take_back(self, run: NewRun) -> None:
        """A run could not be left to another process: it is next, and what began meanwhile follows."""
        if self.active is not None:
            self._following.appendleft(self.active)
        self.active = run

    def _begin_next(self) -> None:
        self.active = self._following.popleft() if self._following else None


def _both(run: NewRun, other: NewRun) -> NewRun:
    """A run that does what both were asked for."""
    return replace(run, called_only=run.called_only and other.called_only)
