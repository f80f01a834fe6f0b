"""The thread of one connector: it sleeps until a run is asked for, and sees every run through to its end."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from integrationbus.server.claims import NewRun
from integrationbus.server.clock import Clock
from integrationbus.server.connector import Lease
from integrationbus.server.errors import LeaseHeld, LeaseLost, OutcomeUnknown, ServerDraining, StoreUnavailable
from integrationbus.server.ids import new_id
from integrationbus.server.processing.asked_runs import AskedRuns
from integrationbus.server.processing.run_records import RunRecords
from integrationbus.server.processing.runner import RunEnd, Runner
from integrationbus.server.registry import RegisteredConnector
from integrationbus.server.replica import RequestedRun
from integrationbus.server.replicas.trust import Trust, Unlimited
from integrationbus.server.run import NotifyOutcome, Run, RunState, RunTrigger
from integrationbus.server.store import Store

__all__ = ["ConnectorWorker"]

_log = logging.getLogger(__name__)

_FIRST_BACKOFF = timedelta(seconds=1)
_LONGEST_BACKOFF = timedelta(seconds=30)
_IDLE_SECONDS = 30.0

# To begin a run and to end it costs as much as a task. Where tasks come one by one, they share a run.
_LINGER_SECONDS = 0.1
_LINGER_AGE_SECONDS = 1.0
_HURRY_SECONDS = 30.0
# Longer than from one heartbeat to the next, which is when a connector is given back.
_REST_SECONDS = 2.5
_BY_THEMSELVES = (RunTrigger.LOG, RunTrigger.STARTUP, RunTrigger.CALL)
"""What whoever takes the connector finds to do by itself."""


class ConnectorWorker:
    """Runs one connector on a thread of its own, which is started when there is something to do and ends after a while.

    A trigger that comes during a run is not lost: the run looks at the line again before it ends. The right to process
    the connector is taken with the first run and kept until the worker stops, or is told to give it back.
    """

    def __init__(
        self,
        registered: RegisteredConnector,
        *,
        runner: Runner,
        store: Store,
        owner: str,
        clock: Clock,
        on_change: Callable[[], None],
        on_interrupted: Callable[[], None],
        trust: Trust | None = None,
    ) -> None:
        self.name = registered.name
        """The name of the connector."""
        self._registered = registered
        self._runner = runner
        self._store = store
        self._owner = owner
        self._clock = clock
        self._on_interrupted = on_interrupted
        self._trust = trust or Unlimited()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._asked = AskedRuns()
        self._records = RunRecords(
            store=store, registered=registered, asked=self._asked, changed=self._changed, on_change=on_change
        )
        self._poked = False
        self._lingers = False
        self._hurries_until = 0.0
        self._postponed: NewRun | None = None
        self.held: RunState | None = None
        """What the last run found to hold the connector."""
        self._stopping = False
        self._giving_back = False
        self._at_work = False
        self.backs_off = False
        """Whether a run was interrupted a moment ago."""
        self._lease: Lease | None = None
        self._may_have_crashed = True
        self._next_deadline: datetime | None = None

    @property
    def is_running(self) -> bool:
        """Whether a run is in progress."""
        return self._asked.active is not None

    @property
    def is_busy(self) -> bool:
        """Whether a run is in progress that will look at the line again by itself."""
        return self.is_running and not self._lingers

    @property
    def _hurries(self) -> bool:
        """Whether another process is to have the connector as soon as it rests."""
        return self._clock.monotonic() < self._hurries_until

    @property
    def stopping(self) -> bool:
        """See ``Pause.stopping``."""
        return self._stopping or self._asked.cancelled

    @property
    def trusted(self) -> bool:
        """See ``Pause.trusted``."""
        return self._lease is not None and self._trust.holds(self._lease.connector_id)

    def trigger(self, run: NewRun) -> NotifyOutcome:
        """Start a run, or make the one in progress look again. Raises ServerDraining."""
        with self._changed:
            return self._accept(run, is_wanted=bool(run.requested_by))[0]

    def trigger_on_log(self, run: NewRun) -> None:
        """As ``trigger``, but leave a connector alone that is known to be held, and a worker that is stopping."""
        with self._changed:
            rests = self._postponed is not None and self._asked.active is None
            if self.held is None and not self._stopping and not rests:
                self._accept(run, is_wanted=False)

    def trigger_on_record(self, run: NewRun) -> tuple[NotifyOutcome, Run]:
        """As ``trigger``, and return the run that was started or joined, which is on record then."""
        with self._changed:
            outcome, accepted = self._accept_known(run)
        return outcome, self._records.begin(accepted)

    def trigger_as_holder(self, run: NewRun) -> tuple[NotifyOutcome, Run] | None:
        """As ``trigger_on_record``; None if another process may take the connector first, and end what it finds."""
        with self._changed:
            if self._lease is None:
                return None
            outcome, accepted = self._accept_known(run)
        return outcome, self._records.begin(accepted)

    def trigger_requested(self, request: RequestedRun) -> None:
        """Carry out a run that somebody left for this worker; asking again changes nothing."""
        with self._changed:
            if not self._stopping and self._asked.ask_for_left(request):
                self.held = None
                self._poked = True
                self._begin()

    def give_back(self) -> bool:
        """Let another process have the connector, unless a run is in progress; returns whether it is free now."""
        with self._changed:
            # A run that is over has still to be put on record.
            if self._asked.active is not None or self._at_work:
                # A run that only waits for more must not be in the way, nor those that come after it.
                self._hurries_until = self._clock.monotonic() + _HURRY_SECONDS
                self._poked |= self._lingers
                self._changed.notify_all()
                return False
            # What was postponed is in the line: whoever takes the connector looks there.
            self._lease = self._next_deadline = self.held = self._postponed = None
            self._giving_back = True
        try:
            self._store.release_lease(self.name, self._owner)
        finally:
            with self._changed:
                self._giving_back = False
                self._changed.notify_all()
        return True

    def forget_hold(self) -> None:
        """What held the connector may be gone: let tasks that are logged start runs again."""
        with self._changed:
            self.held = None

    def cancel(self, run_id: str) -> bool:
        """Make a run end after the batch in hand; False when this worker is not in it."""
        with self._changed:
            if not self._asked.cancel(run_id):
                return False
            self._asked.put_on_record(run_id)
            self._poked = True
            self._changed.notify_all()
            return True

    def poke(self) -> None:
        """Make a run that waits for a retry look at the line now."""
        with self._changed:
            self._poked = True
            self._changed.notify_all()

    def prove(self, asked_at: float) -> None:
        """See ``Pause.prove``."""
        if self._lease is not None:
            self._trust.begin(self._lease.connector_id, asked_at)

    def wait_until(self, moment: datetime) -> None:
        """See ``Pause.wait_until``."""
        with self._changed:
            delay = (moment - self._clock.now()).total_seconds()
            if delay > 0:
                self._changed.wait_for(lambda: self._stopping or self._poked, timeout=delay)
            self._poked = False

    def begin_to_stop(self) -> None:
        """Make the run end after the batch in hand, without waiting for it."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def stop(self) -> None:
        """End the run after the batch in hand, end the thread, and give the connector back."""
        self.begin_to_stop()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._records.leave_awaited()
        if self._lease is not None:
            # A lease that stays behind does no harm: the next holder takes it over with a higher epoch.
            with suppress(StoreUnavailable, OutcomeUnknown):
                self._store.release_lease(self.name, self._owner)
            self._lease = None

    def _accept(self, run: NewRun, *, is_wanted: bool = True) -> tuple[NotifyOutcome, NewRun]:
        if self._stopping:
            raise ServerDraining("the server is stopping; ask again in a moment")
        # A run that waits for a retry looks at once. One that was interrupted is not tried more often than once in a
        # second, or else trouble that lasts would keep the worker busy; unless somebody wants it.
        if is_wanted or not self.backs_off:
            self._poked = self._asked.active is not None
        outcome, accepted = self._asked.ask(run)
        self._begin()
        return outcome, accepted

    def _accept_known(self, run: NewRun) -> tuple[NotifyOutcome, NewRun]:
        self.held = None
        outcome, accepted = self._accept(run)
        self._asked.put_on_record(accepted.id)
        return outcome, accepted

    def _begin(self) -> None:
        """See to what was asked for: wake the run in progress, or the thread, which may have to be started."""
        self._changed.notify_all()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=f"connector {self.name}")
            self._thread.start()

    def _work(self) -> None:
        backoff = _FIRST_BACKOFF
        while (run := self._next_run()) is not None:
            lost = False
            try:
                self._see_through(run)
                backoff = _FIRST_BACKOFF
                continue
            except LeaseHeld:
                if self._records.hand_over(run):
                    backoff = _FIRST_BACKOFF
                    continue
                self._back_off(backoff)
                backoff = min(backoff * 2, _LONGEST_BACKOFF)
                continue
            except (LeaseLost, StoreUnavailable, OutcomeUnknown) as error:
                lost = isinstance(error, LeaseLost)
                _log.warning("connector %s: run interrupted: %s", self.name, error)
                # The tasks in hand are not to blame; those of an earlier process may be, if they were not seen yet.
                self._may_have_crashed = self._may_have_crashed and self._lease is None
            except Exception:  # noqa: BLE001 - whatever the fault is, the connector's thread must live on
                _log.exception("connector %s: run interrupted by a fault of the server", self.name)
            self._recover(run, backoff, lost=lost)
            backoff = min(backoff * 2, _LONGEST_BACKOFF)

    def _next_run(self) -> NewRun | None:
        """Sleep until a run is asked for, or a task has waited long enough for its key; None to end the thread."""
        with self._changed:
            self._at_work = False
            while not self._stopping and (self._asked.active is None or self._giving_back):
                # Taken while it is being given back, the connector would be gone again at once.
                if self._giving_back:
                    self._changed.wait()
                elif self._postponed is not None:
                    self._changed.wait_for(lambda: self._postponed is None or self._is_called(), _REST_SECONDS)
                    if self._postponed is not None and not self._stopping:
                        # Nobody wants the connector any more, or somebody waits for a run of it.
                        postponed, self._postponed, self._hurries_until = self._postponed, None, 0.0
                        self._asked.ask(postponed)
                elif self._next_deadline is None:
                    if not self._changed.wait_for(self._is_called, timeout=_IDLE_SECONDS):
                        self._thread = None
                        return None
                elif (delay := (self._next_deadline - self._clock.now()).total_seconds()) > 0:
                    self._changed.wait(timeout=delay)
                else:
                    self._next_deadline = None
                    self._asked.ask(NewRun(id=new_id(), trigger=RunTrigger.CALL, called_only=True))
            self._at_work = not self._stopping
            return self._asked.active if self._at_work else None

    def _is_called(self) -> bool:
        return self._stopping or self._giving_back or self._asked.active is not None

    def _see_through(self, run: NewRun) -> None:
        lease = self._lease or self._acquire(run)
        began = self._clock.monotonic()
        place = 0
        may_wait = passes_by = False
        while True:
            end = self._runner.run(lease, run, place, self)
            place = end.place
            may_wait |= end.may_wait
            # What was passed by is for the next run.
            passes_by |= end.passes_by
            if not passes_by and self._clock.monotonic() - began < _LINGER_AGE_SECONDS:
                self._linger(run)
            again = self._look_again_or_end(run, end)
            if again is None:
                break
            run = again
        # While something holds the connector nothing can be done about a deadline; its release starts a run.
        is_due = may_wait and self.held is None
        deadline = self._store.next_deadline(self._registered.id) if is_due else None
        with self._changed:
            self._next_deadline = deadline

    def _acquire(self, run: NewRun) -> Lease:
        asked_at = self._clock.monotonic()
        lease = self._runner.take(self.name, self._owner, run.id, crashed=self._may_have_crashed)
        self._trust.begin(lease.connector_id, asked_at)
        self._lease, self._may_have_crashed = lease, True
        return lease

    def _linger(self, run: NewRun) -> None:
        """Wait a moment for more tasks, unless somebody waits for the run, or for the connector."""
        with self._changed:
            is_awaited = self._asked.is_known(run.id) or self._hurries
            if run.trigger is not RunTrigger.LOG or is_awaited:
                return
            self._lingers = True
            self._changed.wait_for(lambda: self._poked or self.stopping, timeout=_LINGER_SECONDS)
            self._poked = self._lingers = False

    def _look_again_or_end(self, run: NewRun, end: RunEnd) -> NewRun | None:
        """The run, if a trigger came meanwhile; if not, it is over, and the next trigger starts another.

        Its end is put on record then, unless another process has asked for one more look in time.
        """
        with self._changed:
            # What joined it goes to whoever processes the connector next.
            cut_off = self._stopping and self._asked.joined and end.state is RunState.COMPLETED
            # Where one task follows the other the connector would never rest, and others could not have it.
            rests = self._hurries and run.trigger in _BY_THEMSELVES and not self._asked.is_known(run.id)
            if rests and self._asked.joined and not self.stopping:
                self._postponed = replace(self._asked.active or run, id=new_id())
            again = self._asked.look_again(allowed=not self.stopping and not rests)
            if again is not None:
                return again
            cancelled = self._asked.is_cancelled(run.id)
            if not cancelled:
                self.held = None if end.state is RunState.COMPLETED else end.state
            # What is asked for from now on has not been seen by the look that was the last.
            seen = self._asked.seen(run.id)
            if self._stopping and seen:
                # Whoever processes the connector next carries it out.
                return None
        state = RunState.CANCELLED if cancelled else RunState.STOPPED if cut_off else end.state
        request = self._records.end(run, state, seen)
        if request is None or state is RunState.CANCELLED:
            return None
        with self._changed:
            return self._asked.go_on(run, request)

    def _recover(self, run: NewRun, backoff: timedelta, *, lost: bool) -> None:
        """Give up a run that was interrupted, and try again with another one after a while."""
        self._lease = None
        with self._changed:
            seen = self._asked.give_up(run)
            # Whoever asked for more of the run that failed gets the one that follows it.
            self.backs_off, self._poked = True, False
        try:
            joined = self._records.end(run, RunState.INTERRUPTED, seen, lost=lost)
            if joined is not None and not lost and not joined.run.called_only:
                self.trigger(replace(run, id=new_id(), called_only=False))
        except Exception as error:  # noqa: BLE001 - the thread must live on; whoever takes the connector ends the run
            _log.warning("connector %s: the end of the run is not on record: %s", self.name, error)
        try:
            # A commit whose outcome was unknown may have called tasks of others, who were not told.
            self._on_interrupted()
        except Exception as error:  # noqa: BLE001 - as above
            _log.warning("connector %s: others may not know that they are called: %s", self.name, error)
        self._back_off(backoff)

    def _back_off(self, longest: timedelta) -> None:
        """Wait before the next attempt: for a second unless somebody wants a run, then until anything comes."""
        with self._changed:
            self.backs_off = True
            self._changed.wait_for(lambda: self._stopping or self._poked, _FIRST_BACKOFF.total_seconds())
            self.backs_off = False
            more = longest - _FIRST_BACKOFF
            self._changed.wait_for(lambda: self._stopping or self._poked, more.total_seconds())
            self._poked = False
