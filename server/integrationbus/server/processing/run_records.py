"""What is on record about the runs of one worker: that they began, how they ended, and what was left to others."""

import logging
from collections.abc import Callable
from contextlib import suppress
from threading import Condition

from integrationbus.server.claims import NewRun
from integrationbus.server.errors import OutcomeUnknown, StoreUnavailable
from integrationbus.server.processing.asked_runs import AskedRuns
from integrationbus.server.registry import RegisteredConnector
from integrationbus.server.replica import RequestedRun
from integrationbus.server.run import Run, RunState
from integrationbus.server.store import Store

__all__ = ["RunRecords"]

_log = logging.getLogger(__name__)


class RunRecords:
    """Keeps the record of the runs that were ``asked`` of a worker, whose lock is ``changed``."""

    def __init__(
        self,
        *,
        store: Store,
        registered: RegisteredConnector,
        asked: AskedRuns,
        changed: Condition,
        on_change: Callable[[], None],
    ) -> None:
        self._store = store
        self._registered = registered
        self._asked = asked
        self._changed = changed
        self._on_change = on_change

    def begin(self, run: NewRun) -> Run:
        """Put a run on record; whoever comes second, the worker's own thread perhaps, changes nothing."""
        return self._store.begin_run(self._registered.id, run)

    def end(self, run: NewRun, state: RunState, seen: int, *, lost: bool = False) -> RequestedRun | None:
        """See ``Store.end_run``."""
        with self._changed:
            on_record = self._asked.take_from_record(run.id)
        if on_record:
            self.begin(run)
        request = self._store.end_run(run.id, state, seen=seen, lost=lost)
        goes_on = request is not None and (lost or state not in (RunState.CANCELLED, RunState.INTERRUPTED))
        if not goes_on:
            with self._changed:
                self._asked.forget(run.id, requested=seen > 0 or request is not None)
        self._on_change()
        return request

    def hand_over(self, run: NewRun) -> bool:
        """Another process took the connector a moment ago: leave the run to it. If that fails the run stays here."""
        with self._changed:
            run, is_left = self._asked.let_go(run)
        try:
            if is_left and any(each.run.id == run.id for each in self._store.news().requested):
                # Asked for once more, it would come back here at once as long as this process thinks it is its home.
                return True
            _, left = self._store.leave_request(self._registered.id, run)
            if left.id != run.id:
                self.end(run, RunState.INTERRUPTED, seen=0)
            else:
                with self._changed:
                    self._asked.take_from_record(run.id)
                self._on_change()
        except Exception as error:  # noqa: BLE001 - the thread must live on, and the run may be known to somebody
            _log.warning("connector %s: a run could not be handed over: %s", self._registered.name, error)
            with self._changed:
                self._asked.take_back(run)
            return False
        return True

    def leave_awaited(self) -> None:
        """Leave the runs that were not begun, and that somebody knows, to whoever processes the connector next."""
        with self._changed:
            awaited = [(run, self._asked.is_cancelled(run.id)) for run in self._asked.awaited]
        # Without the database, whoever comes next says that they were interrupted.
        with suppress(StoreUnavailable, OutcomeUnknown):
            for run, is_cancelled in awaited:
                if is_cancelled:
                    self.end(run, RunState.CANCELLED, seen=0)
                    continue
                _, left = self._store.leave_request(self._registered.id, run)
                if left.id != run.id:
                    self.end(run, RunState.STOPPED, seen=0)
